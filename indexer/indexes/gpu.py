"""Exact search on a GPU (faiss-gpu), where there is one; the vectors stay in memory too, to filter and to save."""

from pathlib import Path
from typing import Self

import faiss
import numpy as np

from engine.embeddings import Ids, Vectors
from engine.errors import IndexUnsupported
from indexer.indexes.base import IdSet, Similarity
from indexer.indexes.rows import Rows

MOST = 2048
"""Neighbours that FAISS finds on a GPU at once."""


def why_no_gpu() -> str | None:
    """Why the `gpu` index cannot be used here; None where it can."""
    if not hasattr(faiss, "StandardGpuResources"):
        return "this FAISS was built without GPU support; make the environment with `make env GPU=1`"
    if not faiss.get_num_gpus():
        return "no GPU is visible to FAISS; use another index, or check the driver"
    return None


class GpuIndex:
    """FAISS `GpuIndexFlatIP` over positions; what may answer within a filter is compared on the host. Not run yet.

    Raises:
        IndexUnsupported: no GPU that FAISS can use.
    """

    name = "gpu"

    def __init__(self, dimension: int) -> None:
        if (reason := why_no_gpu()) is not None:
            raise IndexUnsupported(f"the index 'gpu' cannot be used: {reason}")
        self._rows = Rows(dimension)
        self._resources = faiss.StandardGpuResources()
        self._clear()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self._rows.held_ids

    def build(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.build`."""
        self._rows = Rows(self._rows.dimension)
        self._clear()
        self.add(vectors, ids)

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.add`."""
        self._rows.add(vectors, ids)
        self._flat.add(np.ascontiguousarray(vectors, np.float32))

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`; the GPU takes up what is left anew."""
        if not len(self._rows.remove(ids)):
            return
        held, named = self._rows.held, self._rows.ids
        vectors, kept = self._rows.vectors(held), named[held].astype(np.int64)
        self.build(vectors, kept)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`."""
        if allowed is not None or k > MOST:
            return self._rows.nearest(queries, k, None if allowed is None else self._rows.chosen(allowed))
        positions = self._flat.search(np.ascontiguousarray(queries, np.float32), k)[1]
        return self._rows.best(queries, positions, k)  # the host's products, so that every index says the same

    def tune(self, recall: float) -> float:
        """See `VectorIndex.tune`: nothing is missed."""
        return 1.0

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """See `VectorIndex.way`."""
        return "all compared on the GPU" if allowed is None and k <= MOST else "all that may answer compared"

    def resident(self) -> int:
        """See `VectorIndex.resident`."""
        return self._rows.resident()

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`."""
        self._rows.save(folder)

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """See `VectorIndex.load`."""
        index = cls(dimension)
        index._rows = Rows.load(folder, dimension)
        index._flat.add(index._rows.vectors())
        return index

    def _clear(self) -> None:
        self._flat = faiss.GpuIndexFlatIP(self._resources, self._rows.dimension)
