"""The choice of an index by limits, not by name: each candidate is built and measured on the very vectors it will hold.

Exact search is taken while nothing could be much faster. Beyond that the fastest wins of those that keep the limits.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError
from indexer.indexes.base import VectorIndex
from indexer.indexes.compact import CompactIndex
from indexer.indexes.exact import ExactIndex
from indexer.indexes.hnsw import HnswIndex
from indexer.indexes.lsh import LshIndex

SMALL = 10_000
"""Up to so many vectors no other index is tried, where comparing all keeps the limits."""
CANDIDATES: tuple[type[VectorIndex], ...] = (CompactIndex, HnswIndex, LshIndex)
ASKED = 64
"""Vectors held that ask, one at a time."""
K = 10
GIB = 1 << 30
SEED = 1


@dataclass(frozen=True)
class Limits:
    """What a user states. recall: least recall@10, 0..1; ms: of a query, gib: of memory, at most; None = any."""

    recall: float = 0.99
    ms: float | None = None
    gib: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.recall <= 1:
            raise ArchiveError(f"a recall of {self.recall} is outside 0 to 1; 0.99 finds nearly all neighbours")
        for name, value in (("ms", self.ms), ("gib", self.gib)):
            if value is not None and value <= 0:
                raise ArchiveError(f"a limit of {value} {name} is not above 0; leave it out, or give more")


@dataclass(frozen=True)
class Measured:
    """One index on an archive's vectors. recall: at 10; ms: median of a query; gib: memory once opened from disk."""

    name: str
    recall: float
    ms: float
    gib: float
    build_s: float

    def misses(self, limits: Limits) -> list[str]:
        """The limits that it does not keep, in words."""
        return [
            f"{title} {value:.3g} against {limit:.3g}"
            for title, value, limit, kept in (
                ("recall", self.recall, limits.recall, self.recall >= limits.recall),
                ("ms", self.ms, limits.ms, limits.ms is None or self.ms <= limits.ms),
                ("GiB", self.gib, limits.gib, limits.gib is None or self.gib <= limits.gib),
            )
            if not kept and limit is not None
        ]


@dataclass(frozen=True)
class Choice:
    """What was chosen and why, with all that was measured for it."""

    name: str
    why: str
    measured: tuple[Measured, ...]


def choose(
    vectors: Vectors, ids: Ids, limits: Limits, candidates: Sequence[type[VectorIndex]] = CANDIDATES
) -> tuple[VectorIndex, Choice]:
    """The index for float32 (n, d) vectors under int64 (n,) ids that keeps the limits and is the fastest, built.

    Where none keeps them, the one with the highest recall, and the choice says what it misses.
    """
    exact = ExactIndex(vectors.shape[1])
    exact.build(vectors, ids)
    first = measure(exact, vectors, limits.recall, 0.0)
    if len(ids) <= SMALL and not first.misses(limits):
        return exact, Choice(exact.name, f"{len(ids)} vectors are few enough to compare all", (first,))
    tried: list[tuple[VectorIndex, Measured]] = [(exact, first)]
    for kind in candidates:
        began = time.perf_counter()
        index = kind(vectors.shape[1])
        index.build(vectors, ids)
        tried.append((index, measure(index, vectors, limits.recall, time.perf_counter() - began)))
    keeping = [pair for pair in tried if not pair[1].misses(limits)]
    figures = tuple(measured for _, measured in tried)
    if keeping:
        index, best = min(keeping, key=lambda pair: pair[1].ms)
        return index, Choice(best.name, f"the fastest of {len(keeping)} that keep the limits", figures)
    index, best = max(tried, key=lambda pair: (pair[1].recall, -pair[1].ms))
    return index, Choice(best.name, f"none keeps the limits; this one misses {', '.join(best.misses(limits))}", figures)


def measure(index: VectorIndex, vectors: Vectors, recall: float, build_s: float) -> Measured:
    """Tune an index that holds these vectors to a recall and time it, one query at a time, by vectors held."""
    found = index.tune(recall)
    asked = np.random.default_rng(SEED).choice(len(vectors), min(ASKED, len(vectors)), replace=False)
    times = []
    for row in asked.tolist():
        began = time.perf_counter()
        index.search(vectors[row : row + 1], K)
        times.append(time.perf_counter() - began)
    held = index.resident() - (0 if isinstance(index, ExactIndex) else vectors.nbytes)
    ms = 1000 * float(np.median(times)) if times else 0.0
    return Measured(index.name, found, ms, max(0, held) / GIB, build_s)
