"""Rows by a whole number that several of them may share: the films of a vector, the films of a patient."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Grouped:
    """Rows 0 to n - 1 in the order of their keys, int64 (n,), each 0 or more and not much larger than n.

    plain: the key of row i is i.
    """

    def __init__(self, keys: npt.NDArray[np.integer]) -> None:
        self.plain = bool(np.array_equal(keys, np.arange(len(keys))))
        self._order = np.argsort(keys, kind="stable")
        self._start = np.zeros(int(keys.max(initial=-1)) + 3, np.int64)
        np.cumsum(np.bincount(keys, minlength=len(self._start) - 1), out=self._start[1:])

    def rows(self, keys: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Of each row with one of these keys (m,): the place of its key among them, and the row; ascending in both.

        A key that no row has gives none.
        """
        if self.plain and (not len(keys) or int(keys.max()) < len(self._order)):
            return np.arange(len(keys)), keys.astype(np.int64, copy=False)
        keys = np.minimum(keys, len(self._start) - 2)  # the last one no row has
        first, beyond = self._start[keys], self._start[keys + 1]
        count = beyond - first
        if (count == 1).all():
            return np.arange(len(keys)), self._order[first]
        which = np.repeat(np.arange(len(keys)), count)
        within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        return which, self._order[first[which] + within]
