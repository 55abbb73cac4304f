"""Cutting and scaling a film, against plain loops."""

import math
import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.encoders.patch import _resampling, cut, normalise
from engine.errors import RegionError
from engine.radiograph import Pixels, Radiograph
from engine.region import Origin, Region

Make = Callable[..., Radiograph]


def film_of(pixels: Pixels, full_shape: tuple[int, int] | None = None) -> Radiograph:
    return Radiograph(np.ascontiguousarray(pixels, np.float32), "0" * 64, "generated", full_shape=full_shape)


def overlap(low: float, high: float, cell: int) -> float:
    return max(0.0, min(high, cell + 1) - max(low, cell))


def area_mean(pixels: Pixels, box: tuple[int, int, int, int], size: int) -> npt.NDArray[np.float64]:
    """The slow plain truth: each output pixel is the mean over its area, black outside the film."""
    x0, y0, x1, _ = box
    step = (x1 - x0) / size
    picture = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            top, left = y0 + i * step, x0 + j * step
            for row in range(max(0, math.floor(top)), min(pixels.shape[0], math.ceil(top + step))):
                for column in range(max(0, math.floor(left)), min(pixels.shape[1], math.ceil(left + step))):
                    share = overlap(top, top + step, row) * overlap(left, left + step, column) / step**2
                    picture[i, j] += share * pixels[row, column]
    return picture


@pytest.mark.parametrize(
    ("box", "origin"),
    [
        ((20, 18, 44, 40), Origin.mask),  # inside, margin inside
        ((0, 0, 24, 20), Origin.drawn),  # leaves above and left
        ((56, 30, 80, 60), Origin.mask),  # leaves right and below
        ((10, 0, 60, 24), Origin.drawn),
    ],
)
def test_whole_steps_equal_the_oracle(film: Make, box: tuple[int, int, int, int], origin: Origin) -> None:
    source = film((60, 80))
    region = Region(*box, origin)
    x0, _, x1, _ = region.square()
    side = x1 - x0
    size = next(s for s in range(8, side) if side % s == 0) if side % 8 else 8
    expected = area_mean(source.pixels, region.square(), size)
    assert np.allclose(cut(source, region, size), expected, atol=1e-5)


@given(st.data())
def test_any_region_that_shrinks_equals_the_oracle(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(20, 60)), data.draw(st.integers(20, 60))
    x0, y0 = data.draw(st.integers(0, columns - 12)), data.draw(st.integers(0, rows - 12))
    x1, y1 = data.draw(st.integers(x0 + 12, columns)), data.draw(st.integers(y0 + 12, rows))
    region = Region(x0, y0, x1, y1, data.draw(st.sampled_from([Origin.whole, Origin.mask, Origin.drawn])))
    pixels = np.random.default_rng(x0).random((rows, columns), np.float32)
    size = data.draw(st.integers(5, 12))
    assert np.allclose(cut(film_of(pixels), region, size), area_mean(pixels, region.square(), size), atol=1e-5)


@given(st.integers(1, 90), st.integers(2, 90), st.integers(-60, 60), st.integers(1, 70), st.integers(1, 100))
def test_every_cell_inside_the_film_keeps_its_light(stored: int, size: int, start: int, side: int, full: int) -> None:
    low, high, weights = _resampling(start, side, size, full, stored)
    shares = weights.sum(axis=1)
    ends = start + np.arange(size + 1) * side / size
    inside = (np.minimum(ends[1:], full) - np.maximum(ends[:-1], 0)) / (side / size)
    assert 0 <= low < high <= stored
    assert weights.min() >= 0
    if side * stored >= size * full:
        assert np.allclose(shares, np.clip(inside, 0, 1), atol=1e-5)
    else:
        centre = (ends[1:] + ends[:-1]) / 2
        sure = np.abs(centre * (centre - full)) > 1e-6
        assert np.allclose(shares[sure], ((centre > 0) & (centre < full))[sure], atol=1e-5)


