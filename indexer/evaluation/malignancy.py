"""Does the vote tell malignant from benign? The score is the share of the neighbours' votes that are malignant."""

import math

import numpy as np
import numpy.typing as npt

from engine.folds import grouped_folds
from indexer.evaluation.bootstrap import Ints, Reals, Statistic
from indexer.evaluation.cohort import Column

WANTED_SENSITIVITY = 0.90
THRESHOLD_FOLDS = 5


def malignant_share(malignant: Ints, weight: Reals) -> Reals:
    """Share of the votes of known malignancy that are malignant, float64 (q,); nan where none is known.

    malignant: int64 (q, k), 1 malignant, 0 not, -1 unknown or empty. weight: (q, k), what each vote weighs.
    """
    known = np.where(malignant >= 0, weight, 0.0)
    total = known.sum(axis=1)
    found: Reals = np.divide(
        (known * (malignant == 1)).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0
    )
    return np.round(found, 12)  # so that 3 / 5 of equal votes is 0.6


def roc_area(score: Reals, positive: npt.NDArray[np.bool_]) -> Statistic:
    """Area under the ROC curve: chance that a malignant film scores above a benign one, equals counting half.

    score: float64 (q,). positive: bool (q,). nan under weights that leave one class empty.
    """
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(score[order]) != 0])
    is_positive = positive[order].astype(np.float64)

    def figure(weights: Reals) -> Reals:
        ordered = weights[:, order]
        above = np.add.reduceat(ordered * is_positive, starts, axis=1)
        below = np.add.reduceat(ordered * (1 - is_positive), starts, axis=1)
        beaten = np.cumsum(below, axis=1) - below / 2
        pairs = above.sum(axis=1) * below.sum(axis=1)
        found: Reals = np.divide((above * beaten).sum(axis=1), pairs, out=np.full(len(pairs), np.nan), where=pairs > 0)
        return found

    return figure


def threshold_for(score: Reals, positive: npt.NDArray[np.bool_], wanted: float = WANTED_SENSITIVITY) -> float | None:
    """The highest threshold at which `score >= threshold` finds at least `wanted` of the malignant films.

    None where there is no malignant film.
    """
    found = np.sort(score[positive])[::-1]
    if not len(found):
        return None
    return float(found[math.ceil(np.round(wanted * len(found), 9)) - 1])


def crossed_thresholds(
    score: Reals, positive: npt.NDArray[np.bool_], fold: Ints, wanted: float = WANTED_SENSITIVITY
) -> Reals:
    """For each film the threshold that `threshold_for` finds on all other folds, (q,); nan where they find none."""
    at = np.full(len(score), np.nan)
    for number in np.unique(fold):
        found = threshold_for(score[fold != number], positive[fold != number], wanted)
        at[fold == number] = np.nan if found is None else found
    return at


def threshold_folds(groups: Column, positive: npt.NDArray[np.bool_], seed: int) -> Ints | None:
    """Folds of films for fixing a threshold on other patients, where the queries come in one fold; None: one group."""
    n = min(THRESHOLD_FOLDS, len(set(groups)))
    return grouped_folds(groups, positive.astype(object), n, seed) if n > 1 else None
