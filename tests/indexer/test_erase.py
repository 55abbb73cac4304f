"""Erasing a patient: no byte of them under the archive, everybody else as before."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.encoders import EncoderFiles
from engine.errors import ArchiveCorrupt, NotFound
from indexer import packs
from indexer.archive import open_snapshot, read_segments
from indexer.catalogue import TABLES, Catalogue
from indexer.manifest import Manifest, read_manifest
from indexer.packs import COLUMNS, Place, read_picture
from indexer.writer import open_writer

Index = Callable[..., Any]
WINDOW = 16
ALL = 12


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., bytes], lay: Callable[..., Path]) -> Path:
    """Twelve films of four patients; patient 1 has a copy of their own film, and a film that patient 3 has too."""
    films = {f"{n:02d}-of-{n % 4}.png": draw(n, 256) for n in range(ALL)}
    films |= {"copy-of-1.png": films["01-of-1.png"], "shared-of-3.png": films["05-of-1.png"]}
    rows = [
        {"file": name, "patient_id": name.rpartition("of-")[2][0], "entity": "osteosarcoma", "age": 10 + n}
        for n, name in enumerate(films)
    ]
    events = "patient_id,kind,date,text\n" + "".join(f"{n},follow-up,2020-01-01,told of {n}\n" for n in range(4))
    return lay(tmp_path_factory.mktemp("erased"), films | {"events.csv": events.encode()}, rows)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, source: Path, index: Index) -> Path:
    """An archive of the source in several segments and packs; copy it before changing it."""
    root = tmp_path_factory.mktemp("whole") / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "LARGEST", 9000)
        patch.setattr("indexer.ingest.PUBLISH_EVERY_S", -1.0)
        patch.setattr("indexer.ingest.PUBLISH_SHARE", 0)
        patch.setattr("indexer.ingest.HANDFUL", 3)
        index(source, root)
    manifest = read_manifest(root)
    assert len(manifest.segments) > 2 and len(manifest.packs) > 2
    return root


@pytest.fixture
def root(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "a"))


def pseudonym(root: Path, number: int) -> str:
    snapshot = open_snapshot(root)
    snapshot.close()
    return snapshot.pseudonyms.patient(str(number))


def erase(root: Path, patient: str) -> Any:
    manifest = read_manifest(root)
    with open_writer(root, manifest.card, root / "encoder") as writer:
        return writer.erase(patient)


def holdings(root: Path) -> dict[str, dict[str, Any]]:
    """Each film by its file: its row without its place, its vector's and its picture's bytes."""
    snapshot = open_snapshot(root)
    vectors = {
        int(n): v.tobytes()
        for ids, rows in read_segments(root, snapshot.manifest)
        for n, v in zip(ids, rows, strict=True)
    }
    found = {}
    for film in snapshot.films.to_pylist():
        place = Place(*(film.pop(name) for name in COLUMNS))
        del film["near_group"]  # goes with the film that it was near to
        found[film["file"]] = film | {"bytes": vectors[film["vector"]], "picture": read_picture(root, place)}
    snapshot.close()
    return found


def windows(data: bytes) -> set[bytes]:
    return {data[n : n + WINDOW] for n in range(0, len(data) - WINDOW + 1, 4)}


def traces(before: dict[str, dict[str, Any]], patient: str) -> dict[str, set[bytes]]:
    """What tells of a patient and of nobody else: names, and windows of their vectors and pictures."""
    theirs = [film for film in before.values() if film["patient"] == patient]
    others = [film for film in before.values() if film["patient"] != patient]
    found = {"pseudonym": {patient.encode()}}
    for name in ("sha256", "file", "uri"):
        found[name] = {film[name].encode() for film in theirs} - {film[name].encode() for film in others}
    for name in ("bytes", "picture"):
        known = set().union(*(windows(film[name]) for film in others))
        found[name] = set().union(*(windows(film[name]) for film in theirs)) - known
        found[name] = {window for window in found[name] if len(set(window)) > WINDOW // 2}
    return found


def found_in(root: Path, needles: dict[str, set[bytes]]) -> set[tuple[str, str]]:
    """(kind, file) of every trace that any file of an archive holds."""
    held = set()
    for path in root.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        at_any_byte = {data[n : n + WINDOW] for n in range(len(data))} if "encoder" not in path.parts else set()
        for kind, wanted in needles.items():
            hit = wanted & at_any_byte if kind in {"bytes", "picture"} else any(needle in data for needle in wanted)
            if hit:
                held.add((kind, path.relative_to(root).as_posix()))
    return held


@pytest.fixture(scope="session")
def expected(made: Path) -> dict[str, dict[str, Any]]:
    return holdings(made)


def test_no_byte_is_left_and_nobody_else_is_touched(root: Path, expected: dict[str, dict[str, Any]]) -> None:
    patient = pseudonym(root, 1)
    needles = traces(expected, patient)
    assert all(needles.values())
    kinds = {kind for kind, _ in found_in(root, needles)}
    assert kinds == set(needles)  # the search finds what is there
    done = erase(root, patient)
    assert found_in(root, needles) == set()
    left = {file: film for file, film in expected.items() if film["patient"] != patient}
    assert holdings(root) == left
    assert (done.films, done.events, done.lesions, done.files) == (3, 1, 1, 4)
    assert (done.vectors, done.pictures, done.shared) == (2, 2, 1)
    assert {Path(uri).name for uri in done.originals} == {f"{n:02d}-of-1.png" for n in (1, 5, 9)}


def test_shards_of_a_run_that_was_stopped_go_too(root: Path) -> None:
    shard = root / "bulk" / "0000.shard"
    shard.parent.mkdir()
    shard.write_bytes(b"a vector that may be anybody's")
    erase(root, pseudonym(root, 1))
    assert not shard.parent.exists()


def test_all_tables_are_without_the_patient(root: Path) -> None:
    patient = pseudonym(root, 1)
    erase(root, patient)
    snapshot = open_snapshot(root)
    for table in TABLES:
        assert patient not in str(snapshot.catalogue.rows(f"SELECT * FROM {table}")), table
    told = snapshot.catalogue.rows("SELECT file FROM ledger")
    assert {row["file"][-5] for row in told} == {"0", "2", "3"}
    snapshot.close()


def test_a_film_that_two_patients_have_stays_for_the_other(root: Path, expected: dict[str, dict[str, Any]]) -> None:
    erase(root, pseudonym(root, 3))
    erase(root, pseudonym(root, 0))
    kept = holdings(root)["05-of-1.png"]
    assert (kept["bytes"], kept["picture"]) == (expected["05-of-1.png"]["bytes"], expected["05-of-1.png"]["picture"])


def test_erasing_everybody_leaves_an_empty_archive_that_takes_films(root: Path, source: Path, index: Index) -> None:
    numbers = {packs.pack_number(pack) for pack in read_manifest(root).packs}
    for number in range(4):
        erase(root, pseudonym(root, number))
    manifest = read_manifest(root)
    assert (holdings(root), manifest.segments) == ({}, ())
    assert {packs.pack_number(pack) for pack in manifest.packs}.isdisjoint(numbers)
    assert sum(pack.size for pack in manifest.packs) == 0
    index(source, root)
    assert len(holdings(root)) == ALL + 1


def test_the_source_brings_them_back_unless_their_files_are_gone(
    root: Path, source: Path, tmp_path: Path, index: Index, expected: dict[str, dict[str, Any]]
) -> None:
    patient = pseudonym(root, 1)
    erase(root, patient)
    index(source, root)
    assert patient in {film["patient"] for film in holdings(root).values()}
    erase(root, patient)
    fewer = Path(shutil.copytree(source, tmp_path / "fewer"))
    for path in fewer.glob("*-of-1.png"):
        path.unlink()
    rows = (fewer / "films.csv").read_text().splitlines(keepends=True)
    (fewer / "films.csv").write_text("".join(row for row in rows if "-of-1.png" not in row))
    index(fewer, root)
    assert patient not in {film["patient"] for film in holdings(root).values()}
    assert found_in(root, traces(expected, patient)) == set()


def test_what_a_film_withdrawn_earlier_left_behind_goes_too(
    root: Path, source: Path, tmp_path: Path, index: Index, draw: Callable[..., bytes]
) -> None:
    changed = Path(shutil.copytree(source, tmp_path / "changed"))
    index(changed, root)
    before = holdings(root)
    (changed / "09-of-1.png").write_bytes(draw(77, 256))
    index(changed, root)
    patient = pseudonym(root, 1)
    gone = traces(
        {"old": before["09-of-1.png"]} | {f: v for f, v in before.items() if v["patient"] != patient}, patient
    )
    assert {kind for kind, _ in found_in(root, gone)} >= {"bytes", "picture"}
    erase(root, patient)
    assert found_in(root, gone) == set()


def test_nobody_by_that_name(root: Path, made: Path) -> None:
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    for name in ("P0", "", "'; DROP TABLE films; --"):
        with pytest.raises(NotFound, match="holds nothing of a patient"):
            erase(root, name)
    assert {made / path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_unpublished_films_are_published_first(root: Path) -> None:
    manifest = read_manifest(root)
    with open_writer(root, manifest.card, root / "encoder") as writer:
        writer.new_film()
        with pytest.raises(ValueError, match="publish them before"):
            writer.erase(pseudonym(root, 1))


@pytest.mark.parametrize("kind", ["segments", "packs"])  # film 1 lies in the first of one, the second of the other
def test_damage_is_not_written_anew(root: Path, kind: str) -> None:
    manifest = read_manifest(root)
    patient = pseudonym(root, 1)
    harmed = root / getattr(manifest, kind)[kind == "packs"].path
    with open_writer(root, manifest.card, root / "encoder") as writer:
        data = bytearray(harmed.read_bytes())
        data[len(data) // 2] ^= 1
        harmed.write_bytes(data)
        with pytest.raises(ArchiveCorrupt, match=harmed.name.replace(".", r"\.")):
            writer.erase(patient)
    assert read_manifest(root) == manifest


@pytest.fixture
def writing(root: Path) -> Iterator[Any]:
    manifest = read_manifest(root)
    with open_writer(root, manifest.card, root / "encoder") as writer:
        yield writer


def test_a_reader_of_an_older_version_is_never_shown_another_film(root: Path, writing: Any) -> None:
    before = open_snapshot(root)
    places = {Place(*(film[name] for name in COLUMNS)) for film in before.films.to_pylist()}
    pictures = {place: read_picture(root, place) for place in places}
    writing.erase(pseudonym(root, 1))
    gone = 0
    for place, picture in pictures.items():
        with suppress(ArchiveCorrupt):
            gone += 1
            assert read_picture(root, place) == picture
            gone -= 1
    assert 0 < gone < len(pictures)
    before.close()


def test_a_writer_goes_on_after_an_erasure(root: Path, writing: Any, encoder: EncoderFiles) -> None:
    patients = [pseudonym(root, number) for number in (1, 2)]
    for patient in patients:
        writing.erase(patient)
    place = writing.add_thumbnail(b"picture")
    film, vector = writing.new_film(), writing.add_vector(np.eye(encoder.card.dimension, dtype=np.float32)[0])
    facts = {"film": film, "vector": vector, "patient": "P9", "sha256": "9" * 64, "file": "9", "stage": "unknown"}
    names = dict.fromkeys(Catalogue.column_names("films")) | dict(zip(COLUMNS, place, strict=True))
    writing.catalogue.insert("films", [names | facts | {"region": "whole"}])
    writing.publish()
    assert holdings(root)["9"]["picture"] == b"picture"
    assert {film["patient"] for film in holdings(root).values()}.isdisjoint(patients)


def test_an_erasure_stopped_after_it_was_published_is_completed(
    root: Path, expected: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    save = Manifest.save

    def killed(manifest: Manifest, place: Path) -> None:
        save(manifest, place)
        raise Killed

    patient = pseudonym(root, 1)
    needles = traces(expected, patient)
    monkeypatch.setattr(Manifest, "save", killed)
    with pytest.raises(Killed):
        erase(root, patient)
    monkeypatch.undo()
    assert patient not in {film["patient"] for film in holdings(root).values()}
    assert found_in(root, needles) != set()
    with pytest.raises(NotFound, match="complete by now"):
        erase(root, patient)
    assert found_in(root, needles) == set()
