"""Ways to set patients of one archive against the others: folds over split groups, or a column's values in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import QueryError
from engine.folds import grouped_folds
from indexer.evaluation.cohort import UNKNOWN, Cohort, named, natural
from indexer.evaluation.ranking import Ints


@dataclass(frozen=True, eq=False)
class Fold:
    """Rows of a cohort: int64, those that ask and those that answer. name: of the fold."""

    name: str
    archive: Ints
    queries: Ints

    def of(self, cohort: Cohort) -> tuple[Cohort, Cohort]:
        """Archive and queries."""
        return cohort.take(self.archive), cohort.take(self.queries)


def cross_validation(cohort: Cohort, n: int, seed: int = 0) -> list[Fold]:
    """Each of n folds asks all others; split groups stay whole, entities are shared out evenly.

    Films without an entity are dealt too, and neither ask nor answer. Raises QueryError as `grouped_folds` does.
    """
    fold = grouped_folds(cohort.group, cohort.entity, n, seed)
    return [Fold(f"{f + 1}", np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(n)]


def leave_out(cohort: Cohort, column: str) -> list[Fold]:
    """The films of each value of a column ask those of all other values.

    Films of unknown value, which may be of either side, stay out; so do archive films of a split group that asks.
    Raises QueryError for an unknown column, and for one with a single value.
    """
    values = np.array([named(value) for value in cohort.column(column)], dtype=object)
    names = [name for name in sorted(set(values), key=natural) if name != UNKNOWN]
    if len(names) < 2:
        has = f"one value, {names[0]!r}" if names else "no value"
        raise QueryError(f"{column!r} has {has}, so nothing can be left out; choose a column with two or more")
    folds = []
    for name in names:
        asks = values == name
        answers = ~asks & (values != UNKNOWN) & ~np.isin(cohort.group.astype(str), cohort.group[asks].astype(str))
        folds.append(Fold(f"{column}={name}", np.flatnonzero(answers), np.flatnonzero(asks)))
    return folds


def asking(folds: Sequence[Fold], cohort: Cohort, films: Ints) -> list[Fold]:
    """The same folds with only these films (ids) as queries; folds without any of them are left out.

    Raises QueryError where none is left.
    """
    chosen = np.isin(cohort.film, films)
    kept = [Fold(fold.name, fold.archive, fold.queries[chosen[fold.queries]]) for fold in folds]
    kept = [fold for fold in kept if len(fold.queries)]
    if not kept:
        raise QueryError("no film of the folds passes the filter on the queries; widen it")
    return kept
