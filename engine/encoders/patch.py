"""From a region of a film to the picture that an encoder sees."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from engine.radiograph import Radiograph
from engine.region import Region, View

Grey = npt.NDArray[np.float32]
REMEMBERED = 512
"""Resamplings kept, some 10 kB each: an archive's whole films have few sizes."""


def cut(film: Radiograph, region: Region, size: int, view: View = View.region, room: float = 1.0) -> Grey:
    """The square that a view of the region shows (`Region.seen`), float32 (size, size), 0..1; black beyond the film.

    Each pixel is the mean over its area of the film where the square shrinks, pixels at its border counting by the
    share of them that lies within; where it grows, it is interpolated linearly.

    Raises:
        RegionError: a region that leaves its film (its margin may).
    """
    region.check(film.shape)
    x0, y0, x1, _ = region.seen(view, film.shape, room)
    top, bottom, down = _resampling(y0, x1 - x0, size, film.shape[0], film.pixels.shape[0])
    left, right, across = _resampling(x0, x1 - x0, size, film.shape[1], film.pixels.shape[1])
    # sparse products: as exact as a plain sum, and several times as fast as the area mean of an image library
    rows = down @ film.pixels[top:bottom, left:right]
    return np.asarray(cv2.transpose(across @ cv2.transpose(rows)), np.float32)


@lru_cache(REMEMBERED)
def _resampling(start: int, side: int, size: int, full: int, stored: int) -> tuple[int, int, csr_array]:
    """Along one axis: the span of stored pixels that is seen, and the weights (size, span) that make the picture of it.

    start, side: of the square in full pixels. full, stored: the film's length in full and in stored pixels.
    """
    shrinks = side * stored >= size * full
    cells, pixels, weights = (_means if shrinks else _between)(start, side, size, full, stored)
    low, high = (int(pixels.min()), int(pixels.max()) + 1) if len(pixels) else (0, 1)
    matrix = csr_array((weights.astype(np.float32), (cells, pixels - low)), shape=(size, high - low))
    return low, high, matrix


Weights = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]
"""Row, column and value of each entry."""


def _means(start: int, side: int, size: int, full: int, stored: int) -> Weights:
    """Means over areas: the ends of cells and of pixels cut the axis into pieces, each of one cell and one pixel."""
    unit = size * full  # of a stored pixel; in these units every end is a whole number
    cell, first = side * stored, start * size * stored
    ends = np.concatenate([first + cell * np.arange(size + 1), unit * np.arange(stored + 1)])
    ends = np.unique(ends[(ends >= max(first, 0)) & (ends <= min(first + cell * size, unit * stored))])
    begin, length = ends[:-1], np.diff(ends)
    return (begin - first) // cell, begin // unit, length / cell


def _between(start: int, side: int, size: int, full: int, stored: int) -> Weights:
    """Linear interpolation between the centres of pixels, level beyond the outermost; none outside the film."""
    centre = (start + (np.arange(size) + 0.5) * side / size) * stored / full
    cells = np.flatnonzero((centre >= 0) & (centre < stored))
    place = np.clip(centre[cells] - 0.5, 0, stored - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, stored - 1)
    share = place - below
    return np.tile(cells, 2), np.concatenate([below, above]), np.concatenate([1 - share, share])


def normalise(picture: Grey, mean: tuple[float, ...], std: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """float32 (len(mean), size, size): the grey picture as many times, each less its mean and over its std."""
    channels = np.empty((len(mean), *picture.shape), np.float32)
    for channel, centre, spread in zip(channels, mean, std, strict=True):
        np.multiply(picture, np.float32(1 / spread), out=channel)
        channel -= np.float32(centre / spread)
    return channels
