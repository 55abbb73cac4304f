"""The one place that reaches pymilvus and Milvus Lite: which versions are there, what they can, opening and closing."""

import importlib
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.errors import ArchiveBusy, ArchiveError, IndexUnsupported

CURE = "install the extra `scale`: pip install 'caselink[scale]'"
DATABASE = "milvus.db"
CONNECT_S = 10.0
ALL_TYPES = frozenset({"FLAT", "HNSW", "IVF_FLAT"})


@dataclass(frozen=True)
class Capabilities:
    """What a server or library can do, of what this adapter knows to ask for.

    server: its name and version, for people. index_types: for float vectors. binary: whether binary vectors can lie
    beside float ones. compares_few: whether a graph's search that a filter leaves few rows compares those one by one;
    where it does not, the adapter does. files: whether it works on files of this machine.
    """

    server: str
    index_types: frozenset[str]
    binary: bool
    compares_few: bool
    files: bool

    def __post_init__(self) -> None:
        if "FLAT" not in self.index_types:
            raise ValueError(f"{self.server} without FLAT has no exact search to fall back on")

    def chosen(self, index_type: str | None) -> str:
        """The index type asked for, or where None is the usual one: HNSW where there is one, else FLAT, which is exact.

        Raises:
            IndexUnsupported: this version has no such index.
        """
        if index_type is None:
            return "HNSW" if "HNSW" in self.index_types else "FLAT"
        if index_type not in self.index_types:
            can = ", ".join(sorted(self.index_types))
            raise IndexUnsupported(f"{self.server} has no index {index_type!r}, only {can}; ask for one of those")
        return index_type

    def check_bits(self, bits: int | None) -> None:
        """Nothing where no signatures are asked for (None) or `bits`, a multiple of 8, can be held.

        Raises:
            IndexUnsupported: this version has no binary vectors, or not of that many bits.
        """
        if bits is None:
            return
        if not self.binary:
            raise IndexUnsupported(
                f"{self.server} holds no binary vectors, so no signatures of {bits} bits; leave them out,"
                " or use a Milvus server or Milvus Lite 2.5"
            )
        if bits % 8 or not 8 <= bits <= 4096:
            raise IndexUnsupported(f"signatures of {bits} bits cannot be held; ask for a multiple of 8, 8 to 4096")


def lite_capabilities(number: str) -> Capabilities:
    """What Milvus Lite of a version ("3.2.2") can; see `indexer.indexes.milvus` for what was seen of which."""
    old = _major(number) < 3
    types = frozenset({"FLAT", "IVF_FLAT"}) if old else ALL_TYPES
    return Capabilities(f"Milvus Lite {number}", types, binary=old, compares_few=False, files=True)


def server_capabilities(number: str) -> Capabilities:
    """What a Milvus server of a version ("2.5.4", "v2.6.0") can.

    Raises:
        IndexUnsupported: a server older than 2.5, which has no missing values in scalar columns.
    """
    found = re.search(r"(\d+)\.(\d+)", number)
    if found and (int(found[1]), int(found[2])) < (2, 5):
        raise IndexUnsupported(f"Milvus {number} has no missing values in columns; use a server of 2.5 or newer")
    return Capabilities(f"Milvus {number}", ALL_TYPES, binary=True, compares_few=True, files=False)


def unavailable() -> str | None:
    """Why there is no Milvus here, with the cure; None where both pymilvus and Milvus Lite are installed."""
    missing = [module for module in ("pymilvus", "milvus_lite") if find_spec(module) is None]
    return f"{' and '.join(missing)} not installed; {CURE}" if missing else None


@cache
def library() -> Any:
    """The module pymilvus, imported when it is first wanted, since that takes seconds.

    Raises:
        IndexUnsupported: it is not installed.
    """
    if reason := unavailable():
        raise IndexUnsupported(reason)
    return importlib.import_module("pymilvus")


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn the library's errors into one sentence: what was being done, and what Milvus said."""
    errors = library().MilvusException
    try:
        yield
    except errors as error:
        said = str(getattr(error, "message", "") or error).splitlines()[0]
        raise ArchiveError(f"Milvus refused to {doing}: {said}; see that it runs and has room") from error


