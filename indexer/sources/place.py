"""Where a source lies: a folder of this machine, or an object store that fsspec reaches (`s3://bucket/films`).

A store is listed once. Its tables are copied into a temporary folder, and beside them stands an empty file for every
film, so that each layout lists it as it lists any folder; the films' bytes are read from the store when they are
prepared, and are never kept here. Tried with fsspec's local and memory stores; S3 and its like need a package of
their own (s3fs, gcsfs, adlfs) and were not run.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from engine.errors import SourceError
from indexer.sources.dicom import PEEK_FILES
from indexer.sources.files import TABLE_SUFFIXES, film_files

if find_spec("fsspec"):
    import fsspec

PREAMBLE = 132
"""Bytes of a film that tell DICOM from another file; read of the first few films, so that `auto` knows the layout."""
STAMPS = ("size", "mtime", "LastModified", "last_modified", "updated", "created", "ETag", "etag", "md5Hash", "md5")
"""What stores say of an object that changes with its bytes; each says some of them."""


class Place(Protocol):
    """Where a source's films are read from."""

    @property
    def folder(self) -> Path:
        """What the layouts list."""
        ...

    @property
    def name(self) -> str:
        """The source's name in the archive, an absolute path or an address; films' `file` goes on from it."""
        ...

    @property
    def fetch(self) -> Callable[[Path], bytes]:
        """Gives the bytes of a file listed under `folder`; can be sent to other processes. Raises OSError."""
        ...

    def stamp(self, path: Path) -> str:
        """Changes when a file does; cheap. "" where it is not there."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes of this machine find the same films there."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine."""

    folder: Path
    shared: bool = True

    @property
    def name(self) -> str:
        """Its absolute path."""
        return str(self.folder.resolve())

    @property
    def fetch(self) -> Callable[[Path], bytes]:
        """Reads the file."""
        return Path.read_bytes

    def stamp(self, path: Path) -> str:
        """Its size and when it was last written."""
        try:
            found = path.stat()
        except OSError:
            return ""
        return f"{found.st_size} {found.st_mtime_ns}"


@dataclass(frozen=True)
class Store:
    """An object store. name: its address without a slash at its end. stamps: by the object's name under it."""

    folder: Path
    name: str
    stamps: Mapping[str, str] = field(repr=False)

    @property
    def fetch(self) -> Callable[[Path], bytes]:
        """Reads the object that a file of `folder` stands for."""
        return partial(_read_object, self.name, self.folder)

    def stamp(self, path: Path) -> str:
        """Over what the store said of the object when it was listed."""
        return self.stamps.get(path.relative_to(self.folder).as_posix(), "")

    @property
    def shared(self) -> bool:
        """All but the memory of this very process."""
        return not self.name.startswith("memory://")


def is_address(source: str) -> bool:
    """Whether a source is given as an address (`scheme://`) rather than a path."""
    return "://" in source


def uri_of(source: str, file: str) -> str:
    """Where a film lies; of a folder as `Path.as_uri` writes it, in a fraction of its time."""
    if is_address(source):
        return f"{source}/{quote(file)}"
    return f"file://{quote(os.fsencode(f'{source}/{file}'))}"


@contextmanager
def open_place(source: str) -> Iterator[Place]:
    """The place of a path or an address; a store's listing lies in a temporary folder until the block ends.

    Raises:
        SourceError: an address that cannot be read, holds a password, or names objects that no folder could hold.
    """
    if not is_address(source):
        yield LocalFolder(Path(source))
        return
    address = source.rstrip("/")
    _check_address(address)
    with tempfile.TemporaryDirectory(prefix="caselink-store-") as scratch:
        folder = Path(scratch) / (PurePosixPath(urlsplit(address).path).name or urlsplit(address).netloc or "store")
        folder.mkdir()
        yield Store(folder, address, _lay_out(address, folder))


def _check_address(address: str) -> None:
    if urlsplit(address).password:
        raise SourceError(
            f"the address of a source is stored, so it may hold no password; give {urlsplit(address).scheme}:// its "
            "credentials as its own tools take them, in the environment or a file"
        )
    if not find_spec("fsspec"):
        raise SourceError(
            f"{address} needs fsspec, which is not installed; install caselink[scale], or copy the films into a folder"
        )


def _lay_out(address: str, folder: Path) -> dict[str, str]:
    """Tables whole, films empty, under `folder`; gives the stamps of all."""
    system, root = _open(address)
    try:
        found: dict[str, dict[str, Any]] = system.find(root, detail=True)
    except OSError as error:
        raise SourceError(f"{address} cannot be listed ({_said(error)}); check the address and your rights") from None
    if not found:
        raise SourceError(f"{address} holds no files; give the place of the films")
    stamps = {}
    for key, facts in sorted(found.items()):  # so that a film comes before what would lie in it
        name = _relative(key, root, address)
        stamps[name] = _stamp(facts)
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix.lower() in TABLE_SUFFIXES:
                path.write_bytes(system.cat_file(key))
            else:
                path.touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise SourceError(f"{address} holds {name!r} both as a film and as a folder; rename one") from None
    for path in film_files(folder)[:PEEK_FILES]:
        path.write_bytes(system.cat_file(f"{root}/{path.relative_to(folder).as_posix()}", start=0, end=PREAMBLE))
    return stamps


def _relative(key: str, root: str, address: str) -> str:
    """An object's name under the root; never one that would leave the folder it is laid out in."""
    name = key.removeprefix(root).removeprefix("/")
    parts = name.split("/")
    if not name or any(part in {"", ".", ".."} for part in parts) or "\\" in name or "\0" in name:
        raise SourceError(f"{address} holds an object named {key!r}, which no folder could hold; rename it")
    return name


def _stamp(facts: Mapping[str, Any]) -> str:
    said = repr([(name, str(facts[name])) for name in STAMPS if name in facts])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _open(address: str) -> tuple[Any, str]:
    """The file system of an address and the root's name in it, without a slash at its end."""
    try:
        system, root = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise SourceError(
            f"{address} cannot be reached ({error}); install what it needs, or mend the address"
        ) from None
    return system, str(root).rstrip("/")


def _read_object(address: str, folder: Path, path: Path) -> bytes:
    system, root = _open(address)  # fsspec keeps one file system for an address
    return bytes(system.cat_file(f"{root}/{path.relative_to(folder).as_posix()}"))


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__
