"""From a map of lesion probabilities to one box with a confidence; NumPy and OpenCV only."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from engine.region import Origin, Region, View
from engine.segmentation.card import Calibration

Map = npt.NDArray[np.float32]
"""float32 (side, side), 0..1: the probability of lesion on the film's square."""

EDGE = 1e-6
COMPANION = 0.5
"""Share of the chief part's probability from which another part is a lesion too."""


@dataclass(frozen=True)
class Proposal:
    """A box on the map, half-open (x0, y0, x1, y1) in its pixels, and the raw score 0..1; None: nothing is seen."""

    box: tuple[int, int, int, int] | None
    score: float


def propose_box(probability: Map, cut: float) -> Proposal:
    """The box around the connected parts (8 neighbours) of pixels over `cut` that hold most probability.

    A film may show several lesions, and its region is around all: beside the part that holds most, those count that
    hold at least `COMPANION` of as much. score: of the one that holds most, its mean probability times its highest: a
    small or faint part has little of either.
    """
    over = (probability >= cut).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(over, connectivity=8)
    if count < 2:
        return Proposal(None, 0.0)
    sums = np.bincount(labels.ravel(), weights=probability.ravel().astype(np.float64), minlength=count)
    best = 1 + int(np.argmax(sums[1:]))
    score = float(sums[best] / stats[best][cv2.CC_STAT_AREA] * probability[labels == best].max())
    parts = stats[1:][sums[1:] >= COMPANION * sums[best]]
    left, top = parts[:, :2].min(axis=0).tolist()
    right, bottom = (parts[:, :2] + parts[:, 2:4]).max(axis=0).tolist()
    return Proposal((left, top, right, bottom), min(score, 1.0))


def confident(score: float, calibration: Calibration) -> float:
    """The confidence 0..1 of a raw score; 0 where nothing was seen."""
    if score <= 0:
        return 0.0
    held = min(max(score, EDGE), 1 - EDGE)
    odds = calibration.slope * np.log(held / (1 - held)) + calibration.offset
    return float(1 / (1 + np.exp(-odds)))


def to_film(box: tuple[int, int, int, int], side: int, shape: tuple[int, int], confidence: float) -> Region | None:
    """A box on the map of `side` pixels as a region of a film of `shape`; None where it lies in the padding alone."""
    left, top, right, _ = Region.whole(shape).seen(View.film, shape)
    scale = (right - left) / side
    x0, y0 = (max(0, int(np.floor(start + edge * scale))) for start, edge in ((left, box[0]), (top, box[1])))
    x1, y1 = int(np.ceil(left + box[2] * scale)), int(np.ceil(top + box[3] * scale))
    x1, y1 = min(x1, shape[1]), min(y1, shape[0])
    if x0 >= x1 or y0 >= y1:
        return None
    return Region(x0, y0, x1, y1, Origin.segmented, confidence)
