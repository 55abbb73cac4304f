"""Writing files so that a kill or a full disk leaves the old one or the new one, never half of either."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DiskFull

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
    return DiskFull(f"no room is left on the disk of {root.name}; free some and run the same again, no film is lost")


def write_durably(path: Path, data: bytes) -> str:
    """Put `data` at `path` by rename, on disk before this returns; gives its sha256."""
    temporary = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    with room_on_disk(path.parent), temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)
    return hashlib.sha256(data).hexdigest()


def copy_durably(source: Path, target: Path) -> str:
    """Copy a file by rename, on disk before this returns; gives its sha256."""
    temporary = target.with_name(f".{target.name}.tmp")
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with room_on_disk(target.parent), source.open("rb") as old, temporary.open("wb") as new:
        while block := old.read(BLOCK):
            digest.update(block)
            new.write(block)
        new.flush()
        os.fsync(new.fileno())
    os.replace(temporary, target)
    sync_folder(target.parent)
    return digest.hexdigest()


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
