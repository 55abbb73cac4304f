"""Boxes from drags and typed edges, and the close-up around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.region import LEAST_SIDE, Region
from ui.boxes import LEAST, Typed, close_up, from_drag, from_edges

SIDES = st.integers(LEAST, 3000)
FLOATS = st.floats(-500, 3500)


@given(SIDES, SIDES, st.tuples(FLOATS, FLOATS), st.tuples(FLOATS, FLOATS))
def test_property_a_drag_makes_a_region_that_the_engine_takes(
    rows: int, columns: int, x: tuple[float, float], y: tuple[float, float]
) -> None:
    box = from_drag(x, y, rows, columns)
    if box is None:
        held = [(max(0, min(edge, limit))) for pair, limit in ((x, columns), (y, rows)) for edge in pair]
        assert min(abs(held[0] - held[1]), abs(held[2] - held[3])) <= LEAST
    else:
        assert Region.drawn(box, (rows, columns)).box == box


def test_a_drag_is_rounded_to_the_nearest_edge_in_any_direction() -> None:
    assert from_drag((99.6, 10.4), (300.5001, 20.2), 400, 200) == (10, 20, 100, 301)


def test_a_drag_beyond_the_film_ends_at_its_edge() -> None:
    assert from_drag((-20, 1e9), (-3, 50), 400, 200) == (0, 0, 200, 50)


def test_a_click_is_no_box() -> None:
    assert from_drag((10, 11), (10, 200), 400, 200) is None


def test_the_page_takes_what_the_engine_takes() -> None:
    assert LEAST == LEAST_SIDE


def test_typed_edges_too_close_say_the_least() -> None:
    typed = from_edges([10, 10, 11, 90], 100, 100)
    assert typed == Typed(
        None, "The region 10, 10, 11, 90 is 1 x 80 pixels; mark the whole lesion, at least 8 pixels on each side."
    )
    assert from_edges([10, 10, 18, 18], 100, 100) == Typed((10, 10, 18, 18))


@given(st.integers(1, 3000), st.integers(1, 3000), st.lists(st.integers(-10, 3010), min_size=4, max_size=4))
def test_property_typed_edges_are_a_region_or_say_why(rows: int, columns: int, edges: list[int]) -> None:
    typed = from_edges(edges, rows, columns)
    assert (typed.box is None) == (typed.error is not None)
    if typed.box is not None:
        assert Region.drawn(typed.box, (rows, columns)).box == tuple(edges)
    else:
        assert f"{columns} x {rows}" in str(typed.error) or "at least 8 pixels" in str(typed.error)


def test_edges_still_missing_are_no_error() -> None:
    assert from_edges([10, None, 30, 40], 100, 100) == Typed(None)


@given(st.data(), st.integers(1, 3000), st.integers(1, 3000))
def test_property_a_close_up_shows_the_box_inside_the_film(data: st.DataObject, rows: int, columns: int) -> None:
    x0, y0 = data.draw(st.integers(0, columns - 1)), data.draw(st.integers(0, rows - 1))
    box = x0, y0, data.draw(st.integers(x0 + 1, columns)), data.draw(st.integers(y0 + 1, rows))
    seen = close_up(box, rows, columns)
    assert 0 <= seen[0] <= box[0] < box[2] <= seen[2] <= columns
    assert 0 <= seen[1] <= box[1] < box[3] <= seen[3] <= rows


@pytest.mark.parametrize(
    ("box", "seen"), [((400, 400, 500, 500), (340, 340, 560, 560)), ((0, 0, 100, 100), (0, 0, 220, 220))]
)
def test_close_ups(box: tuple[int, int, int, int], seen: tuple[int, int, int, int]) -> None:
    assert close_up(box, 1000, 1000) == seen
