"""Reading an archive: whole versions only, each file as it was written, while a writer publishes."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import indexer.archive as reading
from engine.embeddings import Embedder
from engine.encoders import load_exported
from engine.errors import ArchiveCorrupt, ArchiveError, CaselinkError
from engine.readers import read
from engine.region import Region
from indexer.archive import KEY, Archive, open_snapshot
from indexer.manifest import NAME, Manifest, check_file, read_manifest
from indexer.search import Question, answer
from indexer.writer import open_writer

Index = Callable[..., object]
FILMS = 8

PUBLISH = """
import sys
from pathlib import Path
from engine.encoders import EncoderFiles
from indexer.writer import open_writer
root = Path(sys.argv[1])
files = EncoderFiles.read(root / "encoder")
with open_writer(root, files.card, files.onnx.parent) as writer:
    print("go", flush=True)
    for _ in range(int(sys.argv[2])):
        rows = writer.catalogue.rows("SELECT * FROM films ORDER BY film DESC LIMIT 1")
        writer.catalogue.insert("films", [rows[0] | {"film": writer.new_film()}])
        writer.publish()
"""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., bytes], lay: Callable[..., Path]) -> Path:
    """Eight films of four patients; the last two share their bytes but not their patient."""
    films = {f"{n}.png": draw(min(n, 6)) for n in range(FILMS)}
    rows = [{"file": name, "patient_id": f"p{n // 2 + (n == 7)}", "age": 10 + n} for n, name in enumerate(films)]
    return lay(tmp_path_factory.mktemp("source"), films, rows)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, source: Path, index: Index) -> Path:
    """An archive of the source; copy it before changing it."""
    root = tmp_path_factory.mktemp("archive") / "a"
    index(source, root)
    return root


@pytest.fixture
def root(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "a"))


def ask(archive: Archive, embedder: Embedder, film: Path, k: int = 2) -> list[str]:
    query = read(film)
    region = Region.whole(query.shape)
    vectors = embedder.embed([embedder.prepare(query, region)])
    return [
        case.patient for case in answer(archive.snapshot, embedder.card, Question([query], [region], vectors, k)).cases
    ]


def test_rows_by_film_vector_hash_and_patient(made: Path) -> None:
    snapshot = open_snapshot(made)
    assert len(snapshot.film) == FILMS
    assert len(snapshot.index) == FILMS - 1
    shared = np.flatnonzero(snapshot.vector == snapshot.vector[7])
    assert len(shared) == 2
    which, rows = snapshot.films_of_vector.rows(snapshot.vector[[7, 3]])
    assert which.tolist() == [0, 0, 1]
    assert rows.tolist() == [*shared.tolist(), 3]
    for row, film in enumerate(snapshot.film.tolist()):
        assert snapshot.row_of_film(film) == row
    assert snapshot.row_of_film(10**6) is None
    digests = snapshot.films["sha256"].to_pylist()
    for digest in {*digests, "none"}:
        assert snapshot.rows_of_files([digest]).tolist() == [row for row, one in enumerate(digests) if one == digest]
    assert sorted(snapshot.rows_of_files(digests).tolist()) == sorted(
        row for one in digests for row, other in enumerate(digests) if one == other
    )
    assert list(snapshot.patients) == sorted(set(snapshot.films["patient"].to_pylist()))
    assert [snapshot.patients[code] for code in snapshot.patient] == snapshot.films["patient"].to_pylist()
    assert [snapshot.patient_code[name] for name in snapshot.patients] == list(range(len(snapshot.patients)))
    snapshot.close()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_is_found_and_its_file_named(root: Path, data: st.DataObject) -> None:
    manifest = read_manifest(root)
    published = [manifest.catalogue.path, *(segment.path for segment in manifest.segments), NAME, KEY]
    name = data.draw(st.sampled_from([*published, "encoder/encoder.onnx"]))
    content = bytearray((root / name).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    whole = bytes(content)
    content[place] ^= data.draw(st.integers(1, 255))
    (root / name).write_bytes(content)
    told = complaint(root)
    (root / name).write_bytes(whole)
    if told is None:
        assert name in {NAME, KEY}  # a blank for another, or a hex digit in capitals
    else:
        assert Path(name).name in told


def complaint(root: Path) -> str | None:
    """What opening an archive and its encoder says of it; None where all is well."""
    try:
        open_snapshot(root).close()
        load_exported(root / "encoder", threads=1)
    except CaselinkError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["catalogue.duckdb", ".safetensors", "pseudonym.key", "encoder.onnx", "card.json"])
def test_a_missing_file_is_named(root: Path, name: str) -> None:
    for path in list(root.rglob(f"*{name}")):
        path.unlink()
    with pytest.raises(CaselinkError, match=name.replace(".", r"\.")):
        open_snapshot(root)
        load_exported(root / "encoder", threads=1)


def test_what_is_no_archive(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ArchiveError, match="holds no archive; make one with"):
            Archive(place)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match="is a file"):
        Archive(tmp_path / "file")


def test_a_segment_that_lacks_a_vector_is_corrupt(root: Path) -> None:
    manifest = read_manifest(root)
    fewer = Manifest(**vars(manifest) | {"segments": ()})
    fewer.save(root)
    with pytest.raises(ArchiveCorrupt, match="7 vectors are named but 0 are there"):
        open_snapshot(root)


def test_a_version_swept_while_it_is_read_gives_the_newer(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[int] = []

    def sweep_first(place: Path, file: object) -> Path:
        manifest = read_manifest(place)
        if len(swept) < 3:
            swept.append(manifest.version)
            card = manifest.card
            with open_writer(place, card, place / "encoder") as writer:
                for _ in range(4):
                    writer.publish()
        return check_file(place, file)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "check_file", sweep_first)
    snapshot = open_snapshot(root)
    assert snapshot.manifest.version == swept[0] + 12
    assert len(snapshot.film) == FILMS
    snapshot.close()


def test_a_file_gone_from_the_newest_version_is_an_error_at_once(root: Path) -> None:
    (root / read_manifest(root).catalogue.path).unlink()
    with pytest.raises(ArchiveCorrupt, match=r"catalogue\.duckdb cannot be read"):
        open_snapshot(root)


def test_a_reader_follows_a_writer_and_never_fails(root: Path, source: Path, embedder: Embedder) -> None:
    command = [sys.executable, "-c", PUBLISH, str(root), "40"]
    expected = None
    seen = set()
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "go\n"
        with Archive(root) as archive:
            while child.poll() is None:
                found = ask(archive, embedder, source / "0.png")
                expected = expected or found
                assert found == expected
                seen.add(archive.snapshot.manifest.version)
                fresh = open_snapshot(root)
                assert len(fresh.film) == FILMS + fresh.manifest.version - 1
                fresh.catalogue.close()
            assert len(archive.snapshot.film) == FILMS + 40
    assert child.returncode == 0
    assert len(seen) > 1  # how many of the forty depends on the machine


def test_every_answer_is_of_one_whole_version(root: Path, source: Path, embedder: Embedder) -> None:
    """Each of ten versions gives all films another centre, and one more film or one patient fewer."""

    def keep_asking() -> None:
        while not done.is_set():
            found = answer(archive.snapshot, embedder.card, question)
            version = int(str(found.manifest["version"]))
            assert {case.centre for case in found.cases} == {f"version {version}"}
            assert (found.manifest["films"], found.manifest["patients"]) == sizes[version]
            assert [case.rank for case in found.cases] == [1, 2]
            seen.add(version)

    query = read(source / "2.png")
    region = Region.whole(query.shape)
    question = Question([query], [region], embedder.embed([embedder.prepare(query, region)]), 2, "centre is not null")
    sizes: dict[int, tuple[int, int]] = {}
    seen: set[int] = set()
    done = threading.Event()
    with open_writer(root, embedder.card, root / "encoder") as writer:

        def publish(*, erasing: bool = False) -> None:
            version = writer.manifest.version + 1
            rows = [row | {"centre": f"version {version}"} for row in writer.catalogue.rows("SELECT * FROM films")]
            patients = {row["patient"] for row in rows}
            if erasing:
                leaving = rows[-1]["patient"]
                rows = [row for row in rows if row["patient"] != leaving]
                writer.catalogue.delete("films", "patient", [leaving])
                writer.catalogue.insert("patients", [{"patient": leaving, "sex": None, "split_group": None}])
            else:
                rows.append(rows[0] | {"film": writer.new_film(), "patient": f"P{version}"})
                patients.add(f"P{version}")
            sizes[version] = len(rows), len(patients) - erasing
            writer.catalogue.delete("films", "film", [row["film"] for row in rows])
            writer.catalogue.insert("films", rows)
            writer.erase(leaving) if erasing else writer.publish()

        writer.catalogue._write("DELETE FROM patients")
        publish()
        with Archive(root) as archive, ThreadPoolExecutor(4) as pool:
            answered = [pool.submit(keep_asking) for _ in range(4)]
            for number in range(10):
                publish(erasing=number % 5 == 4)
                while writer.manifest.version not in seen and not any(future.done() for future in answered):
                    time.sleep(0.005)
            done.set()
            assert [future.result() for future in answered] == [None] * 4
    assert seen == set(sizes)


def test_threads_share_an_archive_while_it_grows(root: Path, source: Path, embedder: Embedder) -> None:
    def keep_asking() -> int:
        asked = 0
        while not done.is_set():
            ask(archive, embedder, source / "2.png")
            asked += 1
        return asked

    done = threading.Event()
    with Archive(root) as archive, ThreadPoolExecutor(3) as pool:
        answered = [pool.submit(keep_asking) for _ in range(3)]
        with open_writer(root, embedder.card, root / "encoder") as writer:
            for _ in range(10):
                writer.publish()
        done.set()
        assert all(future.result() for future in answered)
