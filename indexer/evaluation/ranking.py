"""From similarities between films to ranked patients, without ever seeing a query's label."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.evaluation.voting import NOBODY

CHUNK = 1 << 22  # similarities held at once (about 130 MB with their sort keys)
MOST_ROWS = 1024  # queries at once, however small the gallery
_LEFT_OUT = np.uint64(np.iinfo(np.uint64).max)
_LOW = np.uint64(0xFFFFFFFF)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]
Similarity = Callable[[slice], Floats]
"""Rows of queries -> their similarity to every film of the gallery, (rows, n); higher is nearer."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Labelled archive films, each patient's side by side.

    patient, group: int64 (n,) codes shared with `Asked`; patient must be sorted. label: int64 (n,) entity codes.
    """

    patient: Ints
    group: Ints
    label: Ints

    def __len__(self) -> int:
        return len(self.patient)

    @property
    def starts(self) -> Ints:
        """First film of each patient, (p,)."""
        return np.flatnonzero(np.r_[True, self.patient[1:] != self.patient[:-1]])


@dataclass(frozen=True, eq=False)
class Asked:
    """What ranking may know of the queries: whom to leave out. Their entities are not here, on purpose."""

    patient: Ints
    group: Ints

    def __len__(self) -> int:
        return len(self.patient)


@dataclass(frozen=True, eq=False)
class Ties:
    """Who comes first among equally similar films.

    rank: (n,) a permutation, lower first. start: (q,) the rank that is counted from, round the circle, per query.
    """

    rank: Ints
    start: Ints


@dataclass(frozen=True, eq=False)
class Ranked:
    """Patients by falling similarity for a run of queries; empty places (left out patients) come last.

    film: (rows, p) the gallery row of each patient's best film, -1 if empty. label: its entity code, NOBODY if empty.
    similarity: float32, 0 if empty.
    """

    rows: slice
    film: Ints
    label: Ints
    similarity: Floats


def archive_order(archive_row: Ints, n_queries: int) -> Ties:
    """Ties go by the order of archive rows. archive_row: (n,) a permutation, the archive row of each gallery film."""
    return Ties(archive_row, np.zeros(n_queries, dtype=np.int64))


def random_order(gallery: Gallery, n_queries: int, rng: np.random.Generator) -> Ties:
    """Ties go by chance, every patient alike, however many films they have.

    Patients are shuffled once; each query starts counting at a patient drawn for it, so that equal queries meet
    different neighbours and a figure does not hang on one draw.
    """
    starts = gallery.starts
    lengths = np.diff(np.r_[starts, len(gallery)])
    shuffled = rng.permutation(len(starts))
    offset = np.empty_like(starts)
    offset[shuffled] = np.r_[0, np.cumsum(lengths[shuffled])[:-1]]
    rank = np.arange(len(gallery)) + np.repeat(offset - starts, lengths)
    return Ties(rank, offset[rng.integers(len(starts), size=n_queries)])


def ranked(gallery: Gallery, asked: Asked, similarity: Similarity, ties: list[Ties]) -> Iterator[tuple[int, Ranked]]:
    """Rank patients by their best film, for every query and every tie order; yields (number of the order, Ranked).

    Left out are the gallery's films of the query's own patient or group. Memory is bounded by CHUNK.
    """
    step = max(1, min(CHUNK // len(gallery), MOST_ROWS))
    for begin in range(0, len(asked), step):
        rows = slice(begin, min(begin + step, len(asked)))
        close = similarity(rows) + np.float32(0)  # + 0 makes -0.0 equal to 0.0
        own = asked.patient[rows, None] == gallery.patient
        own |= asked.group[rows, None] == gallery.group
        upper = _descending(close) << np.uint64(32)
        for number, order in enumerate(ties):
            yield number, _rank(gallery, rows, close, np.where(own, _LEFT_OUT, upper | _lower(order, rows)), order)


def _rank(gallery: Gallery, rows: slice, close: Floats, keys: Keys, ties: Ties) -> Ranked:
    """One number per film holds similarity above and tie order below: a minimum finds the best film of a patient,
    and one sort ranks the patients, ties included.
    """
    n = len(gallery)
    best = np.minimum.reduceat(keys, gallery.starts, axis=1)
    best.sort(axis=1)
    empty = best == _LEFT_OUT
    at_rank = np.empty(n, dtype=np.int64)
    at_rank[ties.rank] = np.arange(n)
    film = at_rank[((best & _LOW).astype(np.int64) + ties.start[rows, None]) % n]
    return Ranked(
        rows,
        np.where(empty, -1, film),
        np.where(empty, NOBODY, gallery.label[film]),
        np.where(empty, np.float32(0), np.take_along_axis(close, film, axis=1)),
    )


def _lower(ties: Ties, rows: slice) -> Keys:
    """Each film's place among equals, (rows, n)."""
    place = ties.rank - ties.start[rows, None]
    place += len(ties.rank) * (place < 0)
    return place.view(np.uint64)


def _descending(values: Floats) -> Keys:
    """Numbers below 2**32 that rise as float32 values fall (IEEE 754 bits are ordered but for the sign)."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    negative = bits >> np.uint32(31) == 1
    rising = np.where(negative, ~bits, bits | np.uint32(0x80000000))
    return (~rising).astype(np.uint64)
