"""What a trained network sees on films that it did not learn from, and what its score is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch import nn
from torchmetrics.functional.classification import binary_accuracy, binary_f1_score

from engine.segmentation.card import Calibration
from engine.segmentation.data import SegmentTensors, plain
from engine.segmentation.metrics import Outcome, is_hit, mask_box
from engine.segmentation.networks import GREY, Probability
from engine.segmentation.proposal import EDGE, confident, propose_box

CHUNK = 16
RIDGE = 1e-2
"""Pull of the calibration towards slope 1 and offset 0, which few films need."""


@dataclass(frozen=True, eq=False)
class Seen:
    """float32 probabilities and bool masks (n, size, size) of films, in their order."""

    maps: npt.NDArray[np.float32]
    masks: npt.NDArray[np.bool_]


@torch.inference_mode()
def look(network: nn.Module, films: SegmentTensors, size: int, *, mirror: bool = False) -> Seen:
    """The maps that a network, in eval mode, makes of films as serving cuts them; mirror: see `Probability`."""
    maps, masks, probability = [], [], Probability(network, mirror=mirror)
    for start in range(0, len(films), CHUNK):
        picture, mask = plain(films.cuts[start : start + CHUNK], films.masks[start : start + CHUNK], size)
        maps.append(probability((picture - GREY) / GREY).numpy())
        masks.append(mask.numpy() > 0)
    return Seen(np.concatenate(maps), np.concatenate(masks))


def pixel_scores(seen: Seen, cut: float) -> tuple[npt.NDArray[np.float64], ...]:
    """IoU, Dice and accuracy of each film's pixels, each (n,). IoU = Dice / (2 - Dice), film by film."""
    maps, masks = torch.from_numpy(seen.maps).flatten(1), torch.from_numpy(seen.masks).flatten(1).int()
    dice = binary_f1_score(maps, masks, threshold=cut, multidim_average="samplewise").double().numpy()
    accuracy = binary_accuracy(maps, masks, threshold=cut, multidim_average="samplewise").double().numpy()
    return dice / (2 - dice), dice, accuracy


def calibrate(seen: Seen, cut: float) -> Calibration:
    """Platt scaling of the raw score to the share of proposals that hit the lesion; a film without one is no hit."""
    proposals = [propose_box(one, cut) for one in seen.maps]
    odds, hits = [], []
    for proposal, mask in zip(proposals, seen.masks, strict=True):
        lesion = mask_box(mask)
        if proposal.box is not None:
            held = min(max(proposal.score, EDGE), 1 - EDGE)
            odds.append(np.log(held / (1 - held)))
            hits.append(lesion is not None and is_hit(proposal.box, lesion))
    if not hits:
        return Calibration()
    slope, offset = _platt(np.array(odds), np.array(hits, dtype=np.float64))
    return Calibration(slope, offset, len(hits))


def _platt(odds: npt.NDArray[np.float64], hits: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset of the logistic curve through hits; targets drawn in from 0 and 1 as Platt (1999) does."""
    positive, negative = hits.sum(), len(hits) - hits.sum()
    targets = np.where(hits > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))

    def cost(line: npt.NDArray[np.float64]) -> float:
        z = line[0] * odds + line[1]
        loss = np.logaddexp(0, z) - targets * z
        return float(loss.mean() + RIDGE * ((line[0] - 1) ** 2 + line[1] ** 2) / 2)

    found = minimize(cost, np.array([1.0, 0.0]), bounds=[(EDGE, None), (None, None)])
    return float(found.x[0]), float(found.x[1])


def outcomes(
    seen: Seen, cut: float, calibration: Calibration, threshold: float, centres: Sequence[str | None]
) -> list[Outcome]:
    """What became of each film; boxes in pixels of its map."""
    iou, dice, _ = pixel_scores(seen, cut)
    told = []
    for row, (one, mask) in enumerate(zip(seen.maps, seen.masks, strict=True)):
        proposal, lesion = propose_box(one, cut), mask_box(mask)
        confidence = confident(proposal.score, calibration)
        used = proposal.box is not None and confidence >= threshold
        pixels = {} if lesion is None else {"iou": float(iou[row]), "dice": float(dice[row])}
        told.append(Outcome(lesion, proposal.box, confidence, used, centre=centres[row], **pixels))
    return told
