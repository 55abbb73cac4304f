"""Folds for cross-validation: whole groups, entities in equal shares."""

import numpy as np
import numpy.typing as npt

from engine.errors import QueryError

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.object_]


def grouped_folds(groups: Column, labels: Column, n: int, seed: int) -> Ints:
    """The fold 0..n-1 of each film, int64 (n_films,): no group in two folds, labels in shares as equal as groups allow.

    groups, labels: object (n_films,); None is a label like any other. Groups are dealt from the largest to the
    smallest, equals in an order drawn from `seed`, each to the fold that has least of its labels. Names decide
    nothing, only the order in which they first appear does. Every fold gets a group.
    Raises QueryError for fewer than two folds, and for fewer groups than folds.
    """
    group, n_groups = _coded(groups)
    label, n_labels = _coded(labels)
    if n < 2:
        raise QueryError(f"{n} folds leave nothing to compare with; ask for 2 or more, 5 is usual")
    if n_groups < n:
        raise QueryError(f"{n} folds need as many split groups and there are {n_groups}; ask for fewer folds")
    counts = np.zeros((n_groups, n_labels))
    np.add.at(counts, (group, label), 1)
    return _dealt(counts, n, seed)[group]


def _dealt(counts: npt.NDArray[np.float64], n: int, seed: int) -> Ints:
    """The fold of each group, (g,). counts: (g, labels), films of each label.

    The sum of squared shares grows by 2 * held @ share + a constant when a group joins a fold: the smallest is best.
    """
    sizes, shares = counts.sum(axis=1), counts / counts.sum(axis=0)
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    held, films = np.zeros((n, counts.shape[1])), np.zeros(n)
    fold = np.empty(len(counts), dtype=np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        cost = np.round(held @ shares[group], 12)  # so that rounding breaks no tie
        fold[group] = best = int(np.lexsort((films, cost))[0])
        held[best] += shares[group]
        films[best] += sizes[group]
    return fold


def _coded(names: Column) -> tuple[Ints, int]:
    """Each row's place among the different names in the order of their first appearance, and how many there are."""
    places: dict[object, int] = {}
    code = np.array([places.setdefault(name, len(places)) for name in names.tolist()], dtype=np.int64)
    return code, len(places)
