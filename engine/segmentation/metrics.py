"""How well proposed regions fit the lesions: on pixels, and on the boxes that the encoder will see."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
"""(x0, y0, x1, y1), half-open, in any one unit."""

WORDS = {
    "iou": "IoU, pixels",
    "dice": "Dice, pixels",
    "box_iou": "IoU, boxes",
    "box_iou_median": "IoU, boxes, median",
    "centre_hit": "box centre within the lesion's box",
    "hit_rate": "lesion hit (centre, or IoU >= 0.3)",
    "used": "region used (confidence over the threshold)",
    "used_hit_rate": "lesion hit, where used",
    "empty_used": "region used on films without a lesion",
}
"""The shares of `Scores`, for people."""

HIT_IOU = 0.3
"""A box that shares this much with the lesion's is a hit even where its centre lies beside it."""


def box_iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(width * height / (areas - width * height))


def centre_hit(proposed: Box, lesion: Box) -> bool:
    """Whether the centre of a proposed box lies in the lesion's box."""
    x, y = (proposed[0] + proposed[2]) / 2, (proposed[1] + proposed[3]) / 2
    return lesion[0] <= x < lesion[2] and lesion[1] <= y < lesion[3]


def is_hit(proposed: Box | None, lesion: Box) -> bool:
    """The lesion hit: the centre lies in the lesion's box, or the boxes share `HIT_IOU`."""
    return proposed is not None and (centre_hit(proposed, lesion) or box_iou(proposed, lesion) >= HIT_IOU)


@dataclass(frozen=True)
class Outcome:
    """One film with a lesion, or without (`lesion` None). iou, dice: on pixels, None without a lesion.

    proposed: the best box, whatever its confidence, None where nothing was seen. used: whether it passed the threshold.
    """

    lesion: Box | None
    proposed: Box | None
    confidence: float
    used: bool
    iou: float | None = None
    dice: float | None = None
    centre: str | None = None


@dataclass(frozen=True)
class Scores:
    """Means over films with a lesion; nan where there is none. films, empty: how many, with and without a lesion.

    iou, dice: on pixels. box_iou, box_iou_median: of the best box, 0 where there is none. centre_hit: its centre lies
    in the lesion's box; hit_rate: that, or an IoU of `HIT_IOU`. used: share whose confidence passes the threshold;
    used_hit_rate: hits among those. empty_used: share of films without a lesion on which a region is used after all.
    """

    films: int
    empty: int
    iou: float
    dice: float
    box_iou: float
    box_iou_median: float
    centre_hit: float
    hit_rate: float
    used: float
    used_hit_rate: float
    empty_used: float

    def to_dict(self) -> dict[str, float]:
        """By name; counts as they are, shares to four digits."""
        return {name: round(value, 4) for name, value in asdict(self).items()}


def scores(outcomes: Sequence[Outcome]) -> Scores:
    """The scores of films that the segmenter did not learn from."""
    found = [each for each in outcomes if each.lesion is not None]
    empty = [each for each in outcomes if each.lesion is None]
    boxes = [box_iou(e.proposed, e.lesion) if e.proposed and e.lesion else 0.0 for e in found]
    hits = [e.lesion is not None and is_hit(e.proposed, e.lesion) for e in found]
    centred = [bool(e.proposed and e.lesion and centre_hit(e.proposed, e.lesion)) for e in found]
    used = [e.used for e in found]
    return Scores(
        films=len(found),
        empty=len(empty),
        iou=_mean([e.iou for e in found if e.iou is not None]),
        dice=_mean([e.dice for e in found if e.dice is not None]),
        box_iou=_mean(boxes),
        box_iou_median=float(np.median(boxes)) if boxes else float("nan"),
        centre_hit=_mean(centred),
        hit_rate=_mean(hits),
        used=_mean(used),
        used_hit_rate=_mean([hit for hit, use in zip(hits, used, strict=True) if use]),
        empty_used=_mean([e.used for e in empty]),
    )


def per_centre(outcomes: Sequence[Outcome]) -> dict[str, Scores]:
    """The scores of each centre apart, films of unknown centre left out."""
    names = sorted({each.centre for each in outcomes if each.centre is not None})
    return {name: scores([each for each in outcomes if each.centre == name]) for name in names}


def mask_box(mask: npt.NDArray[np.bool_]) -> Box | None:
    """The box around a mask's pixels, None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _mean(values: Sequence[float | bool]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