def test_enlarging_equals_an_image_librarys(film: Make) -> None:
    source = film((30, 40))
    expected = cv2.resize(source.pixels[5:25, 10:30], (64, 64), interpolation=cv2.INTER_LINEAR)
    inner = slice(4, 60)  # at its border the cut looks beyond the region
    assert np.allclose(
        cut(source, Region(10, 5, 30, 25, Origin.whole), 64)[inner, inner], expected[inner, inner], atol=1e-5
    )


def test_film_beyond_the_square_does_not_show(film: Make) -> None:
    source = film((100, 90))
    region = Region(40, 40, 60, 60, Origin.drawn)
    x0, y0, x1, y1 = region.square()
    other = np.ones((100, 90), np.float32)
    other[y0:y1, x0:x1] = source.pixels[y0:y1, x0:x1]
    assert np.array_equal(cut(source, region, 13), cut(film(other), region, 13))


def test_whole_film_is_padded_to_a_square_with_black() -> None:
    picture = cut(film_of(np.ones((64, 128), np.float32)), Region.whole((64, 128)), 32)
    assert np.array_equal(picture[8:24], np.ones((16, 32), np.float32))
    assert not picture[:8].any()
    assert not picture[24:].any()


def test_small_regions_are_enlarged_without_overshoot(film: Make) -> None:
    source = film((40, 40))
    picture = cut(source, Region(10, 10, 30, 30, Origin.whole), 224)
    inside = source.pixels[10:30, 10:30]
    assert picture.shape == (224, 224)
    assert inside.min() <= picture.min() <= picture.max() <= inside.max()
    assert np.allclose(picture[::7, ::7].mean(), inside.mean(), atol=0.02)
    # the centre of each stored pixel keeps its value
    assert abs(float(picture[int(5.5 * 11.2), int(7.5 * 11.2)]) - float(inside[5, 7])) < 0.1


@given(st.integers(0, 500), st.integers(0, 380), st.integers(100, 140), st.integers(100, 132))
def test_reduced_decoding_gives_the_same_patch(x0: int, y0: int, width: int, height: int) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(1).random((512, 640), np.float32), (0, 0), 12)
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    half = cv2.resize(smooth, (320, 256), interpolation=cv2.INTER_AREA)
    region = Region(x0, y0, x0 + width, y0 + height, Origin.drawn)
    fully, reduced = cut(film_of(smooth), region, 32), cut(film_of(half, (512, 640)), region, 32)
    border = (fully == 0) | (reduced == 0)
    assert np.abs(fully - reduced)[~border].mean() < 0.02
    assert np.abs(fully - reduced).mean() < 0.05


def test_region_outside_the_film_is_refused(film: Make) -> None:
    with pytest.raises(RegionError, match="leaves the film"):
        cut(film((50, 50)), Region(40, 40, 60, 50, Origin.drawn), 16)


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (49, 0, 50, 1), (0, 0, 1, 50), (0, 49, 50, 50)])
def test_slivers_still_give_a_picture(film: Make, box: tuple[int, int, int, int]) -> None:
    for source in (film((50, 50)), film((25, 25), (50, 50))):
        picture = cut(source, Region(*box, Origin.drawn), 16)
        assert picture.shape == (16, 16)
        assert np.isfinite(picture).all()
        assert picture.max() > 0


def test_film_is_not_changed(film: Make) -> None:
    source = film((50, 70))
    before = source.pixels.copy()
    for region in (Region.whole((50, 70)), Region(10, 10, 26, 26, Origin.whole)):
        picture = cut(source, region, 16)
        picture += 1
    assert np.array_equal(source.pixels, before)


def test_normalise_by_plain_arithmetic() -> None:
    grey = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = [[[(v - m) / s for v in row] for row in grey] for m, s in zip(mean, std, strict=True)]
    assert np.allclose(normalise(grey, mean, std), expected, atol=1e-6)


def test_a_whole_film_takes_well_under_its_forward_pass(film: Make) -> None:
    source, region = film((512, 640)), Region.whole((512, 640))
    times = []
    for _ in range(30):
        start = time.perf_counter()
        normalise(cut(source, region, 224), (0.5,) * 3, (0.5,) * 3)
        times.append(time.perf_counter() - start)
    assert min(times) < 2e-3  # 0.4 ms where nothing else runs
