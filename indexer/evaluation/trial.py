"""One archive asked by one set of queries: everything that is known film by film, before any figure."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import ModelMismatch, QueryError
from indexer.evaluation.cohort import Cohort, Column, numbered
from indexer.evaluation.ranking import Asked, Gallery, Ints, Similarity, Ties, archive_order, random_order
from indexer.evaluation.scores import Scores, score
from indexer.evaluation.settings import Settings
from indexer.evaluation.similarities import by_metadata, by_shortcut, by_vectors, has_shortcut
from indexer.evaluation.voting import NOBODY

MODEL = "model"
MALIGNANCY = "malignancy"
MALIGNANT, BENIGN = "malignant", "benign"
UNKNOWN = -1
"""Malignancy of a film, or of an empty place, of which none is known; 1 is malignant and 0 anything else that is known
(benign, intermediate, no tumour)."""
TIE_DRAWS = 5  # random tie orders that the baselines are averaged over
_METADATA, _SHORTCUT = 1, 2  # streams of random numbers, so that none depends on another's use


@dataclass(frozen=True, eq=False)
class Trial:
    """Queries and archive, labelled and coded alike, each archive patient's films side by side."""

    queries: Cohort
    archive: Cohort
    gallery: Gallery
    asked: Asked
    truth: Ints
    entities: list[str]
    archive_row: Ints


@dataclass(frozen=True, eq=False)
class Answered:
    """A trial's results with names in place of its own codes.

    found: "model" and the baselines. predicted: object (q, K). Of the nearest patients, (q, most): film ids (-1 if
    empty), entity (object, None if empty), malignant (int64: 1, 0, UNKNOWN). majority: the archive's commonest entity.
    prior: the archive's share of patients of each entity.
    """

    trial: Trial
    found: dict[str, Scores]
    predicted: Column
    neighbour: Ints
    neighbour_entity: Column
    neighbour_malignant: Ints
    majority: str
    prior: dict[str, float]


def ask(trial: Trial, settings: Settings, *, shortcut: bool, stream: int = 0) -> Answered:
    """Rank and score by vectors and by the baselines. stream: the number of the fold, for ties drawn by chance."""
    found = trial_scores(trial, settings)
    names = np.array([*trial.entities, None], dtype=object)  # NOBODY = -1 picks None
    empty = found.film < 0
    malignant = malignancy(trial.archive)[np.maximum(found.film, 0)]
    return Answered(
        trial,
        {MODEL: found, **_baselines(trial, settings, shortcut, stream)},
        names[found.predicted],
        np.where(empty, NOBODY, trial.archive.film[found.film]),
        names[found.label],
        np.where(empty, UNKNOWN, malignant),
        most_common(trial.archive),
        _prior(trial),
    )


def trial_scores(trial: Trial, settings: Settings) -> Scores:
    """Scores by vectors alone, ties by archive row."""
    ties = [archive_order(trial.archive_row, len(trial.queries))]
    similarity = by_vectors(trial.queries, trial.archive)
    return score(trial.gallery, trial.asked, trial.truth, similarity, ties, settings.ks, most=settings.most)


def _prior(trial: Trial) -> dict[str, float]:
    pairs = np.unique(np.stack([trial.gallery.patient, trial.gallery.label]), axis=1)
    counts = np.bincount(pairs[1], minlength=len(trial.entities)) / pairs.shape[1]
    return dict(zip(trial.entities, counts.tolist(), strict=True))


def make_trial(archive: Cohort, queries: Cohort) -> Trial:
    """Films with an entity, coded alike.

    Raises QueryError where no film of either has one, ModelMismatch where vectors differ in dimension.
    """
    if archive.vectors.shape[1] != queries.vectors.shape[1]:
        raise ModelMismatch(
            f"Queries have {queries.vectors.shape[1]} numbers per film and the archive {archive.vectors.shape[1]}; "
            "embed both with one model."
        )
    archive, queries = _labelled(archive, "archive"), _labelled(queries, "queries")
    patient, asked_patient, _ = _codes(archive.patient, queries.patient)
    order = np.argsort(patient, kind="stable")
    archive = archive.take(order)
    group, asked_group, _ = _codes(archive.group, queries.group)
    label, truth, entities = _codes(archive.entity, queries.entity)
    gallery = Gallery(patient[order], group, label)
    return Trial(queries, archive, gallery, Asked(asked_patient, asked_group), truth, entities, order)


def most_common(archive: Cohort) -> str:
    """The entity that most patients of the archive have; the first by name among equals."""
    counts = Counter(entity for _, entity in set(zip(archive.patient, archive.entity, strict=True)))
    return str(min(counts, key=lambda entity: (-counts[entity], entity)))


def malignancy(cohort: Cohort) -> Ints:
    """int64 (n,): 1 malignant, 0 known to be something else, UNKNOWN; all UNKNOWN without such a column."""
    return np.array(
        [UNKNOWN if not value else int(value == MALIGNANT) for value in _malignancies(cohort)], dtype=np.int64
    )


def malignant_or_benign(cohort: Cohort) -> Ints:
    """int64 (n,): 1 malignant, 0 benign, UNKNOWN for all else, such as intermediate or no tumour."""
    codes = {MALIGNANT: 1, BENIGN: 0}
    return np.array([codes.get(value, UNKNOWN) for value in _malignancies(cohort)], dtype=np.int64)


def _malignancies(cohort: Cohort) -> Column:
    return cohort.extra.get(MALIGNANCY, np.full(len(cohort), None, dtype=object))


def has_entity(cohort: Cohort) -> npt.NDArray[np.bool_]:
    """bool (n,)"""
    return np.array([entity is not None for entity in cohort.entity], dtype=bool)


def differs(trial: Trial) -> bool:
    """Does what is known of films differ, so that it could give entities away?"""
    return has_shortcut(trial.queries, trial.archive)


def _labelled(cohort: Cohort, name: str) -> Cohort:
    kept = cohort.take(has_entity(cohort))
    if not len(kept):
        raise QueryError(
            f"None of the {len(cohort)} films of the {name} has an entity; evaluate films with known diagnoses."
        )
    return kept


def _codes(one: Column, other: Column) -> tuple[Ints, Ints, list[str]]:
    names, codes = numbered(np.concatenate([one, other]))
    return codes[: len(one)], codes[len(one) :], names


def _baselines(trial: Trial, settings: Settings, shortcut: bool, stream: int) -> dict[str, Scores]:
    kinds = [("metadata", by_metadata, _METADATA)]
    if shortcut:
        kinds.append(("shortcut", by_shortcut, _SHORTCUT))
    found = {}
    for name, kind, number in kinds:
        rng = np.random.default_rng([settings.seed, number, stream])
        ties = [random_order(trial.gallery, len(trial.queries), rng) for _ in range(TIE_DRAWS)]
        found[name] = _scores(trial, kind(trial.queries, trial.archive), ties, settings.ks)
    return found


def _scores(trial: Trial, similarity: Similarity, ties: list[Ties], ks: tuple[int, ...]) -> Scores:
    return score(trial.gallery, trial.asked, trial.truth, similarity, ties, ks)
