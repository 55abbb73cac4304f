"""Scores of boxes against plain counting."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.segmentation.metrics import Outcome, box_iou, centre_hit, is_hit, mask_box, per_centre, scores

edges = st.integers(0, 12)
sides = st.integers(1, 8)


@given(edges, edges, sides, sides, edges, edges, sides, sides)
def test_box_iou_is_that_of_painted_pixels(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> None:
    one, other = np.zeros((24, 24), bool), np.zeros((24, 24), bool)
    one[b : b + d, a : a + c] = True
    other[f : f + h, e : e + g] = True
    wanted = (one & other).sum() / (one | other).sum()
    assert box_iou((a, b, a + c, b + d), (e, f, e + g, f + h)) == pytest.approx(wanted)


def test_a_hit_needs_the_centre_or_enough_overlap() -> None:
    lesion = (10.0, 10.0, 20.0, 20.0)
    assert is_hit((14, 14, 16, 16), lesion)  # tiny, but in its middle
    assert centre_hit((0, 0, 30, 30), lesion)
    beside = (16.0, 10.0, 26.0, 20.0)
    assert not centre_hit(beside, lesion)
    assert box_iou(beside, lesion) < 0.3
    assert not is_hit(beside, lesion)
    long = (8.0, 10.0, 33.0, 20.0)  # its centre lies outside, but it holds all of the lesion
    assert not centre_hit(long, lesion)
    assert box_iou(long, lesion) == pytest.approx(0.4)
    assert is_hit(long, lesion)
    assert not is_hit(None, lesion)


def test_scores_count_what_was_used_and_what_was_hit() -> None:
    lesion = (0.0, 0.0, 10.0, 10.0)
    told = [
        Outcome(lesion, lesion, 0.9, True, 0.8, 0.9, "1"),
        Outcome(lesion, (50, 50, 60, 60), 0.6, True, 0.0, 0.0, "1"),
        Outcome(lesion, None, 0.0, False, 0.0, 0.0, "2"),
        Outcome(None, (0, 0, 5, 5), 0.7, True),
        Outcome(None, None, 0.0, False),
    ]
    found = scores(told)
    assert (found.films, found.empty) == (3, 2)
    assert found.hit_rate == found.centre_hit == pytest.approx(1 / 3)
    assert found.box_iou == pytest.approx(1 / 3)
    assert found.box_iou_median == 0
    assert found.used == pytest.approx(2 / 3)
    assert found.used_hit_rate == 0.5
    assert found.empty_used == 0.5
    assert found.dice == pytest.approx(0.3)
    assert {name: each.films for name, each in per_centre(told).items()} == {"1": 2, "2": 1}


def test_no_films_score_nothing_rather_than_zero() -> None:
    assert math.isnan(scores([]).iou)


def test_mask_box() -> None:
    mask = np.zeros((6, 8), bool)
    assert mask_box(mask) is None
    mask[2, 3] = mask[4, 6] = True
    assert mask_box(mask) == (3, 2, 7, 5)
