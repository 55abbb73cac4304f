"""The one protocol of every vector index. Higher similarity is nearer, for all of them."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from engine.embeddings import Ids, Vectors

T = TypeVar("T")
Similarity = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
SPARSE = 64
"""Of one id in so many a list is enough; of more a flag each is made and found sooner."""


class IdSet:
    """The ids that may answer, made once for a filter and kept: sorted int64 `ids`, each once."""

    @classmethod
    def flagged(cls, flags: Flags) -> "IdSet":
        """The ids whose flag is set, bool (n,); the array is kept, not copied."""
        made = cls(np.empty(0, np.int64))
        made.flags, made.ids = flags, np.flatnonzero(flags)
        return made

    def __init__(self, ids: Ids) -> None:
        ids = np.asarray(ids, dtype=np.int64)
        if len(ids) and ids.min() < 0:
            raise ValueError(f"an id of {ids.min()} is below 0, the least there is")
        largest = int(ids.max(initial=-1))
        if len(ids) * SPARSE < largest:
            self.ids: Ids = np.unique(ids)
        else:  # one walk; to sort them takes several
            self.flags = np.zeros(largest + 1, dtype=bool)
            self.flags[ids] = True
            self.ids = np.flatnonzero(self.flags)
        self._made: WeakKeyDictionary[Any, tuple[object, Any]] = WeakKeyDictionary()

    @cached_property
    def flags(self) -> Flags:
        """bool (largest id + 1,): a flag for each."""
        flags = np.zeros(int(self.ids.max(initial=-1)) + 1, dtype=bool)
        flags[self.ids] = True
        return flags

    def __len__(self) -> int:
        return len(self.ids)

    def holds(self, ids: npt.NDArray[np.integer]) -> Flags:
        """bool (n,): which of these ids are in the set."""
        if not len(ids) or int(ids.max()) < len(self.flags):
            return np.asarray(self.flags[ids], dtype=bool)
        within = np.minimum(ids, len(self.flags))
        return np.asarray(np.append(self.flags, False)[within], dtype=bool)

    def once(self, owner: object, generation: object, make: Callable[[], T]) -> T:
        """What `make` gives, kept for its owner until the generation is another."""
        kept = self._made.get(owner)
        if kept is None or kept[0] != generation:
            kept = self._made[owner] = generation, make()
        found: T = kept[1]
        return found


class VectorIndex(Protocol):
    """Nearest neighbours by inner product, the cosine of unit vectors; no vector held is longer than 1.

    Ids are int64, 0 or more, and unique in an index. Searches may run in several threads at once; adding and removing
    need the index for themselves.
    """

    name: str

    def __init__(self, dimension: int) -> None:
        """An empty index for vectors of so many numbers."""
        ...

    def __len__(self) -> int:
        """Vectors held."""
        ...

    @property
    def ids(self) -> Ids:
        """int64 ids of the vectors held, each once, in any order."""
        ...

    def build(self, vectors: Vectors, ids: Ids) -> None:
        """Hold these and nothing else, and fit to them whatever the index learns from its vectors.

        An index may read a memory-mapped array where it lies for as long as it is there itself.
        """
        ...

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """Hold float32 (n, d) rows under int64 (n,) ids that are new to the index; the next search finds them."""
        ...

    def remove(self, ids: Ids) -> None:
        """Forget these ids, and their vectors' bytes in what `save` writes; ids that are not held are ignored."""
        ...

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """The k nearest of each query (m, d), best first, among `allowed` (None = all).

        Returns ids (m, k) and inner products (m, k); where fewer than k are found, the rest is id -1 and -inf.
        """
        ...

    def tune(self, recall: float) -> float:
        """Spend as little on a search as finds this share of the ten nearest, measured on vectors held; what it found.

        recall: in 0..1. An index that finds them all gives 1. Nothing changes for an index that is empty.
        """
        ...

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """How `search` would go about it, in a few words for the answer's manifest."""
        ...

    def resident(self) -> int:
        """Bytes that it keeps in memory; what is memory-mapped from a file is not among them."""
        ...

    def save(self, folder: Path) -> None:
        """Write the index as files into a folder that is there and empty."""
        ...

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """What `save` wrote, ready to search and to be added to; whose hashes the caller has checked.

        Raises:
            ArchiveCorrupt: files that do not belong together.
        """
        ...
