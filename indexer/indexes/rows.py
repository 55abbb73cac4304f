"""Exact vectors by position with their ids: what every approximate index ranks its candidates by.

A position is a vector's place in the order of adding; it never changes. What is removed keeps its place and answers no
more. Vectors that were loaded stay on disk, memory-mapped; those added since are in memory.
"""

from pathlib import Path
from typing import Self, TypeVar

import faiss
import numpy as np
import numpy.typing as npt

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveCorrupt
from indexer.indexes.base import SPARSE, IdSet, Similarity

T = TypeVar("T", bound=np.generic)
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
VECTORS, IDS, GONE = "vectors.npy", "ids.npy", "gone.npy"
AT_ONCE = 1 << 20
"""Similarities held at once while many rows are compared."""
NARROW = np.iinfo(np.uint32).max
"""The largest id that is kept in four bytes."""
LEAST = 1024
"""Rows for which memory is taken at first; doubled as they are filled."""


class Rows:
    """float32 (n, d) rows, an id each, and which are gone."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._base: Vectors = np.empty((0, dimension), np.float32)
        self._tail: Vectors = np.empty((0, dimension), np.float32)
        self._ids: npt.NDArray[np.uint32 | np.int64] = np.empty(0, np.uint32)
        self._count = 0
        self._gone: Flags | None = None
        self._order: tuple[npt.NDArray[np.uint32 | np.int64], Positions | None] | None = None
        self.generation = 0

    def __len__(self) -> int:
        return self._count - (0 if self._gone is None else int(self._gone[: self._count].sum()))

    @classmethod
    def of(cls, vectors: Vectors, ids: Ids) -> Self:
        """These rows (n, d) under these ids. What is memory-mapped stays where it lies; all else is copied."""
        rows = cls(vectors.shape[1])
        if _on_disk(vectors) and vectors.dtype == np.float32 and vectors.flags.c_contiguous:
            rows._base, vectors = vectors, vectors[:0]
            rows._ids = ids.astype(np.uint32 if ids.max(initial=0) <= NARROW else np.int64)
            rows._count = len(ids)
        else:
            rows.add(vectors, ids)
        return rows

    @property
    def count(self) -> int:
        """Positions given so far, those that are gone too."""
        return self._count

    @property
    def ids(self) -> npt.NDArray[np.uint32 | np.int64]:
        """The id at each position, (count,)."""
        return self._ids[: self._count]

    @property
    def held_ids(self) -> Ids:
        """int64 ids of what is held, by position."""
        return self.ids[self.held].astype(np.int64)

    @property
    def gone(self) -> Flags | None:
        """bool (count,): which positions answer no more; None where all do."""
        return None if self._gone is None else self._gone[: self._count]

    @property
    def held(self) -> Positions:
        """Positions of what is held, ascending."""
        gone = self.gone
        return np.arange(self._count) if gone is None else np.flatnonzero(~gone)

    def add(self, vectors: Vectors, ids: Ids) -> Positions:
        """Take up rows (n, d) under new ids; gives their positions."""
        first, last = self._count, self._count + len(ids)
        if len(ids) and int(ids.max()) > NARROW and self._ids.dtype == np.uint32:
            self._ids = self._ids.astype(np.int64)
        self._ids = _grown(self._ids, self._count, last)
        self._ids[first:last] = ids
        base = len(self._base)
        self._tail = _grown(self._tail, first - base, last - base)
        self._tail[first - base : last - base] = vectors
        if self._gone is not None:
            self._gone = _grown(self._gone, first, last)
            self._gone[first:last] = False
        self._count = last
        self._touch()
        return np.arange(first, last, dtype=np.int64)

    def remove(self, ids: Ids) -> Positions:
        """Let ids go; gives the positions of those that were held."""
        found = self.positions(np.unique(ids))
        if len(found):
            if self._gone is None:
                self._gone = np.zeros(self._count, dtype=bool)
            self._gone[found] = True
            tail = found[found >= len(self._base)] - len(self._base)
            self._tail[tail] = 0
            self._touch()
        return found

    def positions(self, ids: Ids) -> Positions:
        """Positions of those ids (n,), ascending and each once, that are held."""
        ordered, places = self._sorted()
        at = np.searchsorted(ordered, ids)
        at[at == len(ordered)] = 0
        held = ordered[at] == ids if len(ordered) else np.zeros(len(ids), dtype=bool)
        found: Positions = at[held] if places is None else places[at[held]]
        return found

    def chosen(self, allowed: IdSet) -> Positions:
        """Positions, ascending, of the ids that may answer; made once for an id set while nothing changes."""
        return allowed.once(self, self.generation, lambda: self._chosen(allowed))

    def vectors(self, positions: Positions | None = None) -> Vectors:
        """A copy (n, d) of the rows at these positions, of all where None; what is gone may be zeros."""
        places = np.arange(self._count) if positions is None else positions
        base, old = len(self._base), places < len(self._base)
        rows = np.empty((len(places), self.dimension), np.float32)
        rows[old], rows[~old] = self._base[places[old]], self._tail[places[~old] - base]
        return rows

    def sample(self, most: int, seed: int) -> Vectors:
        """Rows that are held, at most so many, the same in every run."""
        held = self.held
        if len(held) > most:
            held = np.sort(np.random.default_rng(seed).choice(held, most, replace=False))
        return self.vectors(held)

    def similarities(self, queries: Vectors, positions: Positions) -> Similarity:
        """Inner products (m, p) of queries (m, d) with rows at int64 (m, p) positions; -inf where one is below 0."""
        base = len(self._base)
        if not len(self._tail):
            return _products(queries, self._base, positions)
        if not base:
            return _products(queries, self._tail, positions)
        old = _products(queries, self._base, np.where(positions < base, positions, -1))
        return np.maximum(old, _products(queries, self._tail, np.maximum(positions - base, -1)))

    def best(self, queries: Vectors, positions: Positions, k: int) -> tuple[Ids, Similarity]:
        """The k nearest of each query among its row of int64 (m, p) positions, -1 for none; ids, -1 where too few."""
        queries = np.ascontiguousarray(queries, np.float32)
        near = self.similarities(queries, positions)
        if len(queries) == 1 and positions.shape[1] >= k:
            return self._best_of_one(near[0], positions[0], k)
        return self._named(*_top(near, positions, k), k)

    def nearest(self, queries: Vectors, k: int, positions: Positions | None = None) -> tuple[Ids, Similarity]:
        """The k nearest of each query among all that are held, or among int64 (p,) positions, by comparing each."""
        queries = np.ascontiguousarray(queries, np.float32)
        if positions is None:
            if self._gone is None and self._count and not (len(self._base) and len(self._tail)):
                return self._nearest_of_all(queries, k)
            positions = self.held
        step = max(1, AT_ONCE // max(1, len(positions)))
        found = [
            self._among(queries[start : start + step], positions, k) for start in range(0, max(1, len(queries)), step)
        ]
        return np.concatenate([ids for ids, _ in found]), np.concatenate([near for _, near in found])

    def resident(self) -> int:
        """Bytes in memory; vectors that were loaded are on disk."""
        base = 0 if _on_disk(self._base) else self._base.nbytes
        return base + self._tail.nbytes + self._ids.nbytes + (0 if self._gone is None else self._gone.nbytes)

    def save(self, folder: Path) -> None:
        """Write vectors, ids and who is gone, whose rows are written as zeros."""
        total = np.lib.format.open_memmap(folder / VECTORS, "w+", np.float32, (self._count, self.dimension))
        total[: len(self._base)] = self._base
        total[len(self._base) :] = self._tail[: self._count - len(self._base)]
        if self._gone is not None:
            total[self._gone[: self._count]] = 0
        total.flush()
        np.save(folder / IDS, self.ids)
        np.save(
            folder / GONE, np.empty(0, np.int64) if self._gone is None else np.flatnonzero(self._gone[: self._count])
        )

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """What `save` wrote; the vectors stay on disk.

        Raises:
            ArchiveCorrupt: shapes that do not fit each other.
        """
        rows = cls(dimension)
        base, ids = _mapped(folder / VECTORS), np.load(folder / IDS)
        if base.shape != (len(ids), dimension) or base.dtype != np.float32:
            raise ArchiveCorrupt(f"{VECTORS} holds {base.dtype} {base.shape}, not float32 ({len(ids)}, {dimension})")
        rows._base, rows._ids, rows._count = base, ids, len(ids)
        gone = np.load(folder / GONE)
        if len(gone):
            rows._gone = np.zeros(len(ids), dtype=bool)
            rows._gone[gone] = True
        return rows

    def _chosen(self, allowed: IdSet) -> Positions:
        if len(allowed) * SPARSE < self._count:
            return np.sort(self.positions(allowed.ids))
        held = allowed.holds(self.ids)
        return np.flatnonzero(held if self.gone is None else held & ~self.gone)

    def _sorted(self) -> tuple[npt.NDArray[np.uint32 | np.int64], Positions | None]:
        """Held ids, ascending, and the position of each; None where a place in that order is the position."""
        if self._order is None:
            ids, gone = self.ids, self.gone
            rising = bool(np.all(ids[1:] > ids[:-1]))
            if gone is None and rising:
                self._order = ids, None
            else:
                held = self.held
                order = slice(None) if rising else np.argsort(ids[held])
                self._order = ids[held][order], held[order]
        return self._order

    def _nearest_of_all(self, queries: Vectors, k: int) -> tuple[Ids, Similarity]:
        """As `nearest`, by whole blocks of one array."""
        rows = self._base if len(self._base) else self._tail[: self._count]
        near, positions = faiss.knn(queries, rows, min(k, self._count), metric=faiss.METRIC_INNER_PRODUCT)
        return self._named(positions, near, k)

    def _among(self, queries: Vectors, positions: Positions, k: int) -> tuple[Ids, Similarity]:
        each = np.broadcast_to(positions, (len(queries), len(positions)))
        return self._named(*_top(self.similarities(queries, np.ascontiguousarray(each)), each, k), k)

    def _best_of_one(self, near: Similarity, positions: Positions, k: int) -> tuple[Ids, Similarity]:
        """As `best` for one query, where NumPy's calls for many rows would take longer than their work."""
        if len(near) > 16 * k:
            cut = np.argpartition(near, len(near) - k)[-k:]
            near, positions = near[cut], positions[cut]
        order = np.lexsort((positions, -near))[:k]
        near, positions = near[order], positions[order]
        ids = self._ids[positions].astype(np.int64)  # what is -1 takes some id, and loses it again
        if near[-1] == -np.inf:
            ids[near == -np.inf] = -1
        return ids[None], near[None]

    def _named(self, positions: Positions, near: Similarity, k: int) -> tuple[Ids, Similarity]:
        """Ids for positions (m, up to k), filled up to k with -1 and -inf."""
        ids = np.full((len(positions), k), -1, np.int64)
        similarity = np.full((len(positions), k), -np.inf, np.float32)
        width = positions.shape[1]
        if self._count:
            ids[:, :width] = self._ids[np.maximum(positions, 0)]  # unsigned: -1 only fits what they are copied into
            ids[:, :width][np.isneginf(near)] = -1
        similarity[:, :width] = near
        return ids, similarity

    def _touch(self) -> None:
        self._order = None
        self.generation += 1


