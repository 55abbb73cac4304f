"""Two films at one physical scale where both have a spacing, and else fitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.boxes import Box
from ui.scale import BARS_MM, Measured, Seen, bar_mm, seen_together

SPACINGS = st.floats(0.05, 1.0)


@st.composite
def films(draw: st.DrawFn) -> Measured:
    rows, columns = draw(st.integers(50, 3000)), draw(st.integers(50, 3000))
    x0, y0 = draw(st.integers(0, columns - 10)), draw(st.integers(0, rows - 10))
    box = (x0, y0, draw(st.integers(x0 + 8, columns)), draw(st.integers(y0 + 8, rows)))
    return Measured(rows, columns, draw(st.sampled_from([box, None])), (draw(SPACINGS), draw(SPACINGS)))


def size_mm(film: Measured, seen: Seen) -> tuple[float, float]:
    assert film.spacing_mm is not None
    return (seen[2] - seen[0]) * film.spacing_mm[1], (seen[3] - seen[1]) * film.spacing_mm[0]


def holds(seen: Seen, part: Box) -> bool:
    slip = 1e-6 * max(1, *map(abs, seen))
    starts = seen[0] <= part[0] + slip and seen[1] <= part[1] + slip
    return starts and seen[2] >= part[2] - slip and seen[3] >= part[3] - slip


@given(films(), films(), st.booleans())
def test_property_both_show_as_many_millimetres_and_all_of_their_part(
    one: Measured, other: Measured, zoomed: bool
) -> None:
    first, second, to_scale = seen_together(one, other, zoomed)
    assert to_scale
    width, height = size_mm(one, first)
    assert (width, height) == (pytest.approx(width), pytest.approx(width))
    assert size_mm(other, second) == (pytest.approx(width), pytest.approx(width))
    assert holds(first, one.part(zoomed)) and holds(second, other.part(zoomed))


@given(films(), films(), st.booleans())
def test_property_a_frame_shows_no_black_where_there_is_film(one: Measured, other: Measured, zoomed: bool) -> None:
    seen, _, _ = seen_together(one, other, zoomed)
    for low, high, limit in ((seen[0], seen[2], one.columns), (seen[1], seen[3], one.rows)):
        if high - low <= limit:
            assert low >= -1e-6 and high <= limit + 1e-6
        else:
            assert low + high == pytest.approx(limit)


def test_without_a_spacing_each_is_fitted_to_its_region() -> None:
    known = Measured(1000, 800, (400, 400, 500, 500), (0.2, 0.2))
    unknown = Measured(1000, 800, (400, 400, 500, 500), None)
    assert seen_together(known, unknown, True) == ((340, 340, 560, 560), (340, 340, 560, 560), False)
    assert seen_together(unknown, known, False) == ((0, 0, 800, 1000), (0, 0, 800, 1000), False)


def test_a_film_of_half_the_spacing_shows_twice_the_pixels() -> None:
    coarse = Measured(1000, 1000, (400, 400, 500, 500), (0.4, 0.4))
    fine = Measured(2000, 2000, (800, 800, 1000, 1000), (0.2, 0.2))
    first, second, to_scale = seen_together(coarse, fine, True)
    assert to_scale and second == pytest.approx([2 * edge for edge in first])


@given(st.floats(1, 2000))
def test_property_a_scale_bar_is_short_enough_and_no_longer_one_would_be(width: float) -> None:
    bar = bar_mm(width)
    assert [each for each in BARS_MM if 3 * each <= width][-1:] == ([] if bar is None else [bar])
