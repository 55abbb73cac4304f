"""Words and boxes of explanations."""

import pytest

from api.schemas import FilmMap, QueryFacts, ViewMap
from ui.explain import asked_box, place
from ui.figures import Shown, Tint, figure


def film_map(*grids: tuple[tuple[float, ...], ...]) -> FilmMap:
    maps = tuple(ViewMap("region", (0, 0, 30, 30), grid) for grid in grids)
    return FilmMap(100, 80, (0, 0, 30, 30), maps, "")


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (((0, 0, 1), (0, 0, 0), (0, 0, 0)), "upper right"),
        (((0, 0, 0), (0, 1, 0), (0, 0, 0)), "middle"),
        (((0, 0, 0), (0, 0, 0), (0.5, 0, 0)), "lower left"),
        (((0, 0), (0, 1)), "lower right"),
    ],
)
def test_place_in_words(grid: tuple[tuple[float, ...], ...], words: str) -> None:
    assert place(film_map(grid)) == words


def test_place_is_that_of_the_strongest_view() -> None:
    assert place(film_map(((0.1, 0), (0, 0)), ((0, 0), (1, 0)))) == "lower left"


@pytest.mark.parametrize(
    ("origin", "box"), [("whole", "whole"), ("drawn", (1, 2, 30, 40)), ("segmented", (1, 2, 30, 40))]
)
def test_the_region_that_was_asked_about(origin: str, box: object) -> None:
    facts = QueryFacts("a.png", 100, 80, (1, 2, 30, 40), origin, None, None, None, None, ())
    assert asked_box(facts) == box


def test_a_tint_lies_where_its_part_of_the_film_does() -> None:
    tint = Tint("AAAA", (20, 25, 60, 75), "brightest <here>", 0.4)
    drawn = figure(Shown(b"jpeg", 100, 80, "a film", tint=tint))
    assert 'alt="brightest &lt;here&gt;"' in drawn
    assert "left:25.0000%;top:25.0000%;width:50.0000%;height:50.0000%;opacity:0.40" in drawn
    box = (200, 250, 240, 300)
    close = figure(Shown(b"jpeg", 1000, 800, "a film", box, Tint("AAAA", box, "here")), zoomed=True)
    assert close.count("left:31.8182%;top:27.2727%") == 2  # box and tint alike
