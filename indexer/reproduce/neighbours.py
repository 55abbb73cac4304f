"""Who votes, and how neighbours are found: the ways of R1's table, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from indexer.evaluation.cohort import Cohort
from indexer.evaluation.ranking import Asked, Gallery, Similarity, Ties, archive_order, random_order
from indexer.evaluation.scores import Scores, score
from indexer.evaluation.similarities import by_metadata, by_vectors
from indexer.evaluation.trial import TIE_DRAWS, Trial, make_trial
from indexer.indexes.signatures import BITS, hamming, signatures
from indexer.reproduce.scores import Names, answers

MEASURES = ("precision", "hit", "accuracy", "macro_precision", "macro_recall")
"""precision-at-k; hit-at-k, any neighbour right; then of the majority vote: accuracy, macro precision, macro recall."""

Figures = dict[str, tuple[float, ...]]
"""Measure -> its value at each k."""


class Votes(StrEnum):
    """Who votes: each near film, as in the paper, or each patient once, by their nearest film."""

    films = "film votes"
    patients = "patient votes"


class Search(StrEnum):
    """How the near ones are found: all of them by cosine, or by Hamming distance of hashed signatures."""

    exact = "exact"
    hash = "hash"


@dataclass(frozen=True, eq=False)
class Found:
    """figures: as `MEASURES`. film: int64 (q, most), ids of the nearest, -1 if empty. voted: object (q, K)."""

    figures: Figures
    film: npt.NDArray[np.int64]
    voted: Names


def neighbours(
    archive: Cohort, queries: Cohort, ks: Sequence[int], votes: Votes, search: Search, bits: int = BITS
) -> Found:
    """What the queries find in the archive by their vectors; equals go by archive row.

    Raises QueryError where no film has an entity, ModelMismatch where vectors differ in dimension.
    """
    trial = make_trial(archive, queries)
    exact = search is Search.exact
    close = by_vectors(trial.queries, trial.archive) if exact else by_hash(trial.queries, trial.archive, bits)
    ties = archive_order(trial.archive_row, len(trial.queries))
    scores = _score(trial, close, ties, tuple(ks), votes)
    film = np.where(scores.film < 0, -1, trial.archive.film[scores.film])
    return Found(_figures(trial, scores), film, _names(trial)[scores.predicted])


def neighbours_by_metadata(archive: Cohort, queries: Cohort, ks: Sequence[int], votes: Votes, seed: int) -> Figures:
    """The figures of neighbours by age, sex and site alone; equals go by chance, the mean of several draws."""
    trial = make_trial(archive, queries)
    close = by_metadata(trial.queries, trial.archive)
    rng = np.random.default_rng(seed)
    gallery = _gallery(trial, votes)
    ties = [random_order(gallery, len(trial.queries), rng) for _ in range(TIE_DRAWS)]
    drawn = [_figures(trial, _score(trial, close, one, tuple(ks), votes)) for one in ties]
    return {
        name: tuple(float(value) for value in np.mean([figures[name] for figures in drawn], axis=0))
        for name in MEASURES
    }


def by_hash(queries: Cohort, archive: Cohort, bits: int = BITS) -> Similarity:
    """1 less twice the share of bits in which signatures differ: 1 for equal ones, -1 for opposite ones."""
    asked, table = signatures(queries.vectors, bits), signatures(archive.vectors, bits)
    return lambda rows: (1 - 2 * hamming(asked[rows], table) / bits).astype(np.float32)


def _gallery(trial: Trial, votes: Votes) -> Gallery:
    """For film votes each film stands for itself, as if it were a patient."""
    if votes is Votes.patients:
        return trial.gallery
    return Gallery(np.arange(len(trial.gallery)), trial.gallery.group, trial.gallery.label)


def _score(trial: Trial, close: Similarity, ties: Ties, ks: tuple[int, ...], votes: Votes) -> Scores:
    asked = trial.asked
    if votes is Votes.films:
        asked = Asked(np.full(len(asked), -1), asked.group)  # whose films are left out by their split group
    return score(_gallery(trial, votes), asked, trial.truth, close, [ties], ks)


def _figures(trial: Trial, scores: Scores) -> Figures:
    names = _names(trial)
    truth, voted = names[trial.truth], names[scores.predicted]
    scored = [answers(truth, voted[:, column]) for column in range(voted.shape[1])]
    return {
        "precision": tuple(float(value) for value in scores.precision.mean(axis=0)),
        "hit": tuple(float(value) for value in scores.hit.mean(axis=0)),
        "accuracy": tuple(one.accuracy for one in scored),
        "macro_precision": tuple(one.macro_precision for one in scored),
        "macro_recall": tuple(one.macro_recall for one in scored),
    }


def _names(trial: Trial) -> Names:
    """Entities by code; the last, None, is what the code -1 of an empty place picks."""
    return np.array([*trial.entities, None], dtype=object)
