"""Exact search over every vector: the oracle, and the default for archives that fit in memory."""

from pathlib import Path
from typing import Self

from engine.embeddings import Ids, Vectors
from indexer.indexes.base import IdSet, Similarity
from indexer.indexes.rows import Rows
from indexer.indexes.threads import FEW, one_thread

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
        self._rows = Rows.of(vectors, ids)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.add`."""
        self._rows.add(vectors, ids)

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        self._rows.remove(ids)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`."""
        chosen = None if allowed is None else self._rows.chosen(allowed)
        with one_thread(len(queries) < FEW and len(self) < MANY):
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
