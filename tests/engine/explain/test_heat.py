"""Maps find their way back to the pixels that they were made of."""

from pathlib import Path

import numpy as np
import pytest

from engine.encoders import open_encoder
from engine.encoders.patch import cut
from engine.explain import agreement, drawn_out, heats, laid_over, look, overlay, window
from engine.radiograph import Radiograph
from engine.region import Origin, Region, View

SHAPE = (300, 200)


@pytest.mark.parametrize("view", View)
@pytest.mark.parametrize("box", [(20, 40, 90, 100), (120, 200, 200, 300), (0, 0, 30, 280)])
def test_a_map_of_the_picture_itself_falls_on_the_bright_spot(view: View, box: tuple[int, int, int, int]) -> None:
    region = Region(*box, Origin.drawn)
    x, y = (box[0] + box[2]) // 2, box[1] + (box[3] - box[1]) // 4
    pixels = np.zeros(SHAPE, np.float32)
    pixels[y - 6 : y + 7, x - 6 : x + 7] = 1
    picture = cut(Radiograph(pixels, "0" * 64, "spot"), region, 28, view)
    found = heats(picture[np.newaxis], [view], region, SHAPE)
    drawn = drawn_out(found, (0, 0, 200, 300), 300)
    assert drawn.shape == SHAPE
    bright = np.argwhere(drawn > 0.5)
    assert np.abs(bright.mean(axis=0) - (y, x)).max() < 6
    x0, y0, x1, y1 = window(found, SHAPE)
    assert x0 <= x < x1 and y0 <= y < y1
    part = drawn_out(found, (x0, y0, x1, y1), 100)
    top = np.argwhere(part > 0.5).mean(axis=0) * max(x1 - x0, y1 - y0) / 100 + (y0, x0)
    assert np.abs(top - (y, x)).max() < 6


def test_cells_beyond_the_film_set_no_scale() -> None:
    whole = Region.whole((100, 50))  # the square leaves the film by 25 pixels on either side
    values = np.array([[[9, 1, 2, -9], [9, 1, 1, -9], [9, 1, 1, -9], [9, 1, 1, -9]]], np.float32)
    (heat,) = heats(values, [View.region], whole, (100, 50))
    assert heat.square == (-25, 0, 75, 100)
    assert heat.grid.tolist()[0] == [0, 0, 1, 0]


def test_signed_maps_keep_their_zero() -> None:
    values = np.array([[[-1, 0], [1, 4]]], np.float32)
    (heat,) = heats(values, [View.region], Region.whole((64, 64)), (64, 64), signed=True)
    assert heat.grid.tolist() == [[0, 0], [0.25, 1]]
    (none,) = heats(-values - 4, [View.region], Region.whole((64, 64)), (64, 64), signed=True)
    assert not none.grid.any()


def test_views_share_one_scale_and_add_up() -> None:
    values = np.stack([np.full((2, 2), 4), np.full((2, 2), 2)]).astype(np.float32)
    values[1, 0, 0] = 0
    region = Region(40, 40, 60, 60, Origin.drawn)
    found = heats(values, [View.region, View.film], region, (100, 100))
    assert [heat.grid.max() for heat in found] == [1, 0.5]
    drawn = drawn_out(found, (0, 0, 100, 100), 100)
    assert drawn[40:60, 40:60].min() > 0.6 > drawn[:30].max()  # both views look at the middle
    assert drawn[90, 90] == pytest.approx(0.5 / 1.5, abs=0.1)


def test_overlay_shows_what_is_high_and_leaves_the_rest() -> None:
    heat = np.zeros((40, 60), np.float32)
    heat[10:20, 30:45] = 1
    tint = overlay(heat)
    assert (tint.shape, tint.dtype) == ((40, 60, 4), np.uint8)
    assert tint[5, 5, 3] == 0 < tint[15, 37, 3] < 255
    film = laid_over(np.full((80, 120), 0.5, np.float32), heat, 60)
    assert film.shape == (40, 60, 3)
    assert film[5, 5].tolist() == [128, 128, 128]
    assert np.ptp(film[15, 37].astype(int)) > 40  # coloured


def test_a_film_agrees_with_itself_in_all_its_parts(encoder_cache: Path) -> None:
    embedder = open_encoder("default", encoder_cache, threads=1)
    rng = np.random.default_rng(0)
    one, two = (Radiograph(rng.random((160, 120), np.float32), "0" * 64, "noise") for _ in range(2))
    region = Region(30, 40, 90, 120, Origin.drawn)
    query, same, other = (
        look(embedder, one, region),
        look(embedder, one, region),
        look(embedder, two, Region.whole((160, 120))),
    )
    itself = agreement(query, same)
    assert itself.exact and itself.similarity == pytest.approx(1, abs=1e-5)
    assert np.array_equal(itself.query[0].grid, itself.neighbour[0].grid)
    both = agreement(query, other)
    assert both.exact and both.similarity < itself.similarity
    assert both.query[0].square == region.square()
    assert both.neighbour[0].grid.shape == (7, 7)
    assert both.neighbour[0].square == (-20, 0, 140, 160)
