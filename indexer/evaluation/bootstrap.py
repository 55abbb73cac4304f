"""95 % percentile intervals over split groups (cluster bootstrap; Efron and Tibshirani 1993, chapter 13)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.evaluation.cohort import numbered

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; low and high are None where one group alone, or no resampling, gives none."""

    value: float
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, eq=False)
class Clusters:
    """Films by split group, and how often each resample drew each group.

    code: int64 (q,), the group of each film, 0..g-1. times: float64 (resamples, g).
    """

    code: Ints
    times: Reals

    @classmethod
    def draw(cls, groups: npt.NDArray[np.object_], resamples: int, rng: np.random.Generator) -> "Clusters":
        """Draw as many groups as there are, with replacement, `resamples` times."""
        names, code = numbered(groups)
        g = len(names)
        if g < 2:
            resamples = 0
        drawn = rng.integers(g, size=(resamples, g)) + g * np.arange(resamples)[:, None]
        times = np.bincount(drawn.ravel(), minlength=resamples * g).reshape(resamples, g)
        return cls(code, times.astype(np.float64))

    def mean(self, values: Reals) -> list[Estimate]:
        """Mean over films of each column of values, (q, m)."""
        sums, films = self._per_group(values), self._per_group(np.ones((len(values), 1)))
        return _estimates(values.mean(axis=0), (self.times @ sums) / (self.times @ films))

    def macro_recall(self, correct: Reals, truth: Ints) -> list[Estimate]:
        """Mean, over the entities present (in a resample: those it drew), of the share of their films that are correct.

        correct: (q, m), each in 0..1. truth: (q,) entity codes.
        """
        present, code = np.unique(truth, return_inverse=True)
        member = (code[:, None] == np.arange(len(present))).astype(np.float64)  # (q, e)
        films = self._per_group(member)
        drawn = self.times @ films
        values, resampled = [], []
        for column in correct.T:
            right = self._per_group(member * column[:, None])
            values.append(float((right.sum(axis=0) / films.sum(axis=0)).mean()))
            recall = np.divide(self.times @ right, drawn, out=np.zeros_like(drawn), where=drawn > 0)
            resampled.append(recall.sum(axis=1) / (drawn > 0).sum(axis=1))
        return _estimates(np.array(values), np.stack(resampled, axis=1))

    def _per_group(self, values: Reals) -> Reals:
        sums = np.zeros((self.times.shape[1], values.shape[1]))
        np.add.at(sums, self.code, values)
        return sums


def _estimates(values: Reals, resampled: Reals) -> list[Estimate]:
    """values: (m,). resampled: (resamples, m)."""
    if not len(resampled):
        return [Estimate(float(value), None, None) for value in values]
    low, high = np.percentile(resampled, PERCENTILES, axis=0)
    return [Estimate(float(v), float(a), float(b)) for v, a, b in zip(values, low, high, strict=True)]
