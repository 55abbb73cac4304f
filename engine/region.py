"""The part of a film that is compared: a pixel box, its origin, and the one margin rule (Hinterwimmer 2024)."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from engine.errors import RegionError
from engine.said import Said

MARGIN = 0.15
"""Share of the lesion's longer side added on each side, so that its border zone is seen."""

CONTEXT = 2.0
"""The side of the context's square over that of the region's: how much bone around a lesion it shows."""

LEAST_SIDE = 8
"""Shortest side in film pixels of a box that a person draws: less is a slip of the hand and shows no lesion."""


class Origin(StrEnum):
    """How a region came to be."""

    whole = "whole"
    drawn = "drawn"
    mask = "mask"
    segmented = "segmented"


class View(StrEnum):
    """What an encoder looks at: the region itself, the bone around it, or all of the film."""

    region = "region"
    context = "context"
    film = "film"


@dataclass(frozen=True)
class Region:
    """Half-open box in full film pixels: columns x0 <= x < x1, rows y0 <= y < y1.

    confidence: 0..1 of a model's best proposal; a whole film has one where that proposal was not sure enough.
    None where a person or the file gave the region, or nobody looked for one.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    origin: Origin
    confidence: float | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            told = "region {box} is empty or negative; give x0,y0,x1,y1 in film pixels with x0 < x1 and y0 < y1"
            raise RegionError(Said("region_empty", told, box=str(self.box)))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1)."""
        return self.x0, self.y0, self.x1, self.y1

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> "Region":
        """All of a film of `shape` (rows, columns)."""
        return cls(0, 0, shape[1], shape[0], Origin.whole)

    @classmethod
    def drawn(cls, box: tuple[int, int, int, int], shape: tuple[int, int]) -> "Region":
        """A box drawn by a person on a film of `shape`.

        Raises:
            RegionError: where the box is empty, leaves the film, or has under `LEAST_SIDE` pixels on a side.
        """
        region = cls(*box, Origin.drawn)
        region.check(shape)
        width, height = region.x1 - region.x0, region.y1 - region.y0
        if min(width, height) < LEAST_SIDE:
            told = (
                "region {box} has {width}x{height} pixels; a drawn region needs at least {least} on each side, draw it "
                "around the whole lesion"
            )
            named = str(region.box)
            raise RegionError(Said("region_small", told, box=named, width=width, height=height, least=LEAST_SIDE))
        return region

    @classmethod
    def from_mask(cls, mask: npt.NDArray[np.generic], shape: tuple[int, int]) -> "Region | None":
        """The bounding box of a lesion mask (rows, columns), any dtype, nonzero = lesion; None where it is empty.

        A mask drawn at another scale than the film's `shape` is scaled to it.
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return None
        sy, sx = shape[0] / mask.shape[0], shape[1] / mask.shape[1]
        x0, x1 = int(columns[0] * sx), int(np.ceil((columns[-1] + 1) * sx))
        y0, y1 = int(rows[0] * sy), int(np.ceil((rows[-1] + 1) * sy))
        return cls(x0, y0, min(x1, shape[1]), min(y1, shape[0]), Origin.mask)

    def check(self, shape: tuple[int, int]) -> None:
        """Refuse a region that leaves a film of `shape` (rows, columns)."""
        if self.x1 > shape[1] or self.y1 > shape[0]:
            told = "region {box} leaves the film, which has {columns}x{rows} pixels; draw it inside"
            raise RegionError(Said("region_outside", told, box=str(self.box), columns=shape[1], rows=shape[0]))

    def seen(self, view: View, shape: tuple[int, int], room: float = 1.0) -> tuple[int, int, int, int]:
        """The square (x0, y0, x1, y1) in film pixels that a view of this region on a film of `shape` shows.

        A region that is the whole film has one square for all views. room: side over that of the plain square, about
        the same centre, so that training can turn and shift what it sees. The square may leave the film.
        """
        whole = self.origin is Origin.whole
        box = Region.whole(shape).square() if view is View.film and not whole else self.square()
        factor = room * (CONTEXT if view is View.context and not whole else 1.0)
        if factor == 1.0:
            return box
        side = int(np.ceil((box[2] - box[0]) * factor))
        x0, y0 = (int(np.floor((box[axis] + box[axis + 2] - side) / 2)) for axis in (0, 1))
        return x0, y0, x0 + side, y0 + side

    def square(self) -> tuple[int, int, int, int]:
        """The square that is embedded: 15 % margin on every side, centred, in film pixels (x0, y0, x1, y1).

        It may leave the film, where the encoder sees black. A whole film gets no margin: it is padded to a square.
        """
        width, height = self.x1 - self.x0, self.y1 - self.y0
        margin = 0.0 if self.origin is Origin.whole else MARGIN
        side = int(np.ceil(max(width, height) * (1 + 2 * margin)))
        x0 = int(np.floor((self.x0 + self.x1 - side) / 2))
        y0 = int(np.floor((self.y0 + self.y1 - side) / 2))
        return x0, y0, x0 + side, y0 + side
