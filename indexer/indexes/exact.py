"""Exact search over every vector: the oracle, and the default for archives that fit in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveCorrupt
from indexer.indexes.base import IdSet, Similarity

FEW = 20
"""Fewer queries than this FAISS compares one by one, not by a matrix product."""
MANY = 100_000
"""From so many vectors on a scan is long enough to be shared."""
VECTORS, IDS = "vectors.npy", "ids.npy"


class ExactIndex:
    """Inner products (FAISS `IndexFlatIP` under `IndexIDMap2`): the cosine of unit vectors, nothing missed."""

    name = "exact"

    def __init__(self, dimension: int) -> None:
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def build(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.build`."""
        self._index.reset()
        self.add(vectors, ids)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.add`."""
        self._index.add_with_ids(np.ascontiguousarray(vectors), np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        selector = faiss.IDSelectorBatch(np.ascontiguousarray(ids, dtype=np.int64))
        self._index.remove_ids(selector)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`."""
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBitmap(len(allowed.bits), faiss.swig_ptr(allowed.bits))
            parameters = faiss.SearchParameters()
            parameters.sel = selector  # FAISS keeps no reference; the local name does until the search is done
        with _one_thread_for_few(len(queries), len(self)):
            similarity, ids = self._index.search(np.ascontiguousarray(queries), k, params=parameters)
        return ids, np.where(ids < 0, -np.inf, similarity).astype(np.float32)

    def tune(self, recall: float) -> float:
        """See `VectorIndex.tune`: nothing is missed."""
        return 1.0

    def resident(self) -> int:
        """See `VectorIndex.resident`."""
        return len(self) * (4 * int(self._index.d) + 16)  # a row, its id, and its place in the table of ids

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """See `VectorIndex.way`."""
        return "all compared" if allowed is None else "all that may answer compared"

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`."""
        np.save(folder / VECTORS, self._index.index.reconstruct_n(0, len(self)))
        np.save(folder / IDS, faiss.vector_to_array(self._index.id_map))

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """See `VectorIndex.load`."""
        vectors, ids = np.load(folder / VECTORS, mmap_mode="r"), np.load(folder / IDS)
        if vectors.shape != (len(ids), dimension):
            raise ArchiveCorrupt(f"{VECTORS} holds {vectors.shape}, not ({len(ids)}, {dimension}); build it anew")
        index = cls(dimension)
        index.add(vectors, ids)
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
