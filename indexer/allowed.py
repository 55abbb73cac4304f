"""Who may answer a question: what a filter, the stage and the query's own patient leave of an archive's films.

What depends on the filter alone is worked out once for a version and kept, so that a search within it costs no walk
over the films. The query's own patient is not worth a set of their own: their few vectors are asked for on top, and
dropped.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from indexer.indexes import IdSet

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
KEPT = 16
"""Filters that a version remembers."""
Key = tuple[str | None, bool, bool]


@dataclass(frozen=True, eq=False)
class Allowed:
    """Films that may answer. rows: bool (n,); films: how many. ids: their vectors, None = every vector of the archive.

    spare: vectors among `ids` whose films may not answer. unknown: films that the filter could not judge.
    """

    rows: Mask
    films: int
    ids: IdSet | None
    spare: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, rows: Mask, vector: npt.NDArray[np.int64] | None, unknown: int = 0) -> "Allowed":
        """The films whose flag is set. vector: int64 (n,), each film's; None = film i has vector i."""
        films = int(np.count_nonzero(rows))
        if films == len(rows):
            return cls(rows, films, None, 0, unknown)
        return cls(rows, films, IdSet.flagged(rows) if vector is None else IdSet(vector[rows]), 0, unknown)

    def without(self, own: Rows) -> "Allowed":
        """The same but for these films, which are few."""
        barred = own[self.rows[own]]
        if not len(barred):
            return self
        rows = self.rows.copy()
        rows[barred] = False
        return replace(self, rows=rows, films=self.films - len(barred), spare=self.spare + len(barred))


class AllowedByFilter:
    """The last few filters' films. Thread-safe; a filter that two threads ask for at once is worked out twice."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Allowed] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Allowed]) -> Allowed:
        """What is kept under a filter's text, all stages or not, malignant alone or not; else what `make` gives."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
