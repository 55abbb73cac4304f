"""Maps on films: an encoder's cells lie in the square that a view shows, and from there on the film."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.explain.match import Map, scaled
from engine.region import Region, View

Box = tuple[int, int, int, int]
LONG_SIDE = 256
"""Long side in pixels of a map drawn out over a film: its cells are coarse."""


@dataclass(frozen=True, eq=False)
class Heat:
    """A map of one view. square: (x0, y0, x1, y1) in film pixels, where the grid lies; it may leave the film.

    grid: float32 (h, w), 0..1; cells whose centre lies beyond the film are 0.
    """

    view: View
    square: tuple[int, int, int, int]
    grid: npt.NDArray[np.float32]


def heats(
    values: Map, views: Sequence[View], region: Region, shape: tuple[int, int], *, signed: bool = False
) -> tuple[Heat, ...]:
    """The maps (views, h, w) of a region on a film of `shape` (rows, columns), scaled together to 0..1.

    signed: 0 means something, as in a class activation: what speaks against is cut off, not the least made 0.
    """
    squares = [region.seen(view, shape) for view in views]
    on_film = np.stack([_on_film(square, values.shape[1:], shape) for square in squares])
    if signed:
        kept = np.where(on_film, np.maximum(values, 0), 0)
        top = float(kept.max())
        grids = np.asarray(kept / top if top > 0 else kept, np.float32)
    else:
        grids = scaled(values, on_film)
    return tuple(Heat(*each) for each in zip(views, squares, grids, strict=True))


def window(found: Sequence[Heat], shape: tuple[int, int]) -> Box:
    """The part of a film of `shape` that the views show, (x0, y0, x1, y1) in film pixels."""
    x0, y0 = (min(heat.square[axis] for heat in found) for axis in (0, 1))
    x1, y1 = (max(heat.square[axis] for heat in found) for axis in (2, 3))
    return max(x0, 0), max(y0, 0), min(x1, shape[1]), min(y1, shape[0])


def drawn_out(found: Sequence[Heat], box: Box, long_side: int = LONG_SIDE) -> npt.NDArray[np.float32]:
    """The maps of all views over a part of the film, added up, float32 0..1 with `long_side`; 0 where no view looks.

    box: (x0, y0, x1, y1) in film pixels. Between the centres of cells it is interpolated (bicubic); a place that two
    views show has the sum of both.
    """
    x0, y0, x1, y1 = box
    scale = long_side / max(x1 - x0, y1 - y0)
    rows, columns = (max(1, round(side * scale)) for side in (y1 - y0, x1 - x0))
    y = y0 + (np.arange(rows) + 0.5) * (y1 - y0) / rows
    x = x0 + (np.arange(columns) + 0.5) * (x1 - x0) / columns
    total = np.sum([_placed(heat, y, x) for heat in found], axis=0, dtype=np.float32)
    top = float(total.max())
    return np.asarray(total / np.float32(top) if top > 1 else total)


def _placed(heat: Heat, y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """A map at film rows y and columns x."""
    x0, y0, x1, y1 = heat.square
    rows, columns = heat.grid.shape
    down, across = (y - y0) / (y1 - y0), (x - x0) / (x1 - x0)
    at_x, at_y = np.meshgrid((across * columns - 0.5).astype(np.float32), (down * rows - 0.5).astype(np.float32))
    found = cv2.remap(heat.grid, at_x, at_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    seen = ((down >= 0) & (down < 1))[:, None] & ((across >= 0) & (across < 1))[None]
    return np.where(seen, np.clip(found, 0, 1), np.float32(0))


def _on_film(square: tuple[int, int, int, int], grid: tuple[int, ...], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which cells of a grid over a square have their centre on the film."""
    x0, y0, x1, y1 = square
    y = y0 + (np.arange(grid[0]) + 0.5) * (y1 - y0) / grid[0]
    x = x0 + (np.arange(grid[1]) + 0.5) * (x1 - x0) / grid[1]
    return ((y >= 0) & (y < shape[0]))[:, None] & ((x >= 0) & (x < shape[1]))[None]
