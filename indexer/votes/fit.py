"""Fitting shares to patients: likelihood for the weights, a conformal quantile, a malignant threshold."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from indexer.votes.calibration import OperatingPoint
from indexer.votes.shares import LEAST_SHARE, Flags, Ints, Reals, Similarities, shares

START = (0.05, 0.5, 1.1)
"""Bandwidth, smoothing and temperature before fitting: near what untrained features want."""
BOUNDS = ((1e-3, 2.0), (1e-3, 20.0), (0.1, 10.0))
STEPS = 60


@dataclass(frozen=True)
class Weights:
    """bandwidth, smoothing, temperature of `shares`."""

    bandwidth: float
    smoothing: float
    temperature: float

    def shares(self, labels: Ints, similarity: Similarities, prior: Reals) -> Reals:
        """float64 (q, e), see `shares`."""
        return shares(labels, similarity, prior, self.bandwidth, self.smoothing, self.temperature)


def fit_weights(labels: Ints, similarity: Similarities, truth: Ints, mass: Reals, prior: Reals) -> Weights:
    """The weights under which the films' entities are likeliest. mass: (q,), what each film counts.

    prior: (e,), or (q, e) where films ask different archives.
    """

    def surprise(logs: Reals) -> float:
        found = Weights(*np.exp(logs).tolist()).shares(labels, similarity, prior)
        right = found[np.arange(len(truth)), truth]
        return float(-np.average(np.log(np.maximum(right, LEAST_SHARE)), weights=mass))

    bounds = [(float(np.log(low)), float(np.log(high))) for low, high in BOUNDS]
    options = {"maxiter": STEPS}
    done = minimize(surprise, np.log(START), method="L-BFGS-B", bounds=bounds, options=options)
    return Weights(*np.exp(done.x).tolist())


def mass_of(person: Ints) -> Reals:
    """What each film counts, float64 (q,): 1 / films of its patient. person: int64 (q,), codes."""
    _, place, count = np.unique(person, return_inverse=True, return_counts=True)
    return np.asarray(1 / count[place], np.float64)


def halves(group: Ints) -> Flags:
    """bool (q,): a random half of the groups, the same for the same films in the same order."""
    groups, place = np.unique(group, return_inverse=True)
    picked = np.zeros(len(groups), dtype=bool)
    picked[np.random.default_rng(0).permutation(len(groups))[: len(groups) // 2]] = True
    return picked[place]


def conformal_quantile(scores: Reals, mass: Reals, coverage: float) -> float:
    """The score that a new patient's film stays under with probability `coverage`, at least.

    scores: (q,), nonconformity, 1 - share of the right entity. mass: (q,), the films of a patient sum to 1: one
    patient is one calibration point, however many films. With one film each this is the usual
    ceil((n + 1) coverage) / n quantile; a new patient's own place counts as 1 of n + 1 and lies at infinity, so 1
    comes back where n is too small. Split conformal over patients with several films each: Lee, Barber and Willett
    2023, Distribution-free inference with hierarchical data.
    """
    order = np.argsort(scores)
    reached = np.cumsum(mass[order])
    # sums of thirds miss whole numbers by rounding
    place = int(np.searchsorted(reached, (reached[-1] + 1) * coverage - 1e-9))
    return float(scores[order[place]]) if place < len(order) else 1.0


def operating_point(score: Reals, positive: Flags, mass: Reals, wanted: float) -> OperatingPoint:
    """The highest threshold under which at most 1 - wanted of the malignant lie, a new patient counted in.

    score: (q,) malignant shares. positive: (q,), malignant or not. mass: (q,), a patient's films sum to 1.
    """
    order = np.argsort(score[positive])
    lost = np.cumsum(mass[positive][order])
    place = int(np.searchsorted(lost, (lost[-1] + 1) * (1 - wanted) + 1e-9))
    threshold = float(score[positive][order[min(place, len(order) - 1)]])
    called = score >= threshold
    return OperatingPoint(
        threshold,
        wanted,
        float(np.average(called[positive], weights=mass[positive])),
        float(np.average(~called[~positive], weights=mass[~positive])),
        round(float(mass[positive].sum())),
        round(float(mass[~positive].sum())),
    )
