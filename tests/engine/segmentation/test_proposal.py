"""From probabilities to a region of the film."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from engine.region import Origin, Region, View
from engine.segmentation.card import Calibration
from engine.segmentation.proposal import confident, propose_box, to_film


@given(st.integers(0, 10_000))
def test_the_box_is_around_the_parts_with_most_probability(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen = ndimage.gaussian_filter(rng.random((24, 24)), 1.5)
    seen = ((seen - seen.min()) / np.ptp(seen)).astype(np.float32)
    labels, count = ndimage.label(seen >= 0.6, np.ones((3, 3)))
    masses = [seen[labels == part].sum(dtype=np.float64) for part in range(1, count + 1)]
    best = labels == 1 + int(np.argmax(masses))
    companions = np.isin(labels, [1 + part for part, mass in enumerate(masses) if mass >= 0.5 * max(masses)])
    rows, columns = np.flatnonzero(companions.any(1)), np.flatnonzero(companions.any(0))
    found = propose_box(seen, 0.6)
    assert found.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    assert found.score == pytest.approx(seen[best].mean() * seen[best].max(), rel=1e-5)


def test_two_lesions_are_one_region_and_a_speck_beside_one_is_none() -> None:
    seen = np.zeros((20, 20), np.float32)
    seen[2:6, 3:7], seen[12:15, 10:14], seen[18, 18] = 0.9, 0.8, 0.9
    assert propose_box(seen, 0.5).box == (3, 2, 14, 15)
    seen[12:15, 10:14] = 0.4
    assert propose_box(seen, 0.5).box == (3, 2, 7, 6)


def test_nothing_seen_is_no_box() -> None:
    found = propose_box(np.full((8, 8), 0.2, np.float32), 0.5)
    assert found.box is None
    assert confident(found.score, Calibration(2.0, 5.0)) == 0


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_confidence_rises_with_the_score(one: float, other: float) -> None:
    calibration = Calibration(0.7, -1.0)
    low, high = sorted((one, other))
    assert 0 <= confident(low, calibration) <= confident(high, calibration) <= 1


def test_an_uncalibrated_confidence_is_the_score() -> None:
    assert confident(0.3, Calibration()) == pytest.approx(0.3)


@given(st.integers(20, 90), st.integers(20, 90), st.integers(0, 1000))
def test_a_box_on_the_map_comes_back_on_the_film(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x0, y0 = int(rng.integers(0, columns - 6)), int(rng.integers(0, rows - 6))
    x1, y1 = int(rng.integers(x0 + 4, columns + 1)), int(rng.integers(y0 + 4, rows + 1))
    left, top, right, _ = Region.whole((rows, columns)).seen(View.film, (rows, columns))
    scale = (right - left) / 256
    box = tuple(round((edge - start) / scale) for edge, start in ((x0, left), (y0, top), (x1, left), (y1, top)))
    region = to_film((box[0], box[1], box[2], box[3]), 256, (rows, columns), 0.7)
    assert region is not None
    assert region.origin is Origin.segmented
    assert np.abs(np.subtract(region.box, (x0, y0, x1, y1))).max() <= 1
    region.check((rows, columns))


def test_a_box_in_the_padding_is_none() -> None:
    assert to_film((0, 0, 3, 3), 64, (100, 20), 0.9) is None  # a narrow film: its square begins beside it
