"""From nearest vectors to nearest patients: for many queries at once, without a walk in Python over what is met."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors
from indexer.allowed import Allowed
from indexer.archive import Snapshot
from indexer.indexes import IdSet
from indexer.votes.verdict import Hit

SPARE = 2
"""Films asked for, beyond as many as so many patients have; doubled until enough patients are found."""
Ints = npt.NDArray[np.int64]
Near = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Met:
    """Films met by m queries: int64 (h,) query, ascending, and row, float32 (h,) near, best first, equals by row."""

    query: Ints
    row: Ints
    near: Near


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of each of m queries the k nearest patients, nearest first, by their best films.

    rows: int64 (m, k), -1 where no more may answer; near: float32 (m, k), -inf there. among: m, the films that each
    query's patients were found among.
    """

    rows: Ints
    near: Near
    among: list[Met]


def meet(snapshot: Snapshot, queries: Vectors, reach: int, allowed: Allowed) -> Met:
    """The allowed films that share the `reach` nearest vectors of each query, float32 (m, d)."""
    ids, similarity = snapshot.index.search(queries, reach + allowed.spare, allowed.ids)
    query, ids, similarity = np.repeat(np.arange(len(ids)), ids.shape[1]), ids.ravel(), similarity.ravel()
    held = ids >= 0  # films that share a vector make `reach` larger than the index
    if not held.all():
        query, ids, similarity = query[held], ids[held], similarity[held]
    near = np.minimum(np.maximum(similarity, -1), 1)
    which, row = snapshot.films_of_vector.rows(ids)
    if not snapshot.films_of_vector.plain:
        query, near = query[which], near[which]
    if allowed.films < len(allowed.rows):
        may = allowed.rows[row]
        query, row, near = query[may], row[may], near[may]
    tied = near[1:] == near[:-1]
    if tied.any() and (tied & (query[1:] == query[:-1]) & (row[1:] < row[:-1])).any():
        order = np.lexsort((row, -near, query))
        query, row, near = query[order], row[order], near[order]
    return Met(query, row, near)


def nearest_patients(snapshot: Snapshot, queries: Vectors, k: int, allowed: Allowed) -> Nearest:
    """The k nearest patients of each query (m, d).

    A patient is as near as their best film; among equals the film of the lower row comes first. Of patients who share
    a film but for retouching only the nearest stands.
    """
    m, films = len(queries), allowed.films
    reach = -(-k * len(snapshot.film) // max(1, len(snapshot.patients))) + SPARE
    if m == 1 and films:
        return _nearest_of_one(snapshot, queries, k, allowed, reach)
    nothing = Met(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    found = Nearest(np.full((m, k), -1, np.int64), np.full((m, k), -np.inf, np.float32), [nothing] * m)
    left = np.arange(m)
    while films and len(left):
        reach = min(reach, films)
        met = meet(snapshot, queries[left], reach, allowed)
        best, place = _standing(snapshot, met, len(left), k)
        query = left[met.query[best]]
        found.rows[query, place], found.near[query, place] = met.row[best], met.near[best]
        each = _each(met, len(left))
        for number, one in zip(left.tolist(), each, strict=True):
            found.among[number] = one
        if reach == films:
            break
        # a film just out of reach may be as near as the last one within
        last = np.array([one.near[-1] if len(one.near) else np.inf for one in each])
        left = left[found.near[left, k - 1] <= last]
        reach *= 2
    return found


def _nearest_of_one(snapshot: Snapshot, queries: Vectors, k: int, allowed: Allowed, reach: int) -> Nearest:
    """As `nearest_patients` for one query, where NumPy's calls for many would take longer than their work."""
    while True:
        reach = min(reach, allowed.films)
        met = meet(snapshot, queries, reach, allowed)
        best, _ = _standing(snapshot, met, 1, k)
        near = met.near[best]
        if reach == allowed.films or (len(best) == k and near[-1] > met.near[-1]):
            break
        reach *= 2
    rows, short = met.row[best], k - len(best)
    if short:
        rows = np.concatenate([rows, np.full(short, -1, np.int64)])
        near = np.concatenate([near, np.full(short, -np.inf, np.float32)])
    return Nearest(rows[None], near[None], [met])


def hidden(snapshot: Snapshot, met: Met) -> list[int]:
    """Of each patient of one query whose place a nearer one took, sharing a film: how many stand before them."""
    standing: dict[int, int] = {}
    behind: dict[int, int] = {}
    for patient in snapshot.patient[met.row].tolist():
        if standing.setdefault(int(snapshot.votes.voter[patient]), patient) != patient:
            behind.setdefault(patient, len(standing))
    return list(behind.values())


def films_of(snapshot: Snapshot, query: Vectors, rows: Ints, allowed: Allowed) -> list[list[Hit]]:
    """All allowed films of the patients whose best films these are, out of reach or not, best first.

    query: float32 (d,). rows: of the patients' best films, in the order in which they are wanted.
    """
    patients = snapshot.patient[rows]
    _, theirs = snapshot.films_of_patient.rows(patients)
    theirs = theirs[allowed.rows[theirs]]
    ids, similarity = snapshot.index.search(query[None], len(theirs), IdSet(snapshot.vector[theirs]))
    near = dict(zip(ids[0].tolist(), np.clip(similarity[0], -1, 1).tolist(), strict=True))
    found: dict[int, list[Hit]] = {code: [] for code in patients.tolist()}
    hits = ((row, near[vector]) for row, vector in zip(theirs.tolist(), snapshot.vector[theirs].tolist(), strict=True))
    for row, likeness in sorted(hits, key=lambda hit: (-hit[1], hit[0])):
        found[int(snapshot.patient[row])].append((row, likeness))
    return list(found.values())


def _standing(snapshot: Snapshot, met: Met, queries: int, k: int) -> tuple[Ints, Ints]:
    """Places in `met` of the best films of each query's k nearest patients; which of them each is, counted from 0."""
    person = snapshot.votes.voter[snapshot.patient[met.row]]
    if queries == 1:  # a plain walk over a few dozen films takes less than NumPy's calls
        seen: dict[int, int] = {}
        for number, one in enumerate(person.tolist()):
            seen.setdefault(one, number)
        only = np.fromiter(seen.values(), np.int64)[:k]
        return only, np.arange(len(only))
    _, first = np.unique(met.query * len(snapshot.votes.voter) + person, return_index=True)
    first.sort()
    query = met.query[first]
    place = np.arange(len(first)) - np.searchsorted(query, np.arange(queries))[query]
    return first[place < k], place[place < k]


def _each(met: Met, queries: int) -> list[Met]:
    """The films met by each query."""
    if queries == 1:
        return [met]
    ends = np.searchsorted(met.query, np.arange(queries + 1)).tolist()
    return [Met(met.query[a:b], met.row[a:b], met.near[a:b]) for a, b in pairwise(ends)]
