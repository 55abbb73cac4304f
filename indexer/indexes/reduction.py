"""Fewer numbers a vector, for codes: the directions in which an archive's vectors differ most (PCA).

Inner products of the shortened vectors order neighbours nearly as those of the whole do, since what is cut off varies
little; exact vectors then decide (as in LeanVec, Tepper et al. 2023). No mean is taken off: it would add the same to
every similarity of a query.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from engine.embeddings import Vectors

STEP = 8
"""Numbers are kept in steps of so many: what one instruction takes at once."""
SAMPLE = 65_536
SEED = 0


def linear(columns: Vectors, offsets: Vectors | None = None) -> faiss.LinearTransform:
    """float32 (n, d) to (n, r) by FAISS: rows times columns (d, r), plus offsets (r,).

    NumPy's product before FAISS's search would start threads of its own, and the two kinds wait for each other.
    """
    d, r = columns.shape
    made = faiss.LinearTransform(d, r, offsets is not None)
    faiss.copy_array_to_vector(np.ascontiguousarray(columns.T, np.float32).ravel(), made.A)
    if offsets is not None:
        faiss.copy_array_to_vector(np.ascontiguousarray(offsets, np.float32), made.b)
    made.is_trained = True
    return made


@dataclass(frozen=True)
class Reduction:
    """directions: float32 (d, r), orthonormal columns, the widest first."""

    directions: Vectors

    @property
    def dimension(self) -> int:
        """Numbers that are left."""
        return int(self.directions.shape[1])

    @classmethod
    def fit(cls, vectors: Vectors, share: float, most: int | None = None) -> Self:
        """The fewest directions, a multiple of `STEP` and at most `most`, that hold `share` of the variance."""
        n, d = vectors.shape
        if n > SAMPLE:
            vectors = vectors[np.random.default_rng(SEED).choice(n, SAMPLE, replace=False)]
        wide = vectors.astype(np.float64)
        centred = wide - wide.mean(axis=0)
        values, columns = np.linalg.eigh(centred.T @ centred)
        held = np.cumsum(np.maximum(values[::-1], 0))
        wanted = int(np.searchsorted(held, share * held[-1])) + 1
        kept = min(d, most or d, -(-wanted // STEP) * STEP)
        return cls(np.ascontiguousarray(columns[:, ::-1][:, :kept], dtype=np.float32))

    def turned(self, seed: int) -> Self:
        """The same space with other axes, none wider than another on the whole: inner products stay as they are."""
        turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(self.dimension,) * 2))
        return type(self)(np.ascontiguousarray(self.directions @ turn, dtype=np.float32))

    def __call__(self, vectors: Vectors) -> Vectors:
        """float32 (n, r) of (n, d)."""
        return np.asarray(self._transform.apply(np.ascontiguousarray(vectors, np.float32)))

    @cached_property
    def _transform(self) -> faiss.LinearTransform:
        return linear(self.directions)

    def save(self, path: Path) -> None:
        """Write it as .npy."""
        np.save(path, self.directions)

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        return cls(np.load(path))