def _top(near: Similarity, positions: Positions, k: int) -> tuple[Positions, Similarity]:
    """The k largest of each row, largest first, equals by position; which of several as small as the last is open."""
    if near.shape[1] > 4 * k:  # a cut first: sorting all would cost more than comparing them
        cut = np.argpartition(-near, k - 1, axis=1)[:, :k]
        near, positions = np.take_along_axis(near, cut, 1), np.take_along_axis(positions, cut, 1)
    order = np.lexsort((positions, -near), axis=1)[:, :k]
    return np.take_along_axis(positions, order, 1), np.take_along_axis(near, order, 1)


def _products(queries: Vectors, rows: Vectors, positions: Positions) -> Similarity:
    positions = np.ascontiguousarray(positions)
    found = np.empty(positions.shape, np.float32)
    if found.size:
        faiss.fvec_inner_products_by_idx(
            faiss.swig_ptr(found),
            faiss.swig_ptr(queries),
            faiss.swig_ptr(rows),
            faiss.swig_ptr(positions),
            rows.shape[1],
            *positions.shape,
        )
    return found


def _mapped(path: Path) -> Vectors:
    """The array of a .npy file, on disk where it has any byte: an empty file cannot be mapped."""
    head = np.load(path, mmap_mode=None if path.stat().st_size <= 128 else "r")
    return np.asarray(head)


def _on_disk(vectors: Vectors) -> bool:
    return isinstance(vectors, np.memmap) or isinstance(vectors.base, np.memmap)


def _grown(held: npt.NDArray[T], used: int, wanted: int) -> npt.NDArray[T]:
    """The same array, or a larger copy of its first `used` rows with room for `wanted`."""
    if wanted <= len(held):
        return held
    larger = np.zeros((max(wanted, 2 * len(held), LEAST if used else wanted), *held.shape[1:]), held.dtype)
    larger[:used] = held[:used]
    return larger
