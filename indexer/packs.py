"""Packs: the archive's small pictures, one after another in a few large files.

A pack is only ever appended to, and a row of the catalogue says where in it a film's picture lies. One file for each
picture would cost more to make than the picture, and a million of them more to back up than their bytes.
"""

import hashlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from engine.errors import ArchiveCorrupt
from indexer.durable import BLOCK, make_folder, room_on_disk, sync_file, sync_folder
from indexer.manifest import Pack, absent, changed

FOLDER = "films"
LARGEST = 256 << 20
"""Bytes at which the next pack is begun, so that taking the last one up again, hash and all, stays quick."""


class Place(NamedTuple):
    """Where a picture lies: the pack's number, its first byte there and its length in bytes."""

    pack: int
    start: int
    size: int


COLUMNS = tuple(f"thumbnail_{name}" for name in Place._fields)
"""The catalogue's columns of a place, in its order."""


def pack_path(number: int) -> str:
    """A pack's path under the archive's root."""
    return f"{FOLDER}/{number:06d}.pack"


def read_picture(root: Path, place: Place) -> bytes:
    """A picture's bytes.

    Raises:
        ArchiveCorrupt: the pack is gone or too short.
    """
    path = pack_path(place.pack)
    try:
        with (root / path).open("rb") as file:
            file.seek(place.start)
            data = file.read(place.size)
    except OSError as error:
        raise absent(path, error) from None
    if len(data) < place.size:
        raise ArchiveCorrupt(f"{path} ends before byte {place.start + place.size}; restore it or index the films anew")
    return data


class PackWriter:
    """Appends pictures to an archive's packs; what is in `packs` is never touched.

    What a killed run appended to the last pack and never published is cut off, so that a pack holds published
    pictures from its first byte to its last, and its hash goes on from where it stood.

    Raises:
        ArchiveCorrupt: the last pack is not as the manifest says. DiskFull: no room for the folder.
    """

    def __init__(self, root: Path, packs: tuple[Pack, ...]) -> None:
        self._root, self._done = root, packs
        self._hash = hashlib.sha256()
        self._start = 0
        self._file: BinaryIO | None = None
        with room_on_disk(root):
            make_folder(root / FOLDER)
            self._sweep()
            if packs and packs[-1].size < LARGEST:
                self._take_up(packs[-1])

    def __enter__(self) -> "PackWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def add(self, picture: bytes) -> Place:
        """Append a picture; it is on disk once `sync` has returned.

        Raises:
            DiskFull: nothing more may be published by this writer.
        """
        if self._file is None or self._start >= LARGEST:
            self._begin()
        assert self._file is not None
        place = Place(len(self._done), self._start, len(picture))
        rest = memoryview(picture)
        with room_on_disk(self._root):
            while rest:
                rest = rest[self._file.write(rest) :]
        self._hash.update(picture)
        self._start += len(picture)
        return place

    def sync(self) -> tuple[Pack, ...]:
        """Every pack as it now is on disk.

        Raises:
            DiskFull: see `add`.
        """
        if self._file is None:
            return self._done
        with room_on_disk(self._root):
            sync_file(self._file)
        return (*self._done, Pack(pack_path(len(self._done)), self._hash.hexdigest(), self._start))

    def close(self) -> None:
        """Let the pack go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._done = self.sync()
        self.close()
        path = self._root / pack_path(len(self._done))
        with room_on_disk(self._root):
            self._file = path.open("xb", buffering=0)
            sync_folder(path.parent)
        self._start, self._hash = 0, hashlib.sha256()

    def _take_up(self, last: Pack) -> None:
        """Go on where the last pack's published pictures end."""
        try:
            file = (self._root / last.path).open("r+b", buffering=0)
        except OSError as error:
            raise absent(last.path, error) from None
        left = last.size
        while left and (block := file.read(min(BLOCK, left))):
            self._hash.update(block)
            left -= len(block)
        if left or self._hash.hexdigest() != last.sha256:
            file.close()
            raise changed(last.path)
        file.truncate(last.size)
        self._file, self._start, self._done = file, last.size, self._done[:-1]

    def _sweep(self) -> None:
        """Take away packs that were begun and never published."""
        published = {self._root / pack.path for pack in self._done}
        for path in (self._root / FOLDER).iterdir():
            if path.is_file() and path not in published:
                path.unlink()
