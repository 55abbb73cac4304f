"""What one film's ranked patients are worth, film by film."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.evaluation.ranking import Asked, Floats, Gallery, Ints, Similarity, Ties, ranked
from indexer.evaluation.voting import NOBODY, vote

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Figures of q query films at each of K numbers of neighbours, averaged over tie orders.

    precision, hit, correct: float64 (q, K): share of the nearest patients with the query's entity (of those there
    are, if fewer than k), whether any has it, whether the vote names it. average_precision: (q,), over the whole list;
    0 where no patient of the archive has the entity. patients: (q,) how many could be ranked.
    By the first order: predicted: (q, K) entity codes of the vote; of the nearest patients, (q, most): film: gallery
    rows, -1 if empty; label: entity codes, NOBODY if empty; similarity: float32, 0 if empty.
    """

    precision: Reals
    hit: Reals
    correct: Reals
    average_precision: Reals
    patients: Ints
    predicted: Ints
    film: Ints
    label: Ints
    similarity: Floats


def score(
    gallery: Gallery,
    asked: Asked,
    truth: Ints,
    similarity: Similarity,
    ties: list[Ties],
    ks: tuple[int, ...],
    most: int = 0,
) -> Scores:
    """Rank, vote, and only then compare with truth, the (q,) entity codes of the queries.

    most: nearest patients to keep, at least the largest k.
    """
    q, most = len(asked), max(most, *ks)
    precision, hit, correct = (np.zeros((q, len(ks))) for _ in range(3))
    average_precision = np.zeros(q)
    patients = np.zeros(q, dtype=np.int64)
    predicted = np.full((q, len(ks)), NOBODY)
    film, label, similar = np.full((q, most), -1), np.full((q, most), NOBODY), np.zeros((q, most), dtype=np.float32)
    for number, found in ranked(gallery, asked, similarity, ties):
        rows, wanted = found.rows, truth[found.rows]
        there = (found.label != NOBODY).sum(axis=1)
        right = found.label == wanted[:, None]
        average_precision[rows] += _average_precision(right)
        for column, k in enumerate(ks):
            winners = vote(found.label[:, :k], found.similarity[:, :k])
            precision[rows, column] += right[:, :k].sum(axis=1) / np.maximum(np.minimum(there, k), 1)
            hit[rows, column] += right[:, :k].any(axis=1)
            correct[rows, column] += winners == wanted
            if number == 0:
                predicted[rows, column] = winners
        if number == 0:
            patients[rows] = there
            for held, given in ((film, found.film), (label, found.label), (similar, found.similarity)):
                held[rows, : given.shape[1]] = given[:, :most]
    for total in (precision, hit, correct, average_precision):
        total /= len(ties)
    return Scores(precision, hit, correct, average_precision, patients, predicted, film, label, similar)


def _average_precision(right: npt.NDArray[np.bool_]) -> Reals:
    """Mean, over the right patients of each row, of precision at their rank; (q, p) -> (q,)."""
    precision = np.cumsum(right, axis=1) / np.arange(1, right.shape[1] + 1)
    mean: Reals = (precision * right).sum(axis=1) / np.maximum(right.sum(axis=1), 1)
    return mean
