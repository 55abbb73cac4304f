"""Is a share of votes a probability? Expected calibration error, Brier score and the reliability table."""

from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.evaluation.bootstrap import Ints, Reals, Statistic

BINS = 10


def bin_of(confidence: Reals, bins: int = BINS) -> Ints:
    """The bin 0..bins-1 of each confidence in 0..1, int64 (q,): bins are equally wide and closed above."""
    exact = np.round(confidence * bins, 9)  # 0.7 * 10 is a little more than 7
    place: Ints = np.clip(np.ceil(exact) - 1, 0, bins - 1).astype(np.int64)
    return place


def calibration_error(confidence: Reals, correct: Reals, bins: int = BINS) -> Statistic:
    """Expected calibration error: |accuracy - mean confidence| of each bin, weighted by its films.

    Of the winner's confidence (Guo, Pleiss, Sun and Weinberger 2017, On Calibration of Modern Neural Networks).
    confidence, correct: float64 (q,).
    """
    member = (bin_of(confidence, bins)[:, None] == np.arange(bins)).astype(np.float64)
    gap = member * (correct - confidence)[:, None]

    def figure(weights: Reals) -> Reals:
        found: Reals = np.abs(weights @ gap).sum(axis=1) / weights.sum(axis=1)
        return found

    return figure


def brier(shares: Reals, truth: Ints) -> Reals:
    """Brier score of each film, float64 (q,): sum over entities of (share - is it the entity)^2, 0 best and 2 worst.

    shares: (q, e), in 0..1. truth: (q,) entity codes. Source: Brier 1950, Verification of forecasts expressed in terms
    of probability.
    """
    there = shares[np.arange(len(truth)), truth]
    found: Reals = np.round((shares**2).sum(axis=1) - 2 * there + 1, 12)  # whatever the order of entities
    return found


def reliability(confidence: Reals, correct: Reals, bins: int = BINS) -> list[dict[str, Any]]:
    """Films, mean confidence and accuracy of each bin that has films, from the least confident."""
    place = bin_of(confidence, bins)
    return [
        _row(place == number, number / bins, (number + 1) / bins, confidence, correct) for number in np.unique(place)
    ]


def _row(films: npt.NDArray[np.bool_], low: float, high: float, confidence: Reals, correct: Reals) -> dict[str, Any]:
    return {
        "low": float(low),
        "high": float(high),
        "n_films": int(films.sum()),
        "confidence": float(np.clip(confidence[films].mean(), 0, 1)),
        "accuracy": float(correct[films].mean()),
    }
