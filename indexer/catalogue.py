"""The catalogue: patients, lesions, films, events and the ledger of files, in DuckDB. The only owner of duckdb."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, reduce
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.errors import ArchiveCorrupt
from engine.said import Said
from indexer.conditions import Condition, Joint, Negation, write_sql
from indexer.durable import full_disk
from indexer.filters import ColumnType
from indexer.packs import Place

Row = dict[str, Any]

TABLES: dict[str, str] = {
    "patients": "patient VARCHAR PRIMARY KEY, sex VARCHAR, split_group VARCHAR",
    "lesions": (
        "lesion BIGINT PRIMARY KEY, patient VARCHAR, entity VARCHAR, malignancy VARCHAR, site VARCHAR, side VARCHAR, "
        "dated DATE, proof VARCHAR"
    ),
    "films": (
        "film BIGINT PRIMARY KEY, patient VARCHAR, study VARCHAR, lesion BIGINT, vector BIGINT, sha256 VARCHAR, "
        "uri VARCHAR, file VARCHAR, source VARCHAR, view VARCHAR, side VARCHAR, body_part VARCHAR, site VARCHAR, "
        "age DOUBLE, sex VARCHAR, centre VARCHAR, taken DATE, stage VARCHAR, split_group VARCHAR, "
        '"rows" INTEGER, "columns" INTEGER, spacing_row DOUBLE, spacing_column DOUBLE, detector_row DOUBLE, '
        "detector_column DOUBLE, x0 INTEGER, y0 INTEGER, x1 INTEGER, y1 INTEGER, region VARCHAR, region_key VARCHAR, "
        "warnings VARCHAR, thumbnail_pack INTEGER, thumbnail_start BIGINT, thumbnail_size INTEGER, "
        "phash VARCHAR"
    ),
    "near": "film BIGINT, other BIGINT, likeness DOUBLE",
    "events": "patient VARCHAR, dated DATE, kind VARCHAR, text VARCHAR, source VARCHAR, told_by VARCHAR",
    "ledger": (
        "source VARCHAR, file VARCHAR, outcome VARCHAR, reason VARCHAR, film BIGINT, sha256 VARCHAR, "
        "region_key VARCHAR, said VARCHAR"
    ),
}
"""Column definitions of each table.

`films.vector` is the id of its embedding and `films.thumbnail_*` the place of its small picture in the packs, both
shared where two films are one file. `films.phash` is the perceptual hash, empty where a film shows nothing; `near` has
the pairs of near-duplicate films, the lower id first. `events.source` is what the event cites, `events.told_by` the
folder of films whose tables told it. `ledger.said` is the reason with its code, as JSON; catalogues written before
there were codes have no such column until they are written again.
"""

BLOCK_SIZE = 1 << 16
"""Bytes of DuckDB's unit on disk. Every column takes one at least and each version is a copy, so a small one saves."""
FULL = re.compile("no space left|disk quota|file too large", re.IGNORECASE)
"""How DuckDB passes on the system's word for a full disk."""

FILTER_COLUMNS: dict[str, ColumnType] = {
    "entity": ColumnType.text,
    "malignancy": ColumnType.text,
    "proof": ColumnType.text,
    "site": ColumnType.text,
    "side": ColumnType.text,
    "view": ColumnType.text,
    "body_part": ColumnType.text,
    "age": ColumnType.number,
    "sex": ColumnType.text,
    "centre": ColumnType.text,
    "stage": ColumnType.text,
    "taken": ColumnType.date,
    "region": ColumnType.text,
    "source": ColumnType.text,
    "patient": ColumnType.text,
    "film": ColumnType.integer,
}
"""What a filter may name; one row per film."""

_FILM_VIEW = """
SELECT f.* EXCLUDE (site), l.entity, l.malignancy, l.proof, coalesce(f.site, l.site) AS site
FROM films f LEFT JOIN lesions l USING (lesion)
"""


