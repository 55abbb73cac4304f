"""From a region of a film to the picture that an encoder sees. Pure NumPy and OpenCV."""

import math

import cv2
import numpy as np
import numpy.typing as npt

from engine.radiograph import Radiograph
from engine.region import Region

Grey = npt.NDArray[np.float32]


def cut(film: Radiograph, region: Region, size: int) -> Grey:
    """The region's square as float32 (size, size), 0..1; black where it leaves the film.

    Each pixel is the mean over its area of the film where the square shrinks, and interpolated linearly where it
    grows; borders are true to half a stored pixel. Only the part inside the film is resized.

    Raises:
        RegionError: a region that leaves its film (its margin may).
    """
    region.check(film.shape)
    x0, y0, x1, _ = region.square()
    step = (x1 - x0) / size
    top, bottom, rows = _span(y0, step, size, film.shape[0], film.pixels.shape[0])
    left, right, columns = _span(x0, step, size, film.shape[1], film.pixels.shape[1])
    part = _part(film.pixels, rows, columns)
    shape = (right - left, bottom - top)
    shrinks = part.shape[0] >= shape[1] and part.shape[1] >= shape[0]
    inside = cv2.resize(part, shape, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    if inside.shape == (size, size):
        return np.asarray(inside, np.float32)
    picture = np.zeros((size, size), np.float32)
    picture[top:bottom, left:right] = inside
    return picture


def _span(start: int, step: float, size: int, full: int, stored: int) -> tuple[int, int, tuple[int, int]]:
    """Along one axis: the first and last + 1 of the square's pixels that touch the film, and their stored pixels.

    start: of the square, in full pixels. step: full pixels per pixel of the square. The stored span may reach over
    the film's ends by less than one step, to be filled with black.
    """
    first = max(0, math.floor(-start / step))
    last = min(size, math.ceil((full - start) / step))
    scale = stored / full
    low = round((start + first * step) * scale)
    high = round((start + last * step) * scale)
    low = min(low, stored - 1)
    return first, last, (low, max(high, low + 1, 1))


def _part(pixels: Grey, rows: tuple[int, int], columns: tuple[int, int]) -> Grey:
    """pixels[rows, columns], with black where a span reaches over the ends."""
    inside = pixels[max(rows[0], 0) : rows[1], max(columns[0], 0) : columns[1]]
    above, before = max(-rows[0], 0), max(-columns[0], 0)
    below, after = max(rows[1] - pixels.shape[0], 0), max(columns[1] - pixels.shape[1], 0)
    if not (above or below or before or after):
        return inside
    return np.asarray(cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_CONSTANT, value=0), np.float32)


def normalise(picture: Grey, mean: tuple[float, ...], std: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """float32 (3, size, size): the grey picture three times, each less its mean and over its std."""
    channels = np.empty((len(mean), *picture.shape), np.float32)
    for channel, centre, spread in zip(channels, mean, std, strict=True):
        np.multiply(picture, np.float32(1 / spread), out=channel)
        channel -= np.float32(centre / spread)
    return channels
