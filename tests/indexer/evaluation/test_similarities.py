import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluation import Cohort
from indexer.evaluation.similarities import by_metadata, by_shortcut, by_vectors, has_shortcut, presence


def plain_metadata(a: Cohort, i: int, b: Cohort, j: int) -> float:
    years = abs(a.age[i] - b.age[j])
    distance = 1.5 if math.isnan(years) else min(years / 10, 3)
    distance += 0.5 if a.sex[i] is None or b.sex[j] is None else float(a.sex[i] != b.sex[j])
    if a.site[i] is None or b.site[j] is None:
        return -(distance + 0.5)
    one, other = set(a.site[i].split(";")), set(b.site[j].split(";"))
    return -(distance + 1 - len(one & other) / len(one | other))


@given(st.integers(0, 1000))
def test_metadata_similarity_is_the_documented_distance(make_cohort: Callable[..., Cohort], seed: int) -> None:
    queries, gallery = make_cohort(seed, n=6), make_cohort(seed + 1, n=9)
    found = by_metadata(queries, gallery)(slice(2, 6))
    expected = [[plain_metadata(queries, i, gallery, j) for j in range(9)] for i in range(2, 6)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sites_compare_by_their_words(make_cohort: Callable[..., Cohort]) -> None:
    alike = {"age": [10], "sex": ["F"]}
    query = make_cohort(0, n=1, site=["tibia; Fibula"], **alike)
    other = make_cohort(0, n=1, site=["fibula;femur;tibia"], **alike)
    assert by_metadata(query, other)(slice(0, 1))[0, 0] == pytest.approx(-1 / 3)


def test_missing_values_alone_bring_no_films_together(make_cohort: Callable[..., Cohort]) -> None:
    nothing = {"age": [np.nan], "sex": [None], "site": [None]}
    query, gallery = make_cohort(0, n=1, **nothing), make_cohort(1, n=20)
    assert set(by_metadata(query, gallery)(slice(0, 1))[0].tolist()) == {-2.5}


def test_shortcut_counts_differences_of_presence(make_cohort: Callable[..., Cohort]) -> None:
    queries, gallery = make_cohort(2, n=7), make_cohort(3, n=11)
    expected = -(presence(queries)[:, None] != presence(gallery)[None]).sum(axis=2)
    np.testing.assert_array_equal(by_shortcut(queries, gallery)(slice(0, 7)), expected)


def test_presence_looks_at_no_value(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(
        0, n=2, age=[5, np.nan], sex=["F", None], centre=[None, "1"], view=["frontal", None], region=["drawn", "whole"]
    )
    assert presence(cohort).tolist() == [[True, True, True, False, True], [False, False, False, True, False]]


def test_vectors_compare_by_cosine(make_cohort: Callable[..., Cohort]) -> None:
    queries, gallery = make_cohort(0, n=4), make_cohort(1, n=5)
    np.testing.assert_array_equal(by_vectors(queries, gallery)(slice(1, 3)), queries.vectors[1:3] @ gallery.vectors.T)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"region": ["mask", "whole"]}, True),
        ({"age": [1, np.nan]}, True),
        ({"view": ["frontal", None]}, True),
    ],
)
def test_a_shortcut_exists_where_films_differ_in_what_is_known(
    make_cohort: Callable[..., Cohort], change: dict[str, Any], expected: bool
) -> None:
    known = {
        "region": ["mask", "drawn"],
        "age": [1, 2],
        "sex": ["F", "M"],
        "centre": ["1", "2"],
        "view": ["frontal", "lateral"],
    }
    cohort = make_cohort(0, n=2, **{**known, **change})
    assert has_shortcut(cohort, cohort) is expected


def test_equal_vectors_are_exactly_as_similar(make_cohort: Callable[..., Cohort]) -> None:
    vectors = np.random.default_rng(0).normal(size=(101, 1280)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[[50, 100]] = vectors[3]
    cohort = make_cohort(0, n=101, vectors=vectors)
    found = by_vectors(cohort, cohort)(slice(0, 37))
    assert (found[:, [50, 100]] == found[:, [3]]).all()
    np.testing.assert_allclose(found, vectors[:37] @ vectors.T, atol=1e-6)
