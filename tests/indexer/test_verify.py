"""Checking and mending an archive: each changed bit is found in its file, and what has a second source is mended."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.card import ModelCard
from engine.errors import ArchiveCorrupt, ArchiveError, CaselinkError
from indexer.archive import KEY, open_snapshot
from indexer.catalogue import Catalogue
from indexer.manifest import NAME, Manifest, PublishedFile, read_manifest
from indexer.packs import COLUMNS
from indexer.repair import repair
from indexer.segments import write_segment
from indexer.verify import verify
from indexer.votes import Calibration
from indexer.writer import GRACE_S, ArchiveWriter, open_writer

PATIENTS = 12
FILMS = 2 * PATIENTS
FLIPS = 4
"""Bits flipped in every file."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a trained encoder that nobody runs: all that an archive may carry, but a segmenter."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "encoder.onnx").write_bytes(b"network" * 99)
    digest, half = hashlib.sha256((folder / "encoder.onnx").read_bytes()).hexdigest(), (0.5, 0.5, 0.5)
    card = ModelCard("tiny", "none", digest, 16, 64, half, half, "numpy", "Müller's films", "MIT", "none")
    (folder / "card.json").write_text(card.to_json())
    parts = (None, None, None, ("enchondroma",), 100, 100, "films", "run", "")
    (folder / "calibration.json").write_text(Calibration(5, 0.1, 0.1, 1.0, *parts).to_json())
    (folder / "split.json").write_text(json.dumps({"f" * 64: "train"}))
    (folder / "classifier.safetensors").write_bytes(b"weights")
    (folder / "classifier.json").write_text("{}")
    return folder


def add(writer: ArchiveWriter, numbers: range) -> None:
    """Patients with a lesion and two films each, with vectors and pictures."""
    rng = np.random.default_rng(numbers.start)
    rows: dict[str, list[dict[str, Any]]] = {"patients": [], "lesions": [], "films": [], "ledger": []}
    for number in numbers:
        patient, lesion = writer.pseudonyms.patient(f"{number}"), writer.new_lesion()
        rows["patients"].append({"patient": patient})
        rows["lesions"].append({"lesion": lesion, "patient": patient, "entity": "enchondroma"})
        for nth in range(2):
            vector = rng.standard_normal(writer.manifest.card.dimension).astype(np.float32)
            film = {"film": writer.new_film(), "patient": patient, "lesion": lesion, "stage": "unknown", "source": "s"}
            film |= {"vector": writer.add_vector(vector / np.linalg.norm(vector)), "sha256": f"{number:063x}{nth}"}
            film |= dict(zip(COLUMNS, writer.add_thumbnail(rng.bytes(200)), strict=True))
            rows["films"].append(film | {"file": f"{number}-{nth}", "region": "whole"})
            names = ("source", "file", "film", "sha256")
            rows["ledger"].append({name: rows["films"][-1][name] for name in names} | {"outcome": "indexed"})
    for name, found in rows.items():
        writer.catalogue.insert(name, [dict.fromkeys(Catalogue.column_names(name)) | row for row in found])


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Path:
    """An archive of three published versions; copy it before changing it."""
    root = tmp_path_factory.mktemp("made") / "a"
    with open_writer(root, ModelCard.from_json((tiny / "card.json").read_text()), tiny) as writer:
        for start in range(0, PATIENTS, 4):
            add(writer, range(start, start + 4))
            writer.publish(calibrated=True)
    return root


@pytest.fixture
def root(tmp_path: Path, made: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "a"))


def published(root: Path) -> list[str]:
    manifest = read_manifest(root)
    return [NAME, KEY, *(file.path for file in (*manifest.files, *manifest.packs))]


def flip(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)


def opened(root: Path) -> str | None:
    """What opening an archive says against it."""
    try:
        open_snapshot(root).close()
    except CaselinkError as error:
        return str(error)
    return None


def test_an_archive_as_it_was_written_is_whole(made: Path) -> None:
    found = verify(made)
    assert (found.whole, found.version, found.findings) == (True, 3, ())
    assert found.files == len(published(made)) == 2 + 1 + 1 + 3 + 6 + 1
    assert found.bytes == sum((made / path).stat().st_size for path in published(made))
    assert {stray.text for stray in found.strays} == {"of an older version, kept for its readers"}


