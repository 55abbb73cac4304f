"""Writing files so that a kill or a full disk leaves the old one or the new one, never half of either."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from engine.errors import DiskFull
from engine.said import Said

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
BLOCK = 1 << 20


@contextmanager
def room_on_disk(root: Path) -> Iterator[None]:
    """Turn the system's word for a full disk into one that says what is safe and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise full_disk(root) from error


def full_disk(root: Path) -> DiskFull:
    """The error for a disk without room."""
    told = "no room is left on the disk of {place}; free some and run the same again, no film is lost"
    return DiskFull(Said("disk_full", told, place=str(root)))


def write_durably(path: Path, data: bytes, mode: int = 0o666) -> str:
    """Put `data` at `path` by rename, on disk before this returns; gives its sha256. mode: less the umask.

    Raises:
        DiskFull: the old file, if any, is as it was.
    """
    with replacing(path, mode) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def copy_durably(source: Path, target: Path) -> str:
    """Copy a file by rename, on disk before this returns; gives its sha256.

    Raises:
        DiskFull: the old file, if any, is as it was.
    """
    digest = hashlib.sha256()
    with source.open("rb") as old, replacing(target) as new:
        while block := old.read(BLOCK):
            digest.update(block)
            new.write(block)
    return digest.hexdigest()


@contextmanager
def replacing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` when the block ends; after an error there is none of it.

    Raises:
        DiskFull: no room for the bytes, their folder or their sync.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    with room_on_disk(path.parent):
        make_folder(path.parent)
        with ExitStack() as undo:
            undo.callback(temporary.unlink, missing_ok=True)
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
                yield file
                file.flush()
                sync_file(file)
            temporary.replace(path)
            undo.pop_all()
        sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on disk before this returns."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_file(file: BinaryIO) -> None:
    """Make what was written to a file outlive a power cut."""
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
