"""Shuffled stratified splits of whole split groups, as R1 asks for three of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.folds import grouped_folds
from engine.training.films import TrainingSet

Ints = npt.NDArray[np.int64]
FIFTHS = 5
SHUFFLES = 3


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a training set: int64, those learned from and those asked; no split group has films in both."""

    taught: Ints
    asked: Ints


def shuffles(films: TrainingSet, n: int = SHUFFLES, seed: int = 0) -> list[Split]:
    """n independent splits, each asking about a fifth, entities in equal shares (Hinterwimmer 2024, R1).

    A group joins a patient's films with their near-duplicates, so that no test film's patient is known.
    Which of five folds asks is drawn too: the largest groups are always dealt first, so fold 0 would always get them.

    Raises:
        QueryError: fewer than five split groups.
    """
    found = []
    for number in range(n):
        rng = np.random.default_rng([seed, number])
        fold = _folds(films, FIFTHS, int(rng.integers(2**31)))
        found.append(_split(fold, int(rng.integers(FIFTHS))))
    return found


def folds(films: TrainingSet, n: int, seed: int = 0) -> list[Split]:
    """Each of n folds asks all others (n-fold cross-validation).

    Raises:
        QueryError: fewer split groups than folds.
    """
    fold = _folds(films, n, seed)
    return [_split(fold, number) for number in range(n)]


def sides(films: TrainingSet, split: Split) -> tuple[TrainingSet, TrainingSet]:
    """The films learned from and those asked."""
    return films.take(split.taught), films.take(split.asked)


def _folds(films: TrainingSet, n: int, seed: int) -> Ints:
    return grouped_folds(films.column("group"), films.column("entity"), n, seed)


def _split(fold: Ints, asks: int) -> Split:
    return Split(np.flatnonzero(fold != asks), np.flatnonzero(fold == asks))
