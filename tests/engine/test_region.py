"""Regions: the margin rule, masks and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RegionError
from engine.region import Origin, Region

sides = st.integers(16, 400)


@given(rows=sides, columns=sides, data=st.data())
def test_drawn_square_holds_the_box_with_its_margin(rows: int, columns: int, data: st.DataObject) -> None:
    x0, y0 = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, columns)), data.draw(st.integers(y0 + 1, rows))
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


def test_a_box_outside_the_film_names_the_film() -> None:
    with pytest.raises(RegionError, match="60x100"):
        Region.drawn((10, 10, 61, 50), (100, 60))
