"""Calibrating a vote by leaving one patient out, over patients that the encoder never saw."""

from dataclasses import dataclass

import numpy as np

from indexer.evaluation.cohort import Cohort, Column, numbered
from indexer.evaluation.voting import NOBODY
from indexer.votes.calibration import COVERAGE, LEAST_PATIENTS, Calibration, Conformal, K, OperatingPoint, Unlike
from indexer.votes.fit import Weights, conformal_quantile, fit_weights, halves, mass_of, operating_point
from indexer.votes.neighbours import Neighbours, kinds_of, neighbours, strangers, voters_of
from indexer.votes.shares import Flags, Ints, Reals, Similarities, malignant_shares

LEAST_OF_A_KIND = 20
"""Malignant patients, and others, for an operating point."""
SENSITIVITY = 0.9
UNLIKE_QUANTILE = 0.01
LEAST_SHARED = 0.9
"""Share of the films that taught the encoder whose entity the patients asked must have."""
MOST_FILMS = 2000
"""Films asked; more cost time and move no figure."""


def calibrate(
    cohort: Cohort, trained_on: frozenset[str], *, encoder: str = "", origin: str = "archive"
) -> Calibration | None:
    """What the patients of a cohort tell of its votes; None where fewer than LEAST_PATIENTS may be asked.

    cohort: an archive's films; `extra` may have "sha256", "malignancy" and "near_group". trained_on: content hashes
    of films that the encoder was made from; their patients stay in the gallery and are not asked, and None comes back
    where those who may be asked have other entities than these. Each film asks all
    others without its own patient, split group and near-duplicates. Where enough patients have lesion crops, only
    those films are asked: films without a lesion are easy, and would promise too much for those with one.

    Cross-fit over two halves of the split groups: weights are fitted on one half and scored on the other, both ways,
    and the conformal quantile and the malignant threshold are taken over all scores; the weights that are kept are
    fitted on all. A film counts 1 / (films of its patient).
    """
    labels, entities = labels_of(cohort.entity)
    fresh = _fresh(cohort, trained_on)
    rows, regions = _asked(cohort, labels, fresh)
    if not _alike(labels, fresh, rows):
        return None
    trial = _trial(cohort, labels, rows, len(entities))
    if trial.patients < LEAST_PATIENTS:
        return None
    half = halves(strangers(cohort)[trial.rows])
    fits = [(_fit(trial, chosen), ~chosen) for chosen in (half, ~half)]
    final = _fit(trial, np.ones(len(trial.rows), dtype=bool))
    return Calibration(
        K,
        final.bandwidth,
        final.smoothing,
        final.temperature,
        _conformal(trial, fits),
        _malignancy(trial, fits),
        Unlike(_low(trial.found.similarity[:, 0], trial.mass, UNLIKE_QUANTILE), UNLIKE_QUANTILE),
        tuple(sorted({entities[code] for code in trial.truth.tolist()})),
        trial.patients,
        len(trial.rows),
        regions,
        origin,
        encoder,
    )


@dataclass(frozen=True, eq=False)
class _Trial:
    """The films asked: rows of the cohort, their neighbours, entity and kind codes, mass; and the archive's priors."""

    rows: Ints
    found: Neighbours
    truth: Ints
    kind: Ints
    mass: Reals
    prior: Reals
    malignant_prior: float

    @property
    def patients(self) -> int:
        return round(float(self.mass.sum()))


Fits = list[tuple[Weights, Flags]]
"""Weights, and which films they are scored on: those that they were not fitted on."""


def _trial(cohort: Cohort, labels: Ints, rows: Ints, n_entities: int) -> _Trial:
    person, kind = voters_of(cohort), kinds_of(cohort)
    found = neighbours(cohort, rows, labels, K) if len(rows) else _nobody()
    some = found.label[:, 0] != NOBODY
    rows, found = rows[some], Neighbours(found.label[some], found.malignant[some], found.similarity[some])
    prior, malignant = prior_of(person, labels, n_entities), malignant_prior(person, kind)
    return _Trial(rows, found, labels[rows], kind[rows], mass_of(person[rows]), prior, malignant)


def _nobody() -> Neighbours:
    empty = np.empty((0, K), np.int64)
    return Neighbours(empty, empty, np.empty((0, K), np.float32))


