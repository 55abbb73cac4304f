"""Packs: the archive's small pictures, one after another in a few large files.

A pack is only ever appended to, and a row of the catalogue says where in it a film's picture lies. One file for each
picture would cost more to make than the picture, and a million of them more to back up than their bytes. Where pictures
are erased, those that stay go into a new pack with a number never used before, so that no reader of an older version
is shown another film's picture.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from engine.errors import ArchiveCorrupt
from engine.said import Said
from indexer.durable import BLOCK, make_folder, replacing, room_on_disk, sync_file, sync_folder
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


def pack_number(pack: Pack) -> int:
    """The number by which places call a pack."""
    return int(Path(pack.path).stem)


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
        told = "{file} ends before byte {end}; restore it or index the films anew"
        raise ArchiveCorrupt(Said("pack_ends", told, file=str(path), end=place.start + place.size))
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
        self._number, self._start = 0, 0
        self._file: BinaryIO | None = None
        with room_on_disk(root):
            make_folder(root / FOLDER)
            self.sweep(packs)
            self._go_on()

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
        place = Place(self._number, self._start, len(picture))
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
        return (*self._done, Pack(pack_path(self._number), self._hash.hexdigest(), self._start))

    def keep_only(self, kept: Collection[Place]) -> dict[Place, Place]:
        """Write each pack that holds more than the `kept` pictures anew; gives the new place of every one that moved.

        The old packs stay until `sweep`. A pack that loses all is followed by an empty one, which keeps its number
        from being used again.

        Raises:
            ArchiveCorrupt: a pack that would be written anew is damaged. DiskFull: see `add`.
        """
        packs = self.sync()
        self.close()
        by_pack: dict[int, list[Place]] = defaultdict(list)
        for place in sorted(set(kept)):
            by_pack[place.pack].append(place)
        crowded = [pack for pack in packs if sum(p.size for p in by_pack[pack_number(pack)]) < pack.size]
        whole = [pack for pack in packs if pack not in crowded]
        moved: dict[Place, Place] = {}
        for number, pack in enumerate(crowded, 1 + max(map(pack_number, packs), default=-1)):
            places = by_pack[pack_number(pack)]
            whole.append(self._write_anew(pack, places, number))
            moved |= zip(places, _in_a_row(places, number), strict=True)
        self._done = tuple(whole)
        self._go_on()
        return moved

    def sweep(self, published: tuple[Pack, ...]) -> None:
        """Take away all packs but those published, for good."""
        paths = {self._root / pack.path for pack in published}
        for path in (self._root / FOLDER).iterdir():
            if path.is_file() and path not in paths:
                path.unlink()
        sync_folder(self._root / FOLDER)

    def close(self) -> None:
        """Let the pack go."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._done = self.sync()
        self.close()
        self._number = 1 + max(map(pack_number, self._done), default=-1)
        path = self._root / pack_path(self._number)
        with room_on_disk(self._root):
            self._file = path.open("xb", buffering=0)
            sync_folder(path.parent)
        self._start, self._hash = 0, hashlib.sha256()

    def _go_on(self) -> None:
        """Take the last pack up again where its published pictures end, unless it is full."""
        if not self._done or self._done[-1].size >= LARGEST:
            return
        last = self._done[-1]
        try:
            file = (self._root / last.path).open("r+b", buffering=0)
        except OSError as error:
            raise absent(last.path, error) from None
        with ExitStack() as undo:
            undo.callback(file.close)
            self._hash = hash_pack(file, last)
            file.truncate(last.size)
            undo.pop_all()
        self._file, self._start, self._done = file, last.size, self._done[:-1]
        self._number = pack_number(last)

    def _write_anew(self, pack: Pack, places: Sequence[Place], number: int) -> Pack:
        digest = hashlib.sha256()
        try:
            old = (self._root / pack.path).open("rb")
        except OSError as error:
            raise absent(pack.path, error) from None
        with old, replacing(self._root / pack_path(number)) as new:
            hash_pack(old, pack)  # damage must not be written anew under a hash that fits it
            for place in places:
                old.seek(place.start)
                picture = old.read(place.size)
                digest.update(picture)
                new.write(picture)
        return Pack(pack_path(number), digest.hexdigest(), sum(place.size for place in places))


def hash_pack(file: BinaryIO, pack: Pack) -> "hashlib._Hash":
    """The hash over the published bytes of an open pack, ready for more.

    Raises:
        ArchiveCorrupt: the pack is not as published.
    """
    digest, left = hashlib.sha256(), pack.size
    while left and (block := file.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    if left or digest.hexdigest() != pack.sha256:
        raise changed(pack.path)
    return digest


def _in_a_row(places: Sequence[Place], number: int) -> Iterator[Place]:
    """Where pictures come to lie that are written one after another into an empty pack."""
    start = 0
    for place in places:
        yield Place(number, start, place.size)
        start += place.size