def test_each_flipped_bit_is_found_in_its_file(root: Path) -> None:
    rng = np.random.default_rng(5)
    read_at_opening = {path for path in published(root) if not path.endswith((".onnx", ".pack"))}
    for path in published(root):
        whole = (root / path).read_bytes()
        for bit in rng.integers(0, 8 * len(whole), FLIPS).tolist():
            flip(root / path, bit)
            assert {finding.path for finding in verify(root).findings} == {path}, (path, bit)
            said = opened(root)
            if said is None and path in read_at_opening:  # the same manifest or key, otherwise spelt
                assert path in {NAME, KEY}
                assert {one.path for one in repair(root) if one.mended} == {path}
                assert (root / path).read_bytes() == whole
            assert said is None or Path(path).name in said
            (root / path).write_bytes(whole)
    assert verify(root).whole


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_of_the_smallest_files_may_change(root: Path, bit: int) -> None:
    for path in (KEY, NAME):
        whole = (root / path).read_bytes()
        for place in range(0, len(whole), 3 if path == KEY else 499):
            flip(root / path, 8 * place + bit)
            assert [finding.path for finding in verify(root).findings] == [path], place
            (root / path).write_bytes(whole)


def test_missing_and_short_files_are_named(root: Path) -> None:
    for path in published(root)[1:]:
        whole = (root / path).read_bytes()
        (root / path).unlink()
        assert [(one.path, one.kind) for one in verify(root).findings] == [(path, "missing")]
        (root / path).write_bytes(whole[:-1])
        kind = "short" if path.endswith(".pack") else "changed"
        assert [(one.path, one.kind) for one in verify(root).findings] == [(path, kind)]
        (root / path).write_bytes(whole)
    assert "has 4799 bytes of 4800; restore" in _short(root)


def _short(root: Path) -> str:
    pack = root / read_manifest(root).packs[0].path
    pack.write_bytes(pack.read_bytes()[:-1])
    return verify(root).findings[0].text


def test_no_archive_and_another_format(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="holds no archive"):
        verify(tmp_path / "nowhere")
    (root / NAME).write_text(json.dumps({"format": 4}))
    with pytest.raises(ArchiveError, match="format 4, this caselink reads"):
        verify(root)


def test_strays_are_listed_and_are_no_error(root: Path) -> None:
    for name in ("notes.txt", "vectors/x.safetensors", "films/000009.pack", "work/catalogue.duckdb", "encoder/a.json"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"x")
    (root / "versions" / "000009").mkdir()
    (root / "versions" / "000009" / "catalogue.duckdb").write_bytes(b"x")
    found = verify(root)
    assert found.whole
    told = {stray.path: stray.text for stray in found.strays}
    stopped, strange = "of a writer at work or stopped; the next one takes it away", "not of this archive"
    assert {told[name] for name in ("notes.txt", "encoder/a.json")} == {strange}
    later = ("vectors/x.safetensors", "films/000009.pack", "work/catalogue.duckdb", "versions/000009/catalogue.duckdb")
    assert {told[name] for name in later} == {stopped}


def rewrite(root: Path, sql: str) -> None:
    """Publish what a statement makes of the catalogue, as if a writer had gone wrong."""
    manifest = read_manifest(root)
    with open_writer(root, manifest.card, root / "encoder") as writer:
        writer.catalogue._write(sql)
        writer.publish()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE films SET vector = 999 WHERE film = 3", "films have a vector that is in no segment (1: 3)"),
        ("UPDATE films SET vector = 999 WHERE film = 3", "films have a vector number of 24 or more"),
        ("UPDATE films SET thumbnail_start = 4800 WHERE film < 7", "lies in no pack (7: 0, 1, 2, 3, 4, ..)"),
        ("UPDATE films SET thumbnail_size = 0 WHERE film = 3", "lies in no pack (1: 3)"),
        ("UPDATE films SET thumbnail_pack = 4 WHERE film = 3", "lies in no pack (1: 3)"),
        ("UPDATE films SET lesion = 5 WHERE film = 3", "another patient's (1: 3)"),
        ("UPDATE films SET patient = NULL WHERE film = 3", "films are of no patient (1: 3)"),
        ("DELETE FROM patients WHERE patient IN (SELECT patient FROM films WHERE film = 3)", "without a row (2: 2, 3)"),
        ("INSERT INTO near VALUES (1, 99, 0.9)", "name a film that is not held (1: 1)"),
        ("DELETE FROM films WHERE film = 3", "files of the ledger name a film that is not held (1: 1-1)"),
    ],
)
def test_rows_that_do_not_fit_are_named(root: Path, sql: str, said: str) -> None:
    rewrite(root, sql)
    found = verify(root)
    assert {one.kind for one in found.findings} == {"wrong"}
    assert any(said in one.text for one in found.findings), found.findings
    assert not any(one.mended for one in repair(root))


