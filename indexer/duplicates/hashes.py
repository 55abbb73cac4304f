"""Perceptual hashes: the signs of a film's lowest frequencies, once of the whole film and once without its borders.

After the pHash of N. Krawetz (2011; Zauner 2010), with signs taken about zero in place of the median, and without the
constant term. Then a mirrored film changes sign at the odd frequencies, a turned one swaps axes and an inverted one
changes every sign, so one hash tells all sixteen versions of a film without a look at its pixels.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
Bits = npt.NDArray[np.bool_]

FREQUENCIES = 12
"""Kept along each axis. On btxrd and fracatlas 8 proposed some seven times as many wrong pairs at like recall, and 16
lost two in five of the films cropped by 4 %."""
BITS = FREQUENCIES**2 - 1
BYTES = FREQUENCIES**2 // 8
SIDE = 32
COARSE = 64
SAMPLED = 256
"""Points looked at along each side: averaging every pixel of a large film costs four times as much."""
BORDER = 12
"""Grey levels of 255 that a row or column at the edge may span and still be called border."""
SMALLEST_INSIDE = COARSE // 2
"""What must be left within the borders; else the film is dark, not framed."""
FLAT = 3.0
"""Standard deviation in grey levels of 255 under which a film shows nothing that could be recognised."""


class Pose(NamedTuple):
    """How a film lies: first axes swapped, then columns and rows reversed."""

    swapped: bool = False
    mirrored: bool = False
    flipped: bool = False

    def turn(self, picture: Grey) -> Grey:
        """A picture in this pose."""
        turned = picture.T if self.swapped else picture
        return np.ascontiguousarray(turned[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1])


POSES = tuple(Pose(*each) for each in itertools.product((False, True), repeat=3))
_GRID = np.arange(FREQUENCIES**2).reshape(FREQUENCIES, FREQUENCIES)
_ORDER = np.stack([(_GRID.T if pose.swapped else _GRID).ravel() for pose in POSES])
_ODD_ROW, _ODD_COLUMN = (axis.ravel() % 2 == 1 for axis in np.indices((FREQUENCIES, FREQUENCIES)))
_SIGNS = np.stack([(_ODD_COLUMN & pose.mirrored) ^ (_ODD_ROW & pose.flipped) for pose in POSES])


def all_poses(bits: Bits) -> Bits:
    """bool (8, 144): the hash, bool (144,), of the film in each of `POSES`, without a look at its pixels."""
    return np.asarray(bits[_ORDER] ^ _SIGNS, dtype=np.bool_)


class Match(NamedTuple):
    """A film that looks alike: which of the asking film's faces (`mine`) in which pose is like which of its faces.

    inverted: where dark and bright are exchanged. bits: how many differ.
    """

    film: int
    mine: int
    other: int
    pose: Pose
    inverted: bool
    bits: int


def perceptual_hash(grey: Grey) -> str:
    """The hash of a film in 36 hexadecimal digits, or 72 where it has borders: of all of it, then of what is inside.

    grey: uint8 (H, W). "" for a film that shows nothing.
    """
    points = cv2.resize(grey, (SAMPLED, SAMPLED), interpolation=cv2.INTER_LINEAR)
    coarse = np.asarray(cv2.resize(points, (COARSE, COARSE), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if coarse.std() < FLAT:
        return ""
    whole, rows, columns = _hash(coarse), *inside(coarse)
    if (rows.stop - rows.start, columns.stop - columns.start) == coarse.shape:
        return whole
    within = _hash(coarse[rows, columns])
    return whole if within == whole else whole + within


def inside(picture: Grey) -> tuple[slice, slice]:
    """Rows and columns of a square picture in 0..255 within its borders of one grey; all of it where they are most."""
    kept = []
    for axis in (1, 0):
        span = picture.max(axis) - picture.min(axis)
        busy = np.flatnonzero(span > BORDER)
        kept.append(slice(int(busy[0]), int(busy[-1]) + 1) if len(busy) else slice(0, 0))
    side = picture.shape[0]
    least = side * SMALLEST_INSIDE // COARSE
    if min(part.stop - part.start for part in kept) < least:
        return slice(0, side), slice(0, side)
    return kept[0], kept[1]


def _hash(picture: Grey) -> str:
    waves = cv2.dct(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32))
    bits = waves[:FREQUENCIES, :FREQUENCIES] > 0
    bits[0, 0] = False
    return np.packbits(bits).tobytes().hex()


def faces(phash: str) -> Iterator[Bits]:
    """The bits, bool (144,) by rows of frequencies, of the whole film and where there is one of its inside."""
    for start in range(0, len(phash), 2 * BYTES):
        packed = np.frombuffer(bytes.fromhex(phash[start : start + 2 * BYTES]), dtype=np.uint8)
        yield np.unpackbits(packed).astype(bool)
