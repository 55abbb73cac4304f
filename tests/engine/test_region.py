"""Regions: the margin rule, masks and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RegionError
from engine.region import LEAST_SIDE, Origin, Region, View

sides = st.integers(16, 400)


@given(rows=sides, columns=sides, data=st.data())
def test_drawn_square_holds_the_box_with_its_margin(rows: int, columns: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, columns - LEAST_SIDE)), data.draw(st.integers(0, rows - LEAST_SIDE))
    x1, y1 = data.draw(st.integers(x0 + LEAST_SIDE, columns)), data.draw(st.integers(y0 + LEAST_SIDE, rows))
    region = Region.drawn((x0, y0, x1, y1), (rows, columns))
    a, b, c, d = region.square()
    longer = max(x1 - x0, y1 - y0)
    assert c - a == d - b >= longer * 1.3
    assert c - a < longer * 1.3 + 1
    assert a <= x0 - 0.15 * longer + 1
    assert c >= x1 + 0.15 * longer - 1
    assert abs((a + c) - (x0 + x1)) <= 2
    assert abs((b + d) - (y0 + y1)) <= 2


def test_whole_film_is_padded_without_margin() -> None:
    assert Region.whole((100, 60)).square() == (-20, 0, 80, 100)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000), st.integers(1, 4))
def test_mask_box_matches_plain_loops(rows: int, columns: int, seed: int, scale: int) -> None:
    mask = np.random.default_rng(seed).random((rows, columns)) < 0.1
    found = Region.from_mask(mask, (rows * scale, columns * scale))
    points = [(x, y) for y in range(rows) for x in range(columns) if mask[y, x]]
    if not points:
        assert found is None
        return
    xs, ys = [x for x, _ in points], [y for _, y in points]
    assert found is not None
    assert found.box == (min(xs) * scale, min(ys) * scale, (max(xs) + 1) * scale, (max(ys) + 1) * scale)
    assert found.origin is Origin.mask


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 5, 5, 9), (-1, 0, 4, 4), (0, 0, 0, 0)])
def test_empty_or_negative_boxes_are_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(RegionError, match="x0,y0,x1,y1"):
        Region.drawn(box, (100, 100))


@pytest.mark.parametrize("box", [(5, 5, 6, 6), (0, 0, 7, 90), (0, 0, 90, 7), (93, 93, 100, 100)])
def test_a_drawn_box_too_small_to_show_a_lesion_names_the_least(box: tuple[int, int, int, int]) -> None:
    size = f"{box[2] - box[0]}x{box[3] - box[1]}"
    said = rf"region .* has {size} pixels; a drawn region needs at least 8 on each side, draw it around the whole"
    with pytest.raises(RegionError, match=said):
        Region.drawn(box, (100, 100))


def test_the_least_drawn_box_and_smaller_ones_of_masks() -> None:
    assert Region.drawn((0, 92, 8, 100), (100, 100)).box == (0, 92, 8, 100)
    dot = np.zeros((100, 100), np.uint8)
    dot[7, 9] = 1
    found = Region.from_mask(dot, (100, 100))
    assert found is not None
    assert found.box == (9, 7, 10, 8)


def test_a_box_outside_the_film_names_the_film() -> None:
    with pytest.raises(RegionError, match="60x100"):
        Region.drawn((10, 10, 61, 50), (100, 60))


def test_a_region_is_seen_close_wide_and_with_its_whole_film() -> None:
    region = Region(40, 30, 60, 50, Origin.drawn)
    assert region.seen(View.region, (100, 80)) == region.square() == (37, 27, 63, 53)
    assert region.seen(View.context, (100, 80)) == (24, 14, 76, 66)
    assert region.seen(View.film, (100, 80)) == (-10, 0, 90, 100)


def test_a_whole_film_looks_the_same_in_every_view() -> None:
    assert {Region.whole((100, 80)).seen(view, (100, 80)) for view in View} == {(-10, 0, 90, 100)}


@pytest.mark.parametrize("view", View)
def test_room_grows_about_the_centre(view: View) -> None:
    region = Region(40, 30, 61, 50, Origin.drawn)
    near, far = region.seen(view, (100, 80)), region.seen(view, (100, 80), room=1.5)
    assert far[2] - far[0] == far[3] - far[1] == int(np.ceil(1.5 * (near[2] - near[0])))
    assert abs((near[0] + near[2]) - (far[0] + far[2])) <= 1
