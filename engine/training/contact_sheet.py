"""A picture of what each augmentation does, to be looked at before a fit."""

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.training.augment import augment
from engine.training.augment_settings import ALL, Augmentation
from engine.training.films import ROOM

CAPTION = 18
"""Pixels of the line above each row that names it."""


def contact_sheet(
    cuts: Tensor, size: int, seed: int, settings: Augmentation | None = None, room: float = ROOM
) -> npt.NDArray[np.uint8]:
    """One row without augmentation, one for each alone, and one for all together; uint8 (rows, columns) of grey.

    cuts: as `augment` takes them; each row shows all films with all views, film after film. settings: of the strengths
    that are shown (every augmentation is drawn for every film, whatever its probability), and of the last row, which
    keeps the probabilities; None for the defaults.
    """
    settings = settings or Augmentation()
    rows = {"plain": Augmentation.only()} | {name: settings.only_with(name) for name in ALL} | {"all": settings}
    strips = [_row(name, augment(cuts, how, size, _seeded(seed), room)) for name, how in rows.items()]
    return np.concatenate(strips)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _row(name: str, pictures: Tensor) -> npt.NDArray[np.uint8]:
    side = pictures.shape[-1]
    grey = (pictures * 255).round().to(torch.uint8).reshape(-1, side, side).permute(1, 0, 2).reshape(side, -1)
    caption = np.zeros((CAPTION, grey.shape[1]), np.uint8)
    cv2.putText(caption, name, (4, CAPTION - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255, 1, cv2.LINE_AA)
    return np.concatenate([caption, grey.numpy()])
