"""Do models differ by more than chance? The tests of R1 (Hinterwimmer 2024): Shapiro-Wilk, ANOVA, Tukey's HSD."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from engine.errors import QueryError

LEAST = 3
"""Values that Shapiro and Wilk's test needs of each model."""
CAUTION = (
    "shuffled splits share films, so their figures are not independent and these p values are too small; "
    "the papers test so too"
)


@dataclass(frozen=True)
class Pair:
    """Two models: mean of the first less that of the second, its 95 % interval, and Tukey's p."""

    one: str
    other: str
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Significance:
    """normal: p of Shapiro-Wilk by model, None where all its values are equal. anova: p that all means are one, None
    where no model varies. pairs: of Tukey's HSD, empty where `anova` is None.
    """

    normal: dict[str, float | None]
    anova: float | None
    pairs: tuple[Pair, ...]


def significance(values: Mapping[str, Sequence[float]]) -> Significance:
    """Tests of one measure; values: by model, one number a split, the same splits for all.

    Raises QueryError for fewer than two models, or fewer than three values of one.
    """
    groups = {name: np.asarray(each, np.float64) for name, each in values.items()}
    if len(groups) < 2 or min(map(len, groups.values()), default=0) < LEAST:
        sizes = ", ".join(f"{name}: {len(each)}" for name, each in groups.items())
        raise QueryError(f"models with values ({sizes}) cannot be tested; give two models or more, {LEAST} values each")
    normal = {name: _normal(each) for name, each in groups.items()}
    if all(p is None for p in normal.values()):
        return Significance(normal, None, ())
    found = stats.f_oneway(*groups.values())
    return Significance(normal, float(found.pvalue), _tukey(groups))


def _normal(values: np.typing.NDArray[np.float64]) -> float | None:
    if np.ptp(values) == 0:
        return None
    return float(stats.shapiro(values).pvalue)


def _tukey(groups: Mapping[str, np.typing.NDArray[np.float64]]) -> tuple[Pair, ...]:
    found = stats.tukey_hsd(*groups.values())
    interval = found.confidence_interval(0.95)
    names = list(groups)
    return tuple(
        Pair(
            names[i], names[j], float(found.statistic[i, j]), float(interval.low[i, j]), float(interval.high[i, j]),
            float(found.pvalue[i, j]),
        )
        for i, j in combinations(range(len(names)), 2)
    )  # fmt: skip