class Catalogue:
    """One DuckDB file; a reader opens it read-only, the one writer for writing."""

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        self.path = path
        self._db = self._connect(writable)

    def _connect(self, writable: bool) -> duckdb.DuckDBPyConnection:
        # one thread for the writer: the other cores read films
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": 1 if writable else 2,
            "default_block_size": BLOCK_SIZE,
            "wal_autocheckpoint": "0B",  # into the file at once: nobody else reads the writer's own copy
        }
        try:
            with self._room():
                db = duckdb.connect(str(self.path), read_only=not writable, config=settings)
                if writable:
                    db.execute("ALTER TABLE IF EXISTS ledger ADD COLUMN IF NOT EXISTS said VARCHAR")
                return db
        except (duckdb.Error, OSError) as error:
            told = "the catalogue {file} cannot be opened ({said})"
            said = Said("catalogue_unopened", told, file=self.path.name, said=type(error).__name__)
            raise ArchiveCorrupt(said) from None

    @classmethod
    def create(cls, path: Path) -> "Catalogue":
        """A new, empty catalogue, open for writing."""
        catalogue = cls(path, writable=True)
        with catalogue.transaction():
            for name, columns in TABLES.items():
                catalogue._write(f"CREATE TABLE {name} ({columns})")
        return catalogue

    @staticmethod
    @cache
    def column_names(table: str) -> tuple[str, ...]:
        """The columns of a table, in order."""
        return tuple(re.findall(r'"?(\w+)"? (?:VARCHAR|BIGINT|DOUBLE|DATE|INTEGER)', TABLES[table]))

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def checkpoint(self) -> None:
        """Bring everything committed into the one file, so that it can be copied."""
        self._write("CHECKPOINT")

    def compact(self) -> None:
        """Write the file anew with the rows that it holds: DuckDB leaves the bytes of deleted rows in a file.

        Raises:
            DiskFull: the catalogue must not be published any more.
        """
        fresh = self.path.with_name(f"{self.path.name}.fresh")
        place = str(fresh).replace("'", "''")
        self._write(f"ATTACH '{place}' AS fresh")
        with self.transaction():
            for name, columns in TABLES.items():
                self._write(f"CREATE TABLE fresh.{name} ({columns})")
                self._write(f"INSERT INTO fresh.{name} SELECT * FROM {name} ORDER BY rowid")
        self._write("CHECKPOINT fresh")
        self._write("DETACH fresh")
        self.close()
        self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
        fresh.replace(self.path)
        self._db = self._connect(writable=True)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """The answer's rows as dictionaries."""
        with self._db.cursor() as cursor:
            cursor.execute(sql, list(parameters))
            names = [d[0] for d in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def film_rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """`rows` over `film_view`: every film with its lesion's entity, malignancy and proof."""
        return self.rows(f"WITH film_view AS ({_FILM_VIEW}) {sql}", parameters)

    def columns(self, sql: str, parameters: Sequence[object] = ()) -> dict[str, Any]:
        """The answer as one NumPy array a column (masked where NULL)."""
        with self._db.cursor() as cursor:
            return dict(cursor.execute(sql, list(parameters)).fetchnumpy())

    def insert(self, table: str, rows: Sequence[Row]) -> None:
        """Append rows; every row names every column of the table."""
        if not rows:
            return
        # a column costs DuckDB as much planning as its values; those without any are NULL by themselves
        names = [name for name in self.column_names(table) if any(row[name] is not None for row in rows)]
        columns = [[row[name] for row in rows] for name in names]
        listed, values = ", ".join(f'"{name}"' for name in names), ", ".join(["unnest(?)"] * len(names))
        self._write(f"INSERT INTO {table} ({listed}) SELECT {values}", columns)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all that the block writes, or nothing of it; one sync instead of many."""
        self._write("BEGIN")
        with ExitStack() as undo:
            undo.callback(self._db.rollback)
            yield
            undo.pop_all()
        self._write("COMMIT")

    def delete(self, table: str, column: str, values: Iterable[object]) -> None:
        """Remove the rows whose `column` is among `values`."""
        chosen = list(values)
        if chosen:
            self._write(f'DELETE FROM {table} WHERE "{column}" IN (SELECT unnest(?))', [chosen])

    def move_pictures(self, moved: Mapping[Place, Place]) -> None:
        """Give films whose picture lies at a key of `moved` the place it has there."""
        if moved:
            packs, starts, _ = zip(*moved, strict=True)
            new_packs, new_starts, _ = zip(*moved.values(), strict=True)
            self._write(
                "UPDATE films SET thumbnail_pack = p, thumbnail_start = s FROM "
                "(SELECT unnest(?) AS op, unnest(?) AS os, unnest(?) AS p, unnest(?) AS s) "
                "WHERE thumbnail_pack = op AND thumbnail_start = os",
                [list(packs), list(starts), list(new_packs), list(new_starts)],
            )

    def forget_files(self, source: str, files: Sequence[str]) -> None:
        """Strike files of a source from the ledger."""
        self._write("DELETE FROM ledger WHERE source = ? AND file IN (SELECT unnest(?))", [source, list(files)])

    def forget_events(self, source: str, patients: Iterable[str]) -> None:
        """Strike what a source told of these patients' histories."""
        sql = "DELETE FROM events WHERE told_by = ? AND patient IN (SELECT unnest(?))"
        self._write(sql, [source, list(patients)])

    def _write(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with self._room():
            self._db.execute(sql, list(parameters))

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Tell a full disk from DuckDB's other errors."""
        try:
            yield
        except duckdb.Error as error:
            if not FULL.search(str(error)):
                raise
            raise full_disk(self.path.parent) from None

    def film_table(self) -> pa.Table:
        """Every film with its lesion, in film order, as Arrow."""
        with self._db.cursor() as cursor:
            return cursor.sql(f"SELECT * FROM ({_FILM_VIEW}) ORDER BY film").to_arrow_table()

    def latest_follow_ups(self) -> dict[str, str]:
        """Each patient's latest follow-up text."""
        sql = "SELECT patient, arg_max(text, dated) AS text FROM events WHERE kind = 'follow-up' GROUP BY patient"
        return {row["patient"]: row["text"] for row in self.rows(sql) if row["text"]}

    def values(self, column: str, limit: int = 20) -> list[tuple[object, int]]:
        """The commonest values of a filter column with their counts of films, None for unknown."""
        if column not in FILTER_COLUMNS:
            raise ValueError(f"{column!r} is no filter column")
        sql = f'SELECT "{column}" AS v, count(*) AS n FROM ({_FILM_VIEW}) GROUP BY 1 ORDER BY n DESC, v LIMIT {limit}'
        return [(row["v"], row["n"]) for row in self.rows(sql)]


class FilmFilters:
    """What filters may name of every film, held in memory, so that a filter reads no file and joins nothing.

    A column has far fewer values than there are films: a condition is put to DuckDB for each value once, and films look
    theirs up. Truth is of three values, as SQL's: 2 true, 1 unknown, 0 false.

    films: `Catalogue.film_table`, whose order is that of the answers.
    """

    def __init__(self, films: pa.Table) -> None:
        self._db = duckdb.connect(":memory:", config={"threads": 1})
        self._codes: dict[str, npt.NDArray[np.unsignedinteger]] = {}
        for name in FILTER_COLUMNS:
            coded = films[name].combine_chunks().dictionary_encode()
            held = len(coded.dictionary)  # the place behind the last value is that of films without any
            self._codes[name] = coded.indices.fill_null(held).to_numpy().astype(np.min_scalar_type(held))
            told = pa.table({name: pa.concat_arrays([coded.dictionary, pa.nulls(1, coded.dictionary.type)])})
            self._db.register("told", told)
            self._db.execute(f'CREATE TABLE "{name}" AS SELECT * FROM told')
            self._db.unregister("told")

    def close(self) -> None:
        """Let the tables go."""
        self._db.close()

    def __call__(self, chosen: Condition) -> tuple[npt.NDArray[np.bool_], int]:
        """bool (n,): which films pass a filter; and how many it cannot judge, because a value is missing."""
        truth = self._judge(chosen)
        return truth == 2, int(np.count_nonzero(truth == 1))

    def _judge(self, condition: Condition) -> npt.NDArray[np.uint8]:
        """uint8 (n,): the truth of every film."""
        sql = write_sql(condition)
        match condition:
            case Joint(any_of, parts) if len(sql.columns) > 1:
                return np.asarray(reduce(np.maximum if any_of else np.minimum, map(self._judge, parts)))
            case Negation(part) if len(sql.columns) > 1:
                return np.subtract(2, self._judge(part), dtype=np.uint8)
        (column,) = sql.columns
        truth = f'SELECT coalesce(2 * CAST({sql.expression} AS UTINYINT), 1) AS truth FROM "{column}" ORDER BY rowid'
        with self._db.cursor() as cursor:
            of_value = cursor.execute(truth, sql.parameters).fetchnumpy()["truth"]
        return np.asarray(np.asarray(of_value, np.uint8)[self._codes[column]])
