import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from engine.errors import QueryError
from engine.folds import grouped_folds

films = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["a", "b", "c", None])), min_size=1, max_size=60)


def columns(pairs: list[tuple[int, str | None]]) -> tuple[Any, Any]:
    groups, labels = np.empty(len(pairs), dtype=object), np.empty(len(pairs), dtype=object)
    groups[:], labels[:] = [f"g{group}" for group, _ in pairs], [label for _, label in pairs]
    return groups, labels


@given(films, st.integers(2, 6), st.integers(0, 100))
def test_whole_groups_every_fold_used_and_names_decide_nothing(
    pairs: list[tuple[int, str | None]], n: int, seed: int
) -> None:
    groups, labels = columns(pairs)
    if len(set(groups)) < n:
        with pytest.raises(QueryError, match=f"{n} folds need as many split groups"):
            grouped_folds(groups, labels, n, seed)
        return
    fold = grouped_folds(groups, labels, n, seed)
    assert fold.dtype == np.int64
    assert set(fold.tolist()) == set(range(n))
    for group in set(groups):
        assert len(set(fold[groups == group])) == 1
    renamed = np.array([f"{hash(name) % 1000}/{name}" for name in groups], dtype=object)
    np.testing.assert_array_equal(fold, grouped_folds(renamed, labels, n, seed))
    np.testing.assert_array_equal(fold, grouped_folds(groups, labels, n, seed))


def test_single_films_of_two_labels_are_shared_out_evenly() -> None:
    groups = np.arange(100).astype(str).astype(object)
    labels = np.array(["rare"] * 10 + ["common"] * 90, dtype=object)
    fold = grouped_folds(groups, labels, 5, 0)
    assert np.bincount(fold[:10]).tolist() == [2] * 5
    assert np.bincount(fold[10:]).tolist() == [18] * 5


def test_another_seed_deals_otherwise() -> None:
    groups = np.arange(50).astype(str).astype(object)
    labels = np.array(["a", "b"] * 25, dtype=object)
    assert (grouped_folds(groups, labels, 5, 0) != grouped_folds(groups, labels, 5, 1)).any()


def spread(fold: Any, labels: Any, n: int) -> float:
    """Mean over labels of the standard deviation between folds of the label's share."""
    shares = [np.bincount(fold[labels == label], minlength=n) / (labels == label).sum() for label in set(labels)]
    return float(np.mean([np.std(share) for share in shares]))


def test_real_entities_are_shared_out_as_evenly_as_by_scikit_learn(real_data: Callable[[str], Path]) -> None:
    with (real_data("btxrd") / "cases.csv").open(encoding="utf-8", newline="") as lines:
        cases = [case for case in csv.DictReader(lines) if case["entity"] != "no tumour"]
    groups = np.array([case["split_group"] for case in cases], dtype=object)
    labels = np.array([case["entity"] for case in cases], dtype=object)
    fold = grouped_folds(groups, labels, 5, 0)
    theirs = np.empty(len(cases), dtype=np.int64)
    for number, (_, held) in enumerate(StratifiedGroupKFold(5).split(groups, labels, groups)):
        theirs[held] = number
    assert spread(fold, labels, 5) <= 1.25 * spread(theirs, labels, 5)
    assert np.bincount(fold).max() < 1.2 * np.bincount(fold).min()


@pytest.mark.parametrize("n", [-1, 0, 1])
def test_one_fold_is_none(n: int) -> None:
    names = np.array(["a", "b"], dtype=object)
    with pytest.raises(QueryError, match=f"{n} folds leave nothing"):
        grouped_folds(names, names, n, 0)
