"""The writer: whole versions, one writer at a time, nothing left behind."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import indexer.writer as writing
from engine.encoders import EncoderFiles
from engine.errors import ArchiveBusy, ArchiveCorrupt, ArchiveError, DiskFull, ModelMismatch
from indexer.archive import KEY, open_snapshot, read_segments
from indexer.catalogue import Catalogue
from indexer.manifest import read_manifest
from indexer.packs import pack_path
from indexer.segments import FAN
from indexer.writer import LOCK, WORK, ArchiveWriter, open_writer

HOLD = """
import sys
from pathlib import Path
from engine.encoders import EncoderFiles
from indexer.writer import open_writer
files = EncoderFiles.read(Path(sys.argv[2]))
with open_writer(Path(sys.argv[1]), files.card, files.onnx.parent):
    print("held", flush=True)
    sys.stdin.read()
"""

Open = Callable[..., "ArchiveWriter"]


def unit(seed: int, dimension: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(dimension)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def add(writer: ArchiveWriter, count: int) -> None:
    """Films with vectors of their own, each of a patient of its own."""
    rows = []
    for _ in range(count):
        film = writer.new_film()
        vector = writer.add_vector(unit(film, writer.manifest.card.dimension))
        names = dict.fromkeys(Catalogue.column_names("films"))
        facts = {"patient": f"P{film}", "sha256": f"{film:064x}", "stage": "unknown", "region": "whole"}
        rows.append(names | facts | {"film": film, "vector": vector})
    writer.catalogue.insert("films", rows)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_new_archive_is_empty_whole_and_carries_its_encoder(root: Path, encoder: EncoderFiles) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent):
        assert files_in(root) >= {"manifest.json", "encoder/encoder.onnx", "encoder/card.json", KEY}
    snapshot = open_snapshot(root)
    assert (snapshot.manifest.version, len(snapshot.film)) == (0, 0)
    snapshot.close()
    assert not (root / WORK).exists()


def test_only_what_was_published_is_read(root: Path, encoder: EncoderFiles) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 3)
        writer.publish()
        add(writer, 4)
        snapshot = open_snapshot(root)
        assert snapshot.film.tolist() == [0, 1, 2]
        ids, similarity = snapshot.index.search(unit(2, 1280)[None], 3)
        assert (ids[0, 0], similarity[0, 0]) == (2, pytest.approx(1, abs=1e-5))
        snapshot.close()
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 1)
        writer.publish()
    snapshot = open_snapshot(root)
    assert snapshot.film.tolist() == [0, 1, 2, 3]
    assert snapshot.manifest.version == 2
    snapshot.close()


def test_few_versions_and_segments_stay_and_no_vector_is_lost(
    root: Path, encoder: EncoderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "GRACE_S", 0.0)
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        for _ in range(2 * FAN + 5):
            add(writer, 2)
            writer.publish()
    manifest = read_manifest(root)
    versions = [path.name for path in sorted((root / "versions").iterdir())]
    assert versions == [f"{manifest.version - n:06d}" for n in (2, 1, 0)]
    assert len(manifest.segments) <= 2 + FAN
    read = read_segments(root, manifest)
    ids = np.concatenate([ids for ids, _ in read])
    assert ids.tolist() == list(range(2 * (2 * FAN + 5)))
    vectors = np.concatenate([vectors for _, vectors in read])
    assert np.array_equal(vectors, np.stack([unit(n, 1280) for n in ids]))
    with open_writer(root, encoder.card, encoder.onnx.parent):
        pass
    assert {root / segment.path for segment in manifest.segments} == {
        path for path in (root / "vectors").rglob("*") if path.is_file()
    }


def test_leftovers_of_a_killed_run_are_swept(root: Path, encoder: EncoderFiles) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 2)
        writer.publish()
    before = files_in(root)
    for name in (
        "versions/000002/catalogue.duckdb",
        "versions/000002/.catalogue.duckdb.tmp",
        "vectors/x/000002.safetensors",
        f"{WORK}/catalogue.duckdb",
        f"{WORK}/catalogue.duckdb.wal",
        pack_path(0),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"half")
    (root / "versions" / "notes").mkdir()
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 1)
        writer.publish()
    assert files_in(root) == before | {
        "versions/000002/catalogue.duckdb",
        f"vectors/{encoder.card.fingerprint}/000002.safetensors",
    }


@pytest.mark.parametrize("missing", ["manifest.json", "manifest.json encoder/card.json", f"manifest.json {KEY}"])
def test_a_run_killed_before_the_first_manifest_is_taken_up(root: Path, encoder: EncoderFiles, missing: str) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent):
        pass
    for name in missing.split():
        (root / name).unlink()
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 1)
        writer.publish()
    snapshot = open_snapshot(root)
    assert len(snapshot.film) == 1
    snapshot.close()


@pytest.fixture
def held(root: Path, encoder: EncoderFiles) -> Iterator[Path]:
    """An archive that another process is writing."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", HOLD, str(root), str(encoder.onnx.parent)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield root
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait() == 0


