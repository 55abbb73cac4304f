"""Search in Milvus: Milvus Lite on this machine's files, or a Milvus server, through the same client and code.

What each can, with pymilvus 3.0:

- Milvus Lite 3.2, which this was run with: FLAT, HNSW, IVF_FLAT (and IVF_SQ8, whose similarities are not the vectors'
  own and so is not offered); no binary vectors, so no signatures. Rows that were added since the database was opened
  are compared one by one; the graph is built when they are flushed, so its recall shows only after `save` and `load`.
  A graph's search that a filter leaves few rows misses some or comes back short: such rows are fetched through the
  filter and compared here. Each search walks all rows in Python: not for millions.
- Milvus Lite 2.5: FLAT and IVF_FLAT, binary vectors beside float ones. It needs setuptools below 81. Not run with this
  module. What one generation saved is refused by the other.
- Milvus servers, 2.5 or newer: all of these. Not run; the calls are those that Milvus Lite answers.

Lite writes each row to its log before it answers: a killed process loses none. The log is not synced to disk before it
is flushed, so a machine that loses power may.
"""

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import numpy as np

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError, IndexUnsupported, QueryError
from indexer.indexes.base import IdSet, Similarity
from indexer.indexes.milvus_collection import MilvusCollection
from indexer.indexes.milvus_filter import Columns, milvus_expression, scalar_rows
from indexer.indexes.milvus_saved import Saved
from indexer.indexes.milvus_server import DATABASE, Capabilities, Connection, lite_version, open_milvus, unavailable
from indexer.indexes.signatures import signatures

__all__ = ["MilvusIndex", "unavailable"]

MOST_K = 16_384
"""Milvus' own limit."""
FEW, FEW_SHARE = 2000, 32
"""Where at most so many rows may answer, or one in so many, Milvus Lite's graph loses them and they are compared."""
SAMPLE, NEIGHBOURS = 256, 10
"""Rows that ask in `tune`, and neighbours of each."""
LONGEST_LIST = 20_000
"""Ids in one expression; more are asked for in several, whose answers are merged."""


