"""The manifest: what is read is what was saved, or a refusal."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.card import ModelCard
from engine.errors import ArchiveCorrupt, ArchiveError
from indexer.manifest import FORMAT, NAME, Manifest, PublishedFile, SourceFacts, check_file, read_file, read_manifest

CARD = ModelCard(
    "net", "weights", "ab" * 32, 4, 224, (0.5, 0.5, 0.5), (0.5, 0.1, 1 / 3), "openvino-f32", "films", "MIT", "paper"
)
MANIFEST = Manifest(
    7,
    "2024-05-31T12:00:00+00:00",
    CARD,
    "f" * 16,
    PublishedFile("versions/000007/catalogue.duckdb", "0" * 64),
    (PublishedFile("vectors/a/000001.safetensors", "1" * 64, 12),),
    sources={"/films/Müller": SourceFacts("folder", "", "Klinik", "mask")},
    next_film=12,
    next_vector=11,
)


def test_round_trip(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path)
    assert read_manifest(tmp_path) == MANIFEST


def test_titles_and_synthetic() -> None:
    both = MANIFEST.with_source("/other", SourceFacts("dicom", "", "Demo", "whole", synthetic=True))
    assert (MANIFEST.title, MANIFEST.synthetic) == ("Klinik", False)
    assert (both.title, both.synthetic) == ("Klinik + Demo", True)
    assert replace(MANIFEST, sources={}).title == "empty archive"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    MANIFEST.save(tmp_path)
    content = bytearray((tmp_path / NAME).read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / NAME).write_bytes(content)
    try:
        read = read_manifest(tmp_path)
    except ArchiveError:
        return
    assert read == MANIFEST  # a blank between two fields


@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_strange_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ArchiveError, match=NAME):
        read_manifest(tmp_path)


def test_another_format_names_both(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"format": 99}))
    with pytest.raises(ArchiveError, match=f"format 99, this caselink reads {FORMAT}; index the films into a new"):
        read_manifest(tmp_path)


def test_no_archive_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="holds no archive; make one with `caselink index"):
        read_manifest(tmp_path)
    with pytest.raises(ArchiveError, match="holds no archive"):
        read_manifest(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArchiveError, match="is a file"):
        read_manifest(tmp_path / "file")


def test_files_are_checked_by_their_hash(tmp_path: Path) -> None:
    right = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    (tmp_path / "a").write_bytes(b"hello")
    assert check_file(tmp_path, PublishedFile("a", right)) == tmp_path / "a"
    assert read_file(tmp_path, PublishedFile("a", right)) == b"hello"
    for look in (check_file, read_file):
        with pytest.raises(ArchiveCorrupt, match=r"a has changed since it was written; restore"):
            look(tmp_path, PublishedFile("a", "0" * 64))
        with pytest.raises(ArchiveCorrupt, match=r"b cannot be read \(No such file"):
            look(tmp_path, PublishedFile("b", right))