def test_vectors_that_do_not_fit_are_named(root: Path) -> None:
    manifest = read_manifest(root)
    first = manifest.segments[0]
    rows = np.eye(16, dtype=np.float32)[:8]
    rows[1], rows[2, 0], rows[3, 0] = 0, np.nan, 3
    odd = write_segment(root, "vectors/odd.safetensors", np.arange(8, 16), rows)
    replace(manifest, segments=(first, odd, manifest.segments[2])).save(root)
    assert [one.text.partition(";")[0] for one in verify(root).findings] == [
        "holds vectors that are not finite, or not of a length in 0 to 1 (3: 9, 10, 11)",
    ]
    again = write_segment(root, "vectors/again.safetensors", np.arange(8), np.eye(16, dtype=np.float32)[:8])
    replace(manifest, segments=(*manifest.segments, again)).save(root)
    assert "share vectors (8: 0, 1, 2, 3, 4, ..)" in verify(root).findings[0].text
    replace(manifest, segments=(replace(first, rows=9), *manifest.segments[1:])).save(root)
    assert "for 9 vectors" in verify(root).findings[0].text


def test_a_new_version_while_it_is_checked_is_checked_instead(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, card = read_manifest(root), read_manifest(root).card

    def publish_first(place: Path, file: PublishedFile) -> Path:
        monkeypatch.undo()
        with open_writer(root, card, root / "encoder") as writer:
            for _ in range(4):
                writer.publish()
        raise ArchiveCorrupt(f"{file.path} cannot be read")

    monkeypatch.setattr("indexer.verify.check_file", publish_first)
    found = verify(root)
    assert (found.whole, found.version) == (True, manifest.version + 4)
    assert GRACE_S > 0


def mended(root: Path) -> dict[str, tuple[bool, str]]:
    return {one.path: (one.mended, one.text) for one in repair(root)}


def test_a_calibration_is_copied_from_another_version_or_made_anew(root: Path) -> None:
    path = read_manifest(root).calibration
    assert path is not None
    (root / path.path).unlink()
    assert mended(root)[path.path][1].startswith("copied from versions/00000")
    assert verify(root).whole and read_manifest(root).version == 3
    for twin in root.glob("versions/*/calibration.json"):
        twin.unlink()
    assert mended(root)[path.path] == (True, "calibrated anew on the archive's patients, as version 4")
    assert verify(root).whole and read_manifest(root).version == 4
    assert repair(root) == ()


def test_a_calibration_waits_for_what_it_is_made_from(root: Path) -> None:
    path = read_manifest(root).calibration
    assert path is not None
    for name in [*root.glob("versions/*/calibration.json"), root / "encoder" / "split.json"]:
        name.unlink()
    told = mended(root)
    assert told[path.path] == (
        False,
        "it can be made anew once encoder/split.json is whole; mend that, then run the same again",
    )
    assert "copy it from the folder of the encoder" in told["encoder/split.json"][1]
    assert read_manifest(root).version == 3


def test_what_cannot_be_made_again_is_refused_with_the_cure(root: Path) -> None:
    manifest = read_manifest(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    for path in (
        manifest.catalogue.path,
        manifest.segments[0].path,
        manifest.packs[0].path,
        "encoder/encoder.onnx",
        KEY,
    ):
        (root / path).write_bytes(b"harmed")
        (told,) = repair(root)
        assert (told.path, told.mended) == (path, False)
        assert "no second copy of it; restore it from backup" in told.text
        assert (root / path).read_bytes() == b"harmed"
        (root / path).write_bytes(before[root / path])
    (root / NAME).write_bytes(b"harmed")
    assert mended(root)[NAME][0] is False
    (root / NAME).write_bytes(before[root / NAME])
    assert {path: path.read_bytes() for path in before} == before


def test_the_card_is_written_anew_from_the_manifest(root: Path) -> None:
    whole = (root / "encoder" / "card.json").read_bytes()
    (root / "encoder" / "card.json").write_bytes(b"{}")
    assert mended(root) == {"encoder/card.json": (True, "written anew from the manifest, which holds the card")}
    assert (root / "encoder" / "card.json").read_bytes() == whole
    assert verify(root).whole


def test_an_archive_being_written_is_not_mended(root: Path) -> None:
    manifest: Manifest = read_manifest(root)
    with (
        open_writer(root, manifest.card, root / "encoder"),
        pytest.raises(ArchiveError, match="another process is writing"),
    ):
        repair(root)
