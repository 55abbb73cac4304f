"""The one protocol of every vector index. Higher similarity is nearer, for all of them."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.embeddings import Ids, Vectors

Similarity = npt.NDArray[np.float32]
Allowed = npt.NDArray[np.bool_]


class VectorIndex(Protocol):
    """Nearest neighbours by inner product, the cosine of unit vectors; none is longer than 1."""

    name: str

    def __len__(self) -> int:
        """Vectors held."""
        ...

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """Hold float32 (n, d) rows under int64 (n,) ids that are new to the index."""
        ...

    def remove(self, ids: Ids) -> None:
        """Forget these ids; ids that are not held are ignored."""
        ...

    def search(self, queries: Vectors, k: int, allowed: Ids | None = None) -> tuple[Ids, Similarity]:
        """The k nearest of each query (m, d), best first, among `allowed` ids (None = all).

        Returns ids (m, k) and inner products (m, k); where fewer than k are there, the rest is id -1 and -inf.
        """
        ...
