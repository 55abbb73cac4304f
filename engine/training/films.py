"""The films that a fit sees: cut once, with room around them to turn and shift, and kept small in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.encoders.patch import cut
from engine.radiograph import Radiograph
from engine.region import Origin, Region, View

ROOM = 1.4
"""Side of a training cut over that of the square that serving sees, so that augmentation moves over film, not black."""

LOOSE_SCALE, LOOSE_SHIFT = (0.6, 1.8), 0.3
"""Sides of a loosened box over the region's, and the most that its centre lies off, in the region's sides."""

Cuts = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class TrainingFilm:
    """One film of a training set, without a person's identifier.

    cuts: uint8 (views, side, side), bone bright, in the order of the set's `views`, each with `ROOM` around it.
    mask: bool (side, side), the lesion on the `film` view with its room; None where nobody drew one.
    origin: of the region that was cut. sha256: of the file. patient, group: opaque; a group never stands on both sides
    of a split. entity, malignancy, centre, sex ("F" or "M"), position: None where unknown. age: years or None. site:
    the bones named, empty where unknown. position: along the bone (epiphysis .. diaphysis). loose: uint8 (n, side,
    side), the view `region` of boxes as a model or a hurried hand draws them; None where nobody asked for them.
    """

    cuts: Cuts
    sha256: str
    origin: Origin
    patient: str
    group: str
    entity: str | None = None
    malignancy: str | None = None
    mask: npt.NDArray[np.bool_] | None = None
    age: float | None = None
    sex: str | None = None
    site: tuple[str, ...] = ()
    position: str | None = None
    centre: str | None = None
    loose: Cuts | None = None


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Films that were cut alike. views: what `cuts` show, in order. size: side in pixels that the encoder will see."""

    films: tuple[TrainingFilm, ...]
    views: tuple[View, ...]
    size: int
    title: str

    def __len__(self) -> int:
        return len(self.films)

    def take(self, rows: Sequence[int] | npt.NDArray[np.int64]) -> "TrainingSet":
        """The films at these rows, in that order."""
        return TrainingSet(tuple(self.films[int(row)] for row in rows), self.views, self.size, self.title)

    def column(self, name: str) -> npt.NDArray[np.object_]:
        """One field of every film, object (n,)."""
        values = np.empty(len(self.films), dtype=object)
        values[:] = [getattr(film, name) for film in self.films]
        return values


def cut_for_training(film: Radiograph, region: Region, views: Sequence[View], size: int) -> Cuts:
    """uint8 (views, side, side): what an encoder of `size` sees of a film, with `ROOM` around it."""
    side = training_side(size)
    seen = [cut(film, region, side, view, ROOM) for view in views]
    return np.stack([np.round(255 * picture).astype(np.uint8) for picture in seen])


def loosened(region: Region, shape: tuple[int, int], rng: np.random.Generator) -> Region:
    """A box that misses a region on a film of `shape` as a model or a hurried hand would: shifted, larger or smaller.

    A whole film stays what it is.
    """
    if region.origin is Origin.whole:
        return region
    corner, most = np.array(region.box[:2]), np.array(shape[::-1])
    sides = np.array(region.box[2:]) - corner
    middle = corner + sides * (0.5 + rng.uniform(-LOOSE_SHIFT, LOOSE_SHIFT, 2))
    least, largest = np.log(LOOSE_SCALE)
    reach = sides / 2 * np.exp(rng.uniform(least, largest, 2))
    x0, y0 = np.clip(np.round(middle - reach), 0, most - 1).astype(int).tolist()
    x1, y1 = np.clip(np.round(middle + reach), 1, most).astype(int).tolist()
    return Region(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1), region.origin)


def training_side(size: int) -> int:
    """Side in pixels of the cuts for an encoder of `size`."""
    return int(np.ceil(size * ROOM))