class Connection:
    """An open Milvus: `client` is pymilvus', `capabilities` what it can. Made by `open_milvus`; to be closed."""

    def __init__(self, address: str, capabilities: Capabilities | None, after: Callable[[], object]) -> None:
        """capabilities: None = ask the server. after: called when it is closed."""
        self._address = address
        self._after = after
        self._open = True
        self.client = self._connect()
        self.capabilities = capabilities or server_capabilities(str(self.client.get_server_version()))

    def close(self, unwanted: str | None = None) -> None:
        """Let go of it, once what is in memory is in a database's files; again does nothing.

        unwanted: a collection whose files are to go, for which no index need be built first.
        """
        if not self._open:
            return
        self._open = False
        # when the interpreter ends, Milvus Lite's threads are gone before this runs, and it answers no more
        if unwanted is not None and threading.main_thread().is_alive():
            with suppress(library().MilvusException):
                self.client.release_collection(unwanted)
        self._disconnect()
        self._after()

    def copy(self, target: Path) -> None:
        """Write a database's files to where nothing is, closing it meanwhile; its collections are to be loaded anew."""
        source = Path(self._address)
        self._disconnect()
        _copy_files(source, target)
        self.client = self._connect()

    def _connect(self) -> Any:
        with told(f"open '{self._address}'"):
            return library().MilvusClient(self._address, timeout=CONNECT_S)

    def _disconnect(self) -> None:
        self.client.close()
        if self.capabilities.files:
            manager = importlib.import_module("milvus_lite.server_manager").server_manager_instance
            manager.release_server(self._address)


def open_milvus(address: str | None, start: Path | None = None) -> Connection:
    """Milvus Lite in a folder that goes when it is closed (None), in the database `.../NAME.db`, or a server's address.

    start: a database for Milvus Lite to start from a copy of, where the address is None.

    Raises:
        IndexUnsupported: pymilvus is missing, or the server is too old.
        ArchiveBusy: another index, here or in another process, has the database open.
        ArchiveError: no server answers, or the database cannot be opened.
    """
    library()
    if address is None:
        return _open_temporary(start)
    if "://" not in address:
        return _open_locked(Path(address))
    if "@" in address:
        raise ArchiveError("the server's address holds a password, which the index would save; give it without")
    return Connection(address, None, lambda: None)


def _open_temporary(start: Path | None) -> Connection:
    folder = Path(tempfile.mkdtemp(prefix="caselink-milvus-"))
    try:
        if start is not None:
            _copy_files(start, folder / DATABASE)
        return Connection(str(folder / DATABASE), _lite(), partial(shutil.rmtree, folder, ignore_errors=True))
    except (ArchiveError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _open_locked(path: Path) -> Connection:
    if path.suffix != ".db" or not path.parent.is_dir():
        raise ArchiveError(f"'{path}' is no place for a database; name a file .db in a folder that is there")
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        lock.acquire()
        return Connection(str(path), _lite(), lock.release)
    except Timeout:
        raise ArchiveBusy(f"the database '{path}' is open elsewhere; close it there first") from None
    except ArchiveError:
        lock.release()
        raise


def _copy_files(source: Path, target: Path) -> None:
    """A closed database, a file or a folder by the version, but for Milvus Lite's own lock."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("LOCK"))
    else:
        shutil.copy2(source, target)


def _lite() -> Capabilities:
    return lite_capabilities(lite_version())


def lite_version() -> str:
    """The version of Milvus Lite that is installed; "0" where none is."""
    try:
        return version("milvus-lite")
    except PackageNotFoundError:
        return "0"


def _major(number: str) -> int:
    found = re.match(r"\d+", number)
    return int(found[0]) if found else 0