def prior_of(person: Ints, labels: Ints, n_entities: int) -> Reals:
    """float64 (e,): the share of patients with each entity; a patient with several counts once for each."""
    known = labels != NOBODY
    pairs = np.sort(person[known] * n_entities + labels[known])
    once = pairs[np.diff(pairs, prepend=-1) > 0]
    counts = np.bincount(once % max(n_entities, 1), minlength=n_entities).astype(np.float64)
    found: Reals = counts / max(counts.sum(), 1)
    return found


def malignant_prior(person: Ints, kinds: Ints) -> float:
    """The share of malignant patients among those of whom it is known; 0 without any."""
    return float(prior_of(person, kinds, 2)[1])


def labels_of(entity: Column) -> tuple[Ints, list[str]]:
    """Entity codes of films, int64 (n,), NOBODY where unknown (None or ""); and the entities."""
    known = np.array([bool(value) for value in entity], dtype=bool)
    labels = np.full(len(entity), NOBODY)
    if not known.any():
        return labels, []
    entities, codes = numbered(entity[known])
    labels[known] = codes
    return labels, entities


def _fresh(cohort: Cohort, trained_on: frozenset[str]) -> Flags:
    """bool (n,): the encoder learnt from no film of the patient."""
    digests = cohort.extra.get("sha256")
    if digests is None or not trained_on:
        return np.ones(len(cohort), dtype=bool)
    person = strangers(cohort)
    seen = np.array([digest in trained_on for digest in digests], dtype=bool)
    return ~np.isin(person, person[seen])


def _alike(labels: Ints, fresh: Flags, rows: Ints) -> bool:
    """Whether the films asked have the entities of those that taught the encoder, which nobody can ask any more.

    An encoder of tumours has seen no film without one; those alone would promise that every vote is right.
    """
    taught = labels[~fresh & (labels != NOBODY)]
    return not len(taught) or float(np.isin(taught, labels[rows]).mean()) >= LEAST_SHARED


def _asked(cohort: Cohort, labels: Ints, fresh: Flags) -> tuple[Ints, str]:
    """Rows of the films to ask, a sample where there are many, and what they show."""
    fit, crops = fresh & (labels != NOBODY), cohort.region != "whole"
    cropped = len(np.unique(cohort.patient[fit & crops].astype(str))) >= LEAST_PATIENTS
    rows = np.flatnonzero(fit & crops if cropped else fit)
    if len(rows) > MOST_FILMS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_FILMS, replace=False))
    return rows, "lesion crops" if cropped else "films"


def _fit(trial: _Trial, chosen: Flags) -> Weights:
    found = trial.found
    part = found.label[chosen], found.similarity[chosen], trial.truth[chosen], trial.mass[chosen]
    return fit_weights(*part, trial.prior)


def _conformal(trial: _Trial, fits: Fits) -> Conformal:
    miss = np.zeros(len(trial.rows))
    for fit, scored in fits:
        share = fit.shares(trial.found.label[scored], trial.found.similarity[scored], trial.prior)
        miss[scored] = 1 - share[np.arange(len(share)), trial.truth[scored]]
    quantile = conformal_quantile(miss, trial.mass, COVERAGE)
    return Conformal(COVERAGE, min(1.0, max(0.0, quantile)), trial.patients)


def _malignancy(trial: _Trial, fits: Fits) -> OperatingPoint | None:
    """None where fewer than LEAST_OF_A_KIND patients are malignant, or are known not to be."""
    kind, mass = trial.kind, trial.mass
    if min(mass[kind == 1].sum(), mass[kind == 0].sum()) < LEAST_OF_A_KIND:
        return None
    score = np.zeros(len(kind))
    for fit, scored in fits:
        part = trial.found.malignant[scored], trial.found.similarity[scored]
        score[scored] = malignant_shares(*part, trial.malignant_prior, fit.bandwidth, fit.smoothing)
    known = kind != NOBODY
    return operating_point(score[known], kind[known] == 1, mass[known], SENSITIVITY)


def _low(values: Similarities, mass: Reals, quantile: float) -> float:
    """The weighted low quantile."""
    order = np.argsort(values)
    reached = np.cumsum(mass[order])
    return float(values[order[int(np.searchsorted(reached, quantile * reached[-1]))]])
