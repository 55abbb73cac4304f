"""The journal's file: what people wrote, beside the archive and never in its catalogue.

SQLite in WAL mode lets several processes write one after another while others read, which DuckDB does not. Committed
means on disk: a kill at any instant leaves all that was acknowledged, and nothing by halves.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import DiskFull, JournalError
from engine.said import Said
from indexer.durable import make_folder, sync_folder
from indexer.journal.tables import TABLES

FORMAT = 2
PLACE = "private/journal.sqlite"
"""Where it lies under an archive's root, readable by its owner only like the key beside it."""
BEFORE_DRAFTS = 1
"""The format that lacked the tables of drafts and of films' vectors and nothing else."""
BESIDE = ("-wal", "-shm")
"""Ends of the names of SQLite's own files beside a journal in use."""
WAIT_S = 10.0
"""How long a writer waits for the one before it."""
Row = dict[str, Any]


class Journal:
    """One journal. Threads and processes may share its file: each use opens it for itself.

    Raises, at every use:
        JournalError: it cannot be opened, is damaged, of another format, or locked for too long. DiskFull.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The journal as it stands, the same until the block ends."""
        with self._open() as db:
            db.execute("BEGIN")
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The journal for a writer; all that the block writes is on disk when it ends, or nothing of it."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            with ExitStack() as undo:
                undo.callback(db.rollback)
                yield db
                db.execute("COMMIT")
                undo.pop_all()

    def scrub(self) -> None:
        """Rewrite the file without what was deleted, the log beside it too.

        Raises:
            JournalError: another process read it all the while; the rows are gone, their bytes may be in the log.
        """
        with self._open() as db:
            db.execute("VACUUM")
            done = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if done["busy"]:
                raise JournalError(
                    f"{self.path.name} was read all the while, and bytes of what was erased may still be in its log; "
                    "erase the same patient again"
                )

    def complaint(self) -> str | None:
        """What is wrong with the file by SQLite's own check; None where it is sound."""
        try:
            with self.reading() as db:
                first = db.execute("PRAGMA integrity_check(1)").fetchone()["integrity_check"]
        except JournalError as error:
            return str(error)
        return None if first == "ok" else f"{self.path.name} is damaged ({str(first)[:80]}); restore it from backup"

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            if not self.path.exists():
                self._create()
            db = sqlite3.connect(self.path, timeout=WAIT_S, isolation_level=None)
            try:
                db.row_factory = _row
                self._check_format(db)
                for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
                    db.execute(f"PRAGMA {pragma}")
                yield db
            finally:
                db.close()
        except sqlite3.Error as error:
            raise self._told(error) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            told = f"{{file}} cannot be made ({{said}}); {_ELSEWHERE}"
            raise JournalError(Said("journal_not_made", told, file=self.path.name, said=reason)) from None

    def _create(self) -> None:
        """Make it whole under another name first, so that no second process finds it half made."""
        make_folder(self.path.parent)
        fresh = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}.tmp")
        os.close(os.open(fresh, os.O_CREAT | os.O_EXCL, 0o600))
        try:
            db = sqlite3.connect(fresh, isolation_level=None)
            try:
                db.execute("PRAGMA journal_mode = WAL")
                for name, columns in TABLES.items():
                    db.execute(f"CREATE TABLE {name} ({columns}) STRICT")
                db.execute(f"PRAGMA user_version = {FORMAT}")
            finally:
                db.close()
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            try:
                os.link(fresh, self.path)
            except FileExistsError:
                return  # another process was first; its journal is as good
            sync_folder(self.path.parent)
        finally:
            fresh.unlink()

    def _check_format(self, db: sqlite3.Connection) -> None:
        found = db.execute("PRAGMA user_version").fetchone()["user_version"]
        if found == BEFORE_DRAFTS:
            db.execute("BEGIN IMMEDIATE")  # another process may be at the same
            for name in ("drafts", "film_vectors"):
                db.execute(f"CREATE TABLE IF NOT EXISTS {name} ({TABLES[name]}) STRICT")
            db.execute(f"PRAGMA user_version = {FORMAT}")
            db.execute("COMMIT")
        elif found != FORMAT:
            told = "{file} has format {found}, this caselink reads {known}; use the caselink that made it"
            raise JournalError(Said("journal_format", told, file=self.path.name, found=str(found), known=FORMAT))

    def _told(self, error: sqlite3.Error) -> Exception:
        said, file = str(error), self.path.name
        if "full" in said:
            told = "no room is left for {file}; free some and do the same again"
            return DiskFull(Said("journal_no_room", told, file=file))
        if "locked" in said or "busy" in said:
            told = "{file} was being written for over {wait} s; do the same again"
            return JournalError(Said("journal_busy", told, file=file, wait=round(WAIT_S)))
        if "readonly" in said or "unable to open" in said:
            return JournalError(Said("journal_read_only", f"{{file}} cannot be written; {_ELSEWHERE}", file=file))
        if isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError | sqlite3.ProgrammingError):
            told = "{file} refused ({said}); see to its disk and permissions"
            return JournalError(Said("journal_refused", told, file=file, said=said[:80]))
        told = "{file} is damaged ({said}); restore it from backup"
        return JournalError(Said("journal_damaged", told, file=file, said=said[:80]))


_ELSEWHERE = "mend its folder's permissions, or set CASELINK_JOURNAL to a file that may be written"


def now() -> str:
    """This moment in UTC, to the second, as ISO text."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}
