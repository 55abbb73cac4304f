"""95 % percentile intervals over split groups (cluster bootstrap; Efron and Tibshirani 1993, chapter 13)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.evaluation.cohort import numbered

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Statistic = Callable[[Reals], Reals]
"""Weights of films, (r, q) -> the figure under each row of weights, (r,); nan where it has none."""
PERCENTILES = (2.5, 97.5)
HELD = 1 << 23
"""Weights held at once (64 MB)."""


@dataclass(frozen=True, eq=False)
class Estimate:
    """A figure and what it was in each resample, float64 (resamples,); nan in those that do not define it."""

    value: float
    draws: Reals

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval; None where one group alone, or no resampling, gives none."""
        return self._percentile(PERCENTILES[0])

    @property
    def high(self) -> float | None:
        """Upper end of the 95 % interval, or None."""
        return self._percentile(PERCENTILES[1])

    def minus(self, other: "Estimate") -> "Estimate":
        """The difference, resample by resample; both must come of the same draws."""
        return Estimate(self.value - other.value, self.draws - other.draws)

    def to_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}

    def _percentile(self, at: float) -> float | None:
        defined = self.draws[~np.isnan(self.draws)]
        return float(np.percentile(defined, at)) if len(defined) else None


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

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> "Clusters":
        """Some of the films, under the same draws."""
        return Clusters(self.code[rows], self.times)

    def mean(self, values: Reals) -> list[Estimate]:
        """Mean over films of each column of values, (q, m)."""
        sums, films = self._per_group(values), self._per_group(np.ones((len(values), 1)))
        return _estimates(values.mean(axis=0), _ratio(self.times @ sums, self.times @ films))

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
            resampled.append(_ratio(recall.sum(axis=1), (drawn > 0).sum(axis=1).astype(np.float64)))
        return _estimates(np.array(values), np.stack(resampled, axis=1))

    def statistic(self, figure: Statistic) -> Estimate:
        """Any figure of weighted films: a film counts as often as a resample drew its group."""
        value = float(figure(np.ones((1, len(self.code))))[0])
        step = max(1, HELD // max(len(self.code), 1))
        starts = range(0, len(self.times), step)
        drawn = [figure(self.times[start : start + step][:, self.code]) for start in starts]
        return Estimate(value, np.concatenate([np.empty(0), *drawn]))

    def _per_group(self, values: Reals) -> Reals:
        sums = np.zeros((self.times.shape[1], values.shape[1]))
        np.add.at(sums, self.code, values)
        return sums


def _ratio(one: Reals, other: Reals) -> Reals:
    """one / other, nan where other is 0."""
    blank = np.full(np.broadcast_shapes(one.shape, other.shape), np.nan)
    found: Reals = np.divide(one, other, out=blank, where=other > 0)
    return found


def _estimates(values: Reals, resampled: Reals) -> list[Estimate]:
    """values: (m,). resampled: (resamples, m)."""
    return [Estimate(float(value), drawn) for value, drawn in zip(values, resampled.T, strict=True)]
