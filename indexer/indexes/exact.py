"""Exact search over every vector: the oracle, and the default for archives that fit in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import faiss

from engine.embeddings import Ids, Vectors
from indexer.indexes.base import IdSet, Similarity
from indexer.indexes.rows import Rows

FEW = 20
"""Fewer queries than this FAISS compares one by one, not by a matrix product."""
MANY = 100_000
"""From so many vectors on a scan is long enough to be shared."""


class ExactIndex:
    """Inner products with all that may answer: the cosine of unit vectors, nothing missed."""

    name = "exact"

    def __init__(self, dimension: int) -> None:
        self._rows = Rows(dimension)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self._rows.held_ids

    def build(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.build`."""
        self._rows = Rows(self._rows.dimension)
        self.add(vectors, ids)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.add`."""
        self._rows.add(vectors, ids)

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        self._rows.remove(ids)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`."""
        chosen = None if allowed is None else self._rows.chosen(allowed)
        with _one_thread_for_few(len(queries), len(self)):
            return self._rows.nearest(queries, k, chosen)

    def tune(self, recall: float) -> float:
        """See `VectorIndex.tune`: nothing is missed."""
        return 1.0

    def resident(self) -> int:
        """See `VectorIndex.resident`."""
        return self._rows.resident()

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """See `VectorIndex.way`."""
        return "all compared" if allowed is None else "all that may answer compared"

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`."""
        self._rows.save(folder)

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """See `VectorIndex.load`; the vectors stay on disk."""
        index = cls(dimension)
        index._rows = Rows.load(folder, dimension)
        return index


@contextmanager
def _one_thread_for_few(queries: int, rows: int) -> Iterator[None]:
    """Keep a few queries on the caller's core; OpenMP counts threads apart for every thread that calls it.

    Several share a short scan in little less time than one needs, and all wait where another process has one's core.
    """
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if queries < FEW and rows < MANY else before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
