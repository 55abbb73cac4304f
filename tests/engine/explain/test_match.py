"""Match maps against plain loops, and on films that agree in one known place."""

from collections.abc import Callable
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.explain.match import METHODS, best_matches, match_maps, scaled, shares

Array = npt.NDArray[np.float32]


def random_patches(seed: int, views: int = 2, channels: int = 4, side: int = 3) -> Array:
    return np.random.default_rng(seed).standard_normal((views, channels, side, side), np.float32)


def cosine(one: Array, two: Array) -> float:
    return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_shares_sum_to_the_cosine_of_the_pooled_films(seed: int, views: int) -> None:
    one, two = random_patches(seed, views), random_patches(seed + 1, views, side=5)
    expected = cosine(one.mean(axis=(2, 3)).ravel(), two.mean(axis=(2, 3)).ravel())
    assert shares(one, two).sum() == pytest.approx(expected, abs=1e-5)
    assert shares(two, one).sum() == pytest.approx(expected, abs=1e-5)


def test_shares_against_loops() -> None:
    one, two = random_patches(0), random_patches(1)
    pooled, theirs = (each.mean(axis=(2, 3)).ravel() for each in (one, two))
    scale = 9 * np.linalg.norm(pooled) * np.linalg.norm(theirs)
    for view, y, x in product(range(2), range(3), range(3)):
        expected = one[view, :, y, x] @ two[view].mean(axis=(1, 2)) / scale
        assert shares(one, two)[view, y, x] == pytest.approx(expected, abs=1e-6)


def test_best_matches_against_loops() -> None:
    one, two = random_patches(0), random_patches(1, side=4)
    for view, y, x in product(range(2), range(3), range(3)):
        expected = max(cosine(one[view, :, y, x], two[view, :, b, a]) for b, a in product(range(4), range(4)))
        assert best_matches(one, two)[view, y, x] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_what_two_films_share_is_found_on_both(method: str) -> None:
    one, two = (np.zeros((1, 6, 4, 4), np.float32) for _ in range(2))
    one[0, :2], two[0, 2:4] = 0.2, 0.2  # unlike everywhere
    one[0, :, 0, 3] = two[0, :, 2, 1] = [0, 0, 0, 0, 3, 3]
    for found, place in zip(match_maps(one, two, method), [(0, 3), (2, 1)], strict=True):
        assert found.dtype == np.float32
        assert np.unravel_index(found[0].argmax(), (4, 4)) == place
        assert (found.min(), found.max()) == (0, 1)


@pytest.mark.parametrize("measure", METHODS.values())
def test_films_without_features_give_zeros(measure: Callable[[Array, Array], Array]) -> None:
    assert not measure(np.zeros((1, 4, 3, 3), np.float32), random_patches(0, 1)).any()


def test_scaled_by_the_cells_that_count() -> None:
    values = np.array([[[-5, 1], [2, 3]]], np.float32)
    counts = np.array([[[False, True], [True, True]]])
    assert scaled(values, counts).tolist() == [[[0, 0], [0.5, 1]]]
    assert not scaled(values, np.zeros_like(counts)).any()
    assert not scaled(np.full((1, 2, 2), 7, np.float32)).any()