def test_two_writers_at_once(held: Path, encoder: EncoderFiles) -> None:
    before = files_in(held)
    with (
        pytest.raises(ArchiveBusy, match="another process is writing .*; wait until"),
        open_writer(held, encoder.card, encoder.onnx.parent),
    ):
        pass
    assert files_in(held) == before
    assert LOCK in before


def test_another_models_vectors_are_refused(root: Path, encoder: EncoderFiles) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent):
        pass
    other = replace(encoder.card, name="resnet18", sha256="0" * 64)
    with (
        pytest.raises(ModelMismatch, match=r"default .* resnet18 .*; use the archive's encoder, or index"),
        open_writer(root, other, encoder.onnx.parent),
    ):
        pass
    with open_writer(root, encoder.card, encoder.onnx.parent):  # the lock was let go
        pass


def test_places_that_are_taken(tmp_path: Path, encoder: EncoderFiles) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(ArchiveError, match="is a file; give a folder"),
        open_writer(tmp_path / "file", encoder.card, encoder.onnx.parent),
    ):
        pass
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "beach.jpg").write_text("x")
    with (
        pytest.raises(ArchiveError, match=r"no archive and not empty \(beach\.jpg\)"),
        open_writer(tmp_path / "holidays", encoder.card, encoder.onnx.parent),
    ):
        pass
    assert files_in(tmp_path) == {"file", "holidays/beach.jpg"}
    with (
        pytest.raises(ArchiveError, match="cannot be written"),
        open_writer(Path("/proc/archive"), encoder.card, encoder.onnx.parent),
    ):
        pass


@pytest.mark.parametrize("name", ["catalogue.duckdb", ".safetensors", "pseudonym.key", "manifest.json"])
def test_a_damaged_archive_is_not_written_on(root: Path, encoder: EncoderFiles, name: str) -> None:
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        add(writer, 2)
        writer.publish()
    damaged = max(path for path in root.rglob(f"*{name}") if path.is_file())
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] = ord("0") if data[len(data) // 2] != ord("0") else ord("1")
    damaged.write_bytes(data)
    with (
        pytest.raises(ArchiveCorrupt, match=damaged.name.replace(".", r"\.")),
        open_writer(root, encoder.card, encoder.onnx.parent),
    ):
        pass


def test_a_full_disk_keeps_what_was_published(small_disk: Path, encoder: EncoderFiles) -> None:
    root = small_disk / "archive"
    with (
        pytest.raises(DiskFull, match="free some and run the same again"),
        open_writer(root, encoder.card, encoder.onnx.parent) as writer,
    ):
        add(writer, 5)
        writer.publish()
        for _ in range(40):
            add(writer, 300)
            kept = writer.manifest.next_film
            writer.publish()
    snapshot = open_snapshot(root)
    assert len(snapshot.film) >= 5
    assert len(snapshot.film) == kept
    assert len(snapshot.index) == len(snapshot.film)
    snapshot.close()


def test_a_disk_too_small_for_the_encoder(small_disk: Path, encoder: EncoderFiles) -> None:
    with (small_disk / "ballast").open("wb") as file:
        file.write(bytes(35 << 20))
    with pytest.raises(DiskFull), open_writer(small_disk / "archive", encoder.card, encoder.onnx.parent):
        pass
    (small_disk / "ballast").unlink()
    with open_writer(small_disk / "archive", encoder.card, encoder.onnx.parent) as writer:
        add(writer, 1)
        writer.publish()