class MilvusIndex:
    """Inner products in a Milvus collection, with scalar columns that its own filters search within.

    address: None = Milvus Lite in a temporary folder, which goes with the index; `FOLDER/NAME.db` = Milvus Lite there,
    where every acknowledged row stays; `http://HOST:19530` = a Milvus server (not run). Both go on with a collection
    that is there already. index_type: FLAT, HNSW or IVF_FLAT, None = HNSW where the version has it, else FLAT, which
    alone is exact. bits: of a sign signature held beside each vector, None = none. start: a saved database, a copy of
    which to start from; without an address.

    Raises:
        IndexUnsupported: no pymilvus here, or a version that cannot do what is asked.
        ArchiveError: no server answers, or the database cannot be opened; ArchiveBusy where another has it open.
    """

    name = "milvus"

    def __init__(
        self,
        dimension: int,
        address: str | None = None,
        *,
        collection: str = "caselink",
        index_type: str | None = None,
        bits: int | None = None,
        start: Path | None = None,
    ) -> None:
        self._connection = open_milvus(address, start)
        self._address = address
        # what is open at the end is closed, and temporary files go, whether or not anybody called `close`
        self._end = weakref.finalize(self, _let_go, self._connection, collection, address is None)
        try:
            self.capabilities.check_bits(bits)
            chosen = self.capabilities.chosen(index_type)
            self._table = MilvusCollection(self._connection, collection, dimension, chosen, bits)
            self._held: Ids = np.empty(0, np.int64)
            # a collection of an earlier process may still have what was removed from it in its files
            self._stale = address is not None
            if self._table.exists():
                self._table.open()
                self._held = self._table.ids()
            else:
                self._table.create()
        except ArchiveError:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._held)

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self._held

    @property
    def capabilities(self) -> Capabilities:
        """What the library or server behind this index can do."""
        return self._connection.capabilities

    def close(self) -> None:
        """Let go of the connection and, without an address, of the files; the index is then of no more use."""
        self._end()

    def build(self, vectors: Vectors, ids: Ids, columns: Columns | None = None) -> None:
        """See `VectorIndex.build`; columns: as in `add`."""
        known = scalar_rows(columns, len(ids))
        self._table.create()
        self._held, self._stale = np.empty(0, np.int64), False
        self._insert(vectors, ids, known)

    def add(self, vectors: Vectors, ids: Ids, columns: Columns | None = None) -> None:
        """See `VectorIndex.add`; columns: a table or lists by name, one value a row, of `SCALARS`; None = missing.

        Raises:
            QueryError: columns that do not fit.
            ArchiveError: Milvus takes no more; what it took is held.
        """
        self._insert(vectors, ids, scalar_rows(columns, len(ids)))

    def _insert(self, vectors: Vectors, ids: Ids, known: list[dict[str, object]]) -> None:
        if len(again := np.intersect1d(ids, self._held)) or len(np.unique(ids)) < len(ids):
            raise ValueError(f"ids {again[:5].tolist() or 'given'} are held or given twice; each must be new")
        for start in range(0, len(ids), self._table.batch):
            rows = slice(start, start + self._table.batch)
            self._table.insert(vectors[rows], ids[rows], known[rows])
            self._held = np.union1d(self._held, ids[rows])

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        gone = np.intersect1d(ids, self._held)
        if len(gone):
            self._stale = True
            self._table.delete(gone)
            self._held = np.setdiff1d(self._held, gone, assume_unique=True)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`; nothing outside `allowed` answers, and no answer of few is missed.

        Raises:
            QueryError: k over 16384, of an index with as many rows.
        """
        if allowed is None:
            return self._found(queries, k, [""], len(self))
        inside = np.intersect1d(allowed.ids, self._held, assume_unique=True)
        return self._found(queries, k, list(self._filters(inside)), len(inside))

    def search_where(self, queries: Vectors, k: int, where: str) -> tuple[Ids, Similarity]:
        """As `search`, among the rows whose columns pass the filter `where` (`indexer.filters`), judged by Milvus.

        Raises:
            FilterError: a filter that cannot be understood, or of columns that are not in `SCALARS`.
        """
        filter_ = milvus_expression(where)
        return self._found(queries, k, [filter_], self._table.count(filter_))

    def search_signatures(self, queries: Vectors, k: int) -> tuple[Ids, Similarity]:
        """Ids (m, k) by the bits in which sign signatures differ, fewest first, and those (m, k); the rest -1 and inf.

        Raises:
            IndexUnsupported: the index was made without `bits`.
        """
        if self._table.bits is None:
            raise IndexUnsupported("the index holds no signatures; make it with `bits` where the version can")
        ids, apart = self._table.nearest_signatures(signatures(queries, self._table.bits), min(k, MOST_K), "")
        return _padded(ids, apart, k, np.inf)

    def tune(self, recall: float) -> float:
        """See `VectorIndex.tune`. What a search spends is Milvus' own choice; only what it finds is measured.

        Milvus Lite compares rows added since it was opened, so its graph's recall shows after `save` and `load`.
        """
        n = len(self)
        if not n or self._table.index_type == "FLAT":
            return 1.0
        ids, vectors, _ = self._table.rows("")
        asked = np.random.default_rng(0).choice(n, min(n, SAMPLE), replace=False)
        k = min(n, NEIGHBOURS + 1)
        exact = ids[np.argsort(-(vectors[asked] @ vectors.T), axis=1, kind="stable")[:, :k]]
        found, _ = self.search(vectors[asked], k)
        return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(exact, found, strict=True)]))

    def resident(self) -> int:
        """See `VectorIndex.resident`: the ids alone; the rest is in Milvus' hands."""
        return len(self) * 8

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """See `VectorIndex.way`."""
        server, kind = self.capabilities.server, self._table.index_type
        if allowed is not None and self._few(len(allowed), len(self)):
            return f"those that may answer compared, held by {server}"
        within = "" if allowed is None else " within those that may answer"
        return f"all compared by {server}{within}" if kind == "FLAT" else f"{kind} of {server}{within}"

    def _filters(self, inside: Ids) -> Iterator[str]:
        """Expressions that the rows of `inside`, sorted ids held, pass, each of them one."""
        n = len(inside)
        outside = len(self) - n
        if n and not outside:
            yield ""
        elif outside < n and outside <= LONGEST_LIST:
            yield f"id not in {np.setdiff1d(self._held, inside, assume_unique=True).tolist()}"
        else:
            for start in range(0, n, LONGEST_LIST):
                yield f"id in {inside[start : start + LONGEST_LIST].tolist()}"

    def _few(self, passing: int, n: int) -> bool:
        """Whether so many of n rows are too few for the graph, and this version does nothing about it itself."""
        approximate = self._table.index_type != "FLAT" and not self.capabilities.compares_few
        return approximate and passing < n and passing <= max(FEW, n // FEW_SHARE)

    def _found(self, queries: Vectors, k: int, filters: list[str], passing: int) -> tuple[Ids, Similarity]:
        wanted = min(k, passing)
        if wanted > MOST_K:
            raise QueryError(f"{wanted} neighbours are over {MOST_K}, the most that Milvus gives; ask for fewer")
        if not wanted:
            return _padded(np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32), k)
        if self._few(passing, len(self)):
            return _padded(*self._compared(queries, wanted, filters), k)
        share = passing / len(self) / len(filters)
        ids, near = _merged([self._table.nearest(queries, wanted, where, share) for where in filters], wanted)
        short = ids[:, -1] < 0
        if short.any():  # a graph may not reach every row
            ids[short], near[short] = self._compared(queries[short], wanted, filters)
        return _padded(ids, near, k)

    def _compared(self, queries: Vectors, k: int, filters: list[str]) -> tuple[Ids, Similarity]:
        """The k nearest of the rows that pass, fetched and compared one by one."""
        best = (np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.float32))
        for where in filters if filters != [""] else self._pages():
            ids, vectors, _ = self._table.rows(where)
            near = (queries @ vectors.T).astype(np.float32)
            best = _merged([best, (np.broadcast_to(ids, near.shape), near)], k)
        return best

    def _pages(self) -> Iterator[str]:
        for start in range(0, len(self), self._table.batch):
            yield f"id in {self._held[start : start + self._table.batch].tolist()}"

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`; no search may run meanwhile. Of a server's collection only its place is written."""
        if self.capabilities.files:
            if self._stale:
                self._rewrite(folder / DATABASE)
            else:
                self._connection.copy(folder / DATABASE)
                self._table.open()
        place = None if self.capabilities.files else self._address
        table = self._table
        Saved(
            collection=table.name,
            dimension=table.dimension,
            rows=len(self),
            index_type=table.index_type,
            bits=table.bits,
            address=place,
            written_by=self.capabilities.server,
        ).write(folder)

    def _rewrite(self, path: Path) -> None:
        """The rows held, alone in a new database: Milvus Lite keeps removed ones until it compacts its files."""
        table, fresh = self._table, open_milvus(str(path))
        try:
            copy = MilvusCollection(fresh, table.name, table.dimension, table.index_type, table.bits)
            copy.create()
            for where in self._pages():
                ids, vectors, known = table.rows(where)
                copy.insert(vectors, ids, known)
        finally:
            fresh.close()
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """See `VectorIndex.load`; works on a copy of the files, since Milvus Lite writes into those it opens.

        Raises:
            IndexUnsupported: no pymilvus here, or files of another generation of Milvus Lite.
        """
        saved = Saved.read(folder, dimension)
        saved.check_version(f"Milvus Lite {lite_version()}")
        index = cls(
            dimension,
            saved.address,
            collection=saved.collection,
            index_type=saved.index_type,
            bits=saved.bits,
            start=folder / DATABASE if saved.address is None else None,
        )
        try:
            saved.check(len(index), index.capabilities)
        except ArchiveError:
            index.close()
            raise
        return index


def _let_go(connection: Connection, collection: str, unwanted: bool) -> None:
    connection.close(collection if unwanted else None)


def _merged(parts: list[tuple[Ids, Similarity]], k: int) -> tuple[Ids, Similarity]:
    """The k best of several answers (m, any), which share no id but -1, for each of m queries; ties by id."""
    if len(parts) == 1:
        return parts[0]
    ids, near = (np.concatenate(some, axis=1) for some in zip(*parts, strict=True))
    order = np.lexsort((ids, -near), axis=1)[:, :k]
    return np.take_along_axis(ids, order, 1), np.take_along_axis(near, order, 1)


def _padded(ids: Ids, near: Similarity, k: int, rest: float = -np.inf) -> tuple[Ids, Similarity]:
    more = ((0, 0), (0, k - ids.shape[1]))
    return np.pad(ids, more, constant_values=-1), np.pad(near, more, constant_values=rest).astype(np.float32)
