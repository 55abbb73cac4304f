"""Risk against coverage: how wrong are the answers when only the most confident are given?

El-Yaniv and Wiener 2010, On the Foundations of Noise-free Selective Classification. A share of votes takes few values;
films equally confident are answered in random order, and the figures here are the expected ones.
"""

from typing import Any

import numpy as np

from indexer.evaluation.bootstrap import Reals, Statistic

COVERAGES = tuple(round(0.05 * step, 2) for step in range(1, 21))


def risk_area(confidence: Reals, correct: Reals) -> Statistic:
    """Area under the risk-coverage curve: mean risk over all coverages from 0 to 1, lower is better.

    confidence, correct: float64 (q,). With c films of weight answered and E of it wrong before a run of equals of
    weight m of which e is wrong, risk after t more is (E + t e / m) / (c + t); its integral is
    e + (E - c e / m) ln(1 + m / c).
    """
    order, starts = _runs(confidence)
    wrong = 1 - correct[order]

    def figure(weights: Reals) -> Reals:
        ordered = weights[:, order]
        films = np.add.reduceat(ordered, starts, axis=1)
        errors = np.add.reduceat(ordered * wrong, starts, axis=1)
        before, wrong_before = np.cumsum(films, axis=1) - films, np.cumsum(errors, axis=1) - errors
        rate = np.divide(errors, films, out=np.zeros_like(errors), where=films > 0)
        growth = np.divide(films, before, out=np.zeros_like(films), where=before > 0)
        area = errors + (wrong_before - before * rate) * np.log1p(growth)
        found: Reals = area.sum(axis=1) / weights.sum(axis=1)
        return found

    return figure


def curve(confidence: Reals, correct: Reals) -> list[dict[str, Any]]:
    """Coverage, films answered and their accuracy, for coverages 5 % to 100 %, and the least confidence answered."""
    order, starts = _runs(confidence)
    ends = np.r_[starts[1:], len(order)]
    right = np.r_[0.0, np.cumsum(correct[order])]
    rows = []
    for coverage in COVERAGES:
        films = max(1, round(coverage * len(order)))
        run = int(np.searchsorted(ends, films))  # the run of equals that the last film answered is of
        begin, end = starts[run], ends[run]
        expected = right[begin] + (right[end] - right[begin]) * (films - begin) / (end - begin)
        least = float(np.clip(confidence[order[films - 1]], 0, 1))
        rows.append({"coverage": coverage, "n_films": films, "accuracy": float(expected / films), "confidence": least})
    return rows


def _runs(confidence: Reals) -> tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.int64]]:
    """Films from the most confident, and where each run of equals begins."""
    rounded = np.round(confidence, 9)
    order = np.argsort(-rounded, kind="stable")
    return order, np.flatnonzero(np.r_[True, np.diff(rounded[order]) != 0])
