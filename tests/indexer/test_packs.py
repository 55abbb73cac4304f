"""Packs: what is published is never touched, what is not is cut off, and every picture is found at its place."""

import hashlib
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ArchiveCorrupt, DiskFull
from indexer import packs
from indexer.manifest import Pack
from indexer.packs import FOLDER, PackWriter, Place, pack_path, read_picture


def check(root: Path, published: tuple[Pack, ...]) -> None:
    """Every pack is on disk as it says."""
    assert [pack.path for pack in published] == [pack_path(n) for n in range(len(published))]
    for pack in published:
        data = (root / pack.path).read_bytes()[: pack.size]
        assert len(data) == pack.size
        assert hashlib.sha256(data).hexdigest() == pack.sha256


def write(root: Path, published: tuple[Pack, ...], *pictures: bytes) -> tuple[tuple[Pack, ...], list[Place]]:
    with PackWriter(root, published) as writer:
        places = [writer.add(picture) for picture in pictures]
        return writer.sync(), places


@given(st.lists(st.lists(st.binary(min_size=1, max_size=50), max_size=6), max_size=5), st.integers(1, 80))
def test_every_picture_is_found_at_its_place(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[bytes]], largest: int
) -> None:
    root = tmp_path_factory.mktemp("packs")
    published: tuple[Pack, ...] = ()
    kept: list[tuple[Place, bytes]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "LARGEST", largest)
        for pictures in runs:
            published, places = write(root, published, *pictures)
            kept += zip(places, pictures, strict=True)
            check(root, published)
    for place, picture in kept:
        assert read_picture(root, place) == picture
    assert sum(pack.size for pack in published) == sum(len(picture) for _, picture in kept)
    assert all(pack.size < largest + 50 for pack in published)
    assert all(pack.size >= largest for pack in published[:-1])


def test_what_was_never_published_is_cut_off(tmp_path: Path) -> None:
    published, _ = write(tmp_path, (), b"first")
    with PackWriter(tmp_path, published) as killed:
        killed.add(b"lost")
        killed.sync()
    (tmp_path / pack_path(1)).write_bytes(b"begun")
    assert (tmp_path / pack_path(0)).read_bytes() == b"firstlost"
    published, (place,) = write(tmp_path, published, b"second")
    assert (tmp_path / pack_path(0)).read_bytes() == b"firstsecond"
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == ["000000.pack"]
    assert place == Place(0, 5, 6)
    check(tmp_path, published)


def test_a_writer_that_adds_nothing_changes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, ()) == ((), [])
    published, _ = write(tmp_path, (), b"one")
    assert write(tmp_path, published) == (published, [])


def test_readers_are_not_disturbed_by_a_writer(tmp_path: Path) -> None:
    published, (first,) = write(tmp_path, (), b"first")
    with PackWriter(tmp_path, published) as writer:
        for number in range(50):
            place = writer.add(b"%d" % number)
            assert read_picture(tmp_path, first) == b"first"
            assert read_picture(tmp_path, place) == b"%d" % number


@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_a_damaged_pack_is_named_and_not_written_on(tmp_path: Path, harm: str) -> None:
    published, (place,) = write(tmp_path, (), b"picture")
    path = tmp_path / pack_path(0)
    if harm == "flip":
        path.write_bytes(b"Picture")
    elif harm == "cut":
        path.write_bytes(b"pict")
    else:
        path.unlink()
    with pytest.raises(ArchiveCorrupt, match=r"films/000000\.pack (has changed|cannot be read)"):
        PackWriter(tmp_path, published)
    if harm != "flip":
        with pytest.raises(ArchiveCorrupt, match=r"films/000000\.pack (ends before byte 7|cannot be read)"):
            read_picture(tmp_path, place)
        assert harm == "gone" or path.read_bytes() == b"pict"


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 4096 bytes; the system's signal for it is ignored by Python."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing_published(tmp_path: Path, small_disk: None) -> None:
    published, (first,) = write(tmp_path, (), os.urandom(3000))
    kept = read_picture(tmp_path, first)
    with PackWriter(tmp_path, published) as writer, pytest.raises(DiskFull, match="no film is lost"):
        writer.add(bytes(3000))
    check(tmp_path, published)
    again, (place,) = write(tmp_path, published, b"small")
    assert (read_picture(tmp_path, first), read_picture(tmp_path, place)) == (kept, b"small")
    check(tmp_path, again)
