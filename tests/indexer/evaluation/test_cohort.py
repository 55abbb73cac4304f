from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.errors import QueryError
from indexer.evaluation import Cohort


def test_unknown_text_is_none_and_arrays_have_their_types(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(0, n=2, sex=["", "F"], age=[3, np.nan], film=[7, 8])
    assert list(cohort.sex) == [None, "F"]
    assert cohort.vectors.dtype == np.float32
    assert cohort.film.dtype == np.int64
    assert cohort.age.dtype == np.float64


def test_take_by_mask_and_by_index_agree(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(1, extra={"malignancy": np.array(["benign"] * 30, dtype=object)})
    mask = cohort.age > 40
    by_mask, by_index = cohort.take(mask), cohort.take(np.flatnonzero(mask))
    assert len(by_mask) == mask.sum() > 0
    for name in ("film", *cohort.columns):
        one = by_mask.film if name == "film" else by_mask.column(name)
        other = by_index.film if name == "film" else by_index.column(name)
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(by_mask.vectors, cohort.vectors[mask])


def test_column_finds_extras_and_refuses_strangers(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(0, n=2, extra={"malignancy": ["benign", None]})
    assert list(cohort.column("malignancy")) == ["benign", None]
    with pytest.raises(QueryError, match=r"no column 'hospital'.*centre.*malignancy"):
        cohort.column("hospital")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"vectors": np.ones((2, 4))}, "length 2, outside 0 to 1"),
        ({"vectors": np.full((2, 4), np.nan)}, "length nan"),
        ({"vectors": np.ones(2)}, r"shape \(2,\)"),
        ({"entity": ["a"]}, r"'entity' has shape \(1,\)"),
        ({"film": [1, 2, 3]}, r"'film' has shape \(3,\)"),
        ({"patient": ["a", None]}, "'patient' has films without a value"),
        ({"group": ["", "b"]}, "'group' has films without a value"),
        ({"region": ["mask", "half"]}, "origin 'half' is unknown"),
        ({"sex": ["F", 1]}, "'sex' holds 1 at row 1"),
        ({"age": [-1, 4]}, "negative"),
        ({"age": [np.inf, 4]}, "infinite"),
        ({"extra": {"sex": ["F", "M"]}}, "extra column 'sex'"),
    ],
)
def test_wrong_columns_are_refused_with_the_value(
    make_cohort: Callable[..., Cohort], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        make_cohort(0, n=2, **given)
