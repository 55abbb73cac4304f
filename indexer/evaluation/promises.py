"""What calibrated votes promise, kept by patients that calibrated nothing: shares, and sets of stated coverage.

A calibration that came with the archive is applied as it is. Without one the films calibrate each other by folds: those
of a fold are told by weights and a quantile that were fitted on the films of the others, each of which was asked
under an encoder that had not seen it (cross-conformal prediction; Vovk 2015, Cross-conformal predictors).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.folds import grouped_folds
from indexer.evaluation.bootstrap import Clusters, Ints, Reals
from indexer.evaluation.cohort import numbered
from indexer.evaluation.pooled import Pooled
from indexer.evaluation.trees import Tree
from indexer.votes.calibration import COVERAGE, LEAST_PATIENTS, Calibration
from indexer.votes.fit import Weights, conformal_quantile, fit_weights, halves, mass_of

FOLDS = 5
ON_FOLDS, ON_ARCHIVE = "films of other split groups", "the archive's calibration"


@dataclass(frozen=True, eq=False)
class Promise:
    """What was promised of each film before its entity was looked at.

    share: float64 (q, e), calibrated. held: bool (q, e), the prediction set.
    wanted: its stated coverage. made_on: what it was calibrated on.
    """

    share: Reals
    held: npt.NDArray[np.bool_]
    wanted: float
    made_on: str

    def take(self, rows: Ints) -> "Promise":
        """That of some of the films."""
        return Promise(self.share[rows], self.held[rows], self.wanted, self.made_on)


def promises(films: Pooled, calibration: Calibration | None, seed: int) -> Promise | None:
    """The promise of every film; None where too few patients of other folds are there to make one.

    calibration: None = by folds; films of one fold are parted at random, split groups whole.
    """
    if calibration is not None:
        if calibration.conformal is None:
            return None
        weights = Weights(calibration.bandwidth, calibration.smoothing, calibration.temperature)
        share = _shares(films, np.arange(len(films)), weights, calibration.k)
        conformal = calibration.conformal
        return Promise(share, _held(share, conformal.quantile), conformal.coverage, ON_ARCHIVE)
    if len(set(films.queries.group)) < FOLDS:
        return None
    fold = films.fold if len(np.unique(films.fold)) > 1 else _parted(films, seed)
    share, held = np.full((len(films), len(films.entities)), np.nan), np.zeros((len(films), len(films.entities)), bool)
    for number in np.unique(fold):
        rows, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if len(set(films.queries.patient[others])) < LEAST_PATIENTS:
            return None
        weights, quantile = _learnt(films, others)
        share[rows] = _shares(films, rows, weights)
        held[rows] = _held(share[rows], quantile)
    return Promise(share, held, COVERAGE, ON_FOLDS)


def kept(promise: Promise, films: Pooled, clusters: Clusters) -> Tree:
    """Coverage over films and over patients (one patient counts once), mean size, and the share of sets of one."""
    inside = promise.held[np.arange(len(films)), films.truth].astype(np.float64)
    size = promise.held.sum(axis=1).astype(np.float64)
    mass = mass_of(numbered(films.queries.patient)[1])
    coverage, mean_size, single = clusters.mean(np.stack([inside, size, size == 1], axis=1))

    def by_patient(times: Reals) -> Reals:
        counted = times * mass
        found: Reals = counted @ inside / counted.sum(axis=1)
        return found

    return {
        "wanted": promise.wanted,
        "calibrated_on": promise.made_on,
        "coverage": coverage,
        "coverage_of_patients": clusters.statistic(by_patient),
        "size": mean_size,
        "single": single,
    }


def _learnt(films: Pooled, rows: Ints) -> tuple[Weights, float]:
    """Weights fitted on all rows, and the quantile of what each half of them misses under weights of the other."""
    part = halves(numbered(films.queries.group[rows])[1])
    mass = mass_of(numbered(films.queries.patient[rows])[1])
    missed = np.zeros(len(rows))
    for taught in (part, ~part):
        weights = _fit(films, rows[taught], mass[taught])
        share = _shares(films, rows[~taught], weights)
        missed[~taught] = 1 - share[np.arange(len(share)), films.truth[rows[~taught]]]
    return _fit(films, rows, mass), min(1.0, max(0.0, conformal_quantile(missed, mass, COVERAGE)))


def _fit(films: Pooled, rows: Ints, mass: Reals) -> Weights:
    return fit_weights(films.label[rows], films.similarity[rows], films.truth[rows], mass, films.prior[rows])


def _shares(films: Pooled, rows: Ints, weights: Weights, k: int | None = None) -> Reals:
    return weights.shares(films.label[rows, :k], films.similarity[rows, :k], films.prior[rows])


def _held(share: Reals, quantile: float) -> npt.NDArray[np.bool_]:
    """Every entity whose share is at least 1 - quantile; the likeliest where none has."""
    found = 1 - share <= quantile
    likeliest = np.arange(share.shape[1]) == share.argmax(axis=1)[:, None]
    held: npt.NDArray[np.bool_] = np.where(found.any(axis=1, keepdims=True), found, likeliest)
    return held


def _parted(films: Pooled, seed: int) -> Ints:
    """Folds of the films of one archive, entities in equal shares."""
    return grouped_folds(films.queries.group, films.queries.entity, FOLDS, seed)
