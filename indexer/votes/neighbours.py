"""Each film's nearest patients in its own archive, without its patient, split group and near-duplicates."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from indexer.evaluation.cohort import Cohort, Column, numbered
from indexer.evaluation.ranking import Asked, Gallery, archive_order, ranked
from indexer.evaluation.similarities import by_vectors
from indexer.evaluation.voting import NOBODY
from indexer.votes.shares import Ints, Similarities

MALIGNANT = "malignant"


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest voters of q films. label: int64 (q, k) entity codes; malignant: int64 (q, k) 1, 0 or NOBODY.

    similarity: float32 (q, k), 0 in empty places. All are nearest first.
    """

    label: Ints
    malignant: Ints
    similarity: Similarities


def voters(people: Ints, near: Column | None) -> Ints:
    """int64 (n,): one code for films whose patients may cast one vote only.

    people: int64 (n,), a code a patient. Patients who share a film but for retouching (`near`, (n,), the same number;
    None or nan = none) are taken as one.
    """
    if near is None:
        return people
    numbers = np.array([np.nan if value is None else value for value in near], dtype=np.float64)
    held = ~np.isnan(numbers)
    if not held.any():
        return people
    return _joined(people, _own_codes(numbers, held))


def voters_of(cohort: Cohort) -> Ints:
    """`voters` of a cohort's films, int64 (n,)."""
    return voters(numbered(cohort.patient)[1], cohort.extra.get("near_group"))


def strangers(cohort: Cohort) -> Ints:
    """int64 (n,): films of one code are of one patient, split group or chain of near-duplicates."""
    return _joined(voters_of(cohort), numbered(cohort.group)[1])


def kinds_of(cohort: Cohort) -> Ints:
    """`kinds` of a cohort's films, int64 (n,)."""
    column = cohort.extra.get("malignancy")
    return np.full(len(cohort), NOBODY) if column is None else kinds(column)


def kinds(malignancy: Column) -> Ints:
    """int64 (n,): 1 malignant, 0 any other that is known, NOBODY unknown (None or "")."""
    known = np.array([bool(value) for value in malignancy], dtype=bool)
    return np.where(known, (malignancy == MALIGNANT).astype(np.int64), NOBODY)


def neighbours(cohort: Cohort, asked: Ints, labels: Ints, k: int) -> Neighbours:
    """The k nearest voters of the films in rows `asked`, of those films that have a label.

    labels: int64 (n,), NOBODY where a film has no entity; such films neither vote nor are in the way.
    """
    there = np.flatnonzero(labels != NOBODY)
    voter = voters_of(cohort)
    there = there[np.argsort(voter[there], kind="stable")]
    group = strangers(cohort)
    gallery = Gallery(voter[there], group[there], labels[there])
    query = Asked(voter[asked], group[asked])
    similarity = by_vectors(cohort.take(asked), cohort.take(there))
    kind = kinds_of(cohort)[there]
    label, malignant = (np.full((len(asked), k), NOBODY) for _ in range(2))
    near = np.zeros((len(asked), k), np.float32)
    places = np.argsort(np.argsort(there))
    for _, found in ranked(gallery, query, similarity, [archive_order(places, len(asked))]):
        width = min(k, found.label.shape[1])
        film = found.film[:, :width]
        label[found.rows, :width] = found.label[:, :width]
        malignant[found.rows, :width] = np.where(film < 0, NOBODY, kind[film])
        near[found.rows, :width] = np.clip(found.similarity[:, :width], -1, 1)
    return Neighbours(label, malignant, near)


def _own_codes(numbers: npt.NDArray[np.float64], held: npt.NDArray[np.bool_]) -> Ints:
    """The numbers that are held, and one of its own for every other row."""
    found = np.arange(len(numbers)) + len(numbers)
    found[held] = np.unique(numbers[held], return_inverse=True)[1]
    return found


def _joined(one: Ints, other: Ints) -> Ints:
    """Codes of rows linked by either code, (n,), numbered in the order of their first rows."""
    first, second = (np.unique(codes, return_inverse=True)[1] for codes in (one, other))
    size = int(first.max(initial=-1)) + 1
    total = size + int(second.max(initial=-1)) + 1
    links = coo_array((np.ones(len(first), bool), (first, second + size)), shape=(total, total))
    component = connected_components(links, directed=False)[1][first]
    return numbered(component.astype(object))[1]
