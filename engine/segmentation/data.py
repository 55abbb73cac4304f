"""Films and masks as tensors, and how they are bent together while a segmenter learns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import TrainingError
from engine.facts import NO_LESION
from engine.region import View
from engine.segmentation.recipe import Geometry, SegmentRecipe
from engine.training.augment import augment
from engine.training.films import ROOM, TrainingFilm, TrainingSet

LEAST_FILMS = 8


@dataclass(frozen=True, eq=False)
class SegmentTensors:
    """cuts, masks: uint8 (n, side, side), the whole film with `ROOM` and its lesion, 0 or 1. lesion: bool (n,)."""

    cuts: Tensor
    masks: Tensor
    lesion: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.cuts)

    @classmethod
    def of(cls, films: TrainingSet) -> "SegmentTensors":
        """All films of a set that shows the view `film`; one without mask counts as empty."""
        view = films.views.index(View.film)
        cuts = np.stack([film.cuts[view] for film in films.films])
        masks = np.stack([_mask(film, cuts.shape[1:]) for film in films.films])
        lesion = masks.reshape(len(masks), -1).max(axis=1) > 0
        return cls(torch.from_numpy(cuts), torch.from_numpy(masks), lesion)

    def to(self, device: torch.device) -> "SegmentTensors":
        """The same on another device."""
        return SegmentTensors(self.cuts.to(device), self.masks.to(device), self.lesion)


def too_few_masks(films: TrainingSet) -> str | None:
    """Why no segmenter can learn from a set; None where one can."""
    drawn = sum(bool(film.mask is not None and film.mask.any()) for film in films.films)
    if drawn >= LEAST_FILMS:
        return None
    return f"{drawn} films of {films.title} have a lesion mask, and a segmenter needs {LEAST_FILMS}"


def teachable(films: TrainingSet) -> TrainingSet:
    """The films that a segmenter can learn from: those with a drawn lesion, and those known to have none.

    Raises:
        TrainingError: no view of the whole film, or hardly a mask.
    """
    if View.film not in films.views:
        shown = ", ".join(films.views)
        raise TrainingError(f"a segmenter learns from whole films, these show {shown}; cut them with the view film too")
    rows = [row for row, film in enumerate(films.films) if film.mask is not None or film.entity == NO_LESION]
    if few := too_few_masks(films):
        raise TrainingError(f'{few}; draw some, or train without one (segmenter = "none")')
    return films.take(rows)


def _mask(film: TrainingFilm, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    return np.zeros(shape, np.uint8) if film.mask is None else film.mask.astype(np.uint8)


def plain(cuts: Tensor, masks: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Films as serving sees them, float32 (n, 1, size, size) 0..1, and masks, float32 (n, size, size), 0 or 1."""
    n = len(cuts)
    upright = torch.eye(2).expand(n, 2, 2)
    return _sample(cuts, masks, upright, torch.zeros(n, 2), size)


def bent(
    cuts: Tensor, masks: Tensor, recipe: SegmentRecipe, generator: torch.Generator, size: int | None = None
) -> tuple[Tensor, Tensor]:
    """Augmented films and masks, shaped as `plain`'s; the same state of the generator gives the same ones.

    size: None = the recipe's.
    """
    size = size or recipe.size
    turned, shift = _bend(len(cuts), recipe.geometry, generator)
    pictures, lesions = _sample(cuts, masks, turned, shift, size)
    still = recipe.greys.affine.model_copy(update={"probability": 0.0})
    greys = recipe.greys.model_copy(update={"affine": still})
    return augment(pictures, greys, size, generator, room=1.0), lesions


def _bend(n: int, how: Geometry, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inverse maps (n, 2, 2) and shifts (n, 2) in halves of the side: from a place in the new picture to the old."""
    draws = torch.rand(n, 7, generator=generator)
    angle = torch.deg2rad((2 * draws[:, 0] - 1) * how.degrees)
    scale, stretch = (_log_between(*ends, draws[:, i]) for i, ends in ((1, how.scale), (2, how.stretch)))
    shear = (2 * draws[:, 3] - 1) * how.shear
    side = torch.where(draws[:, 4] < how.flip, -1.0, 1.0)
    shift = 2 * (2 * draws[:, 5:7] - 1) * how.shift
    cosine, sine = angle.cos(), angle.sin()
    across, down = 1 / (scale * stretch.rsqrt()), 1 / (scale * stretch.sqrt())
    rows = [
        side * cosine * across,
        (shear * cosine - sine) * down,
        side * sine * across,
        (shear * sine + cosine) * down,
    ]
    return torch.stack(rows, dim=1).reshape(n, 2, 2), shift


def _log_between(low: float, high: float, draws: Tensor) -> Tensor:
    ends = torch.log(torch.tensor([low, high]))
    return torch.exp(ends[0] + (ends[1] - ends[0]) * draws)


def _sample(cuts: Tensor, masks: Tensor, turned: Tensor, shift: Tensor, size: int) -> tuple[Tensor, Tensor]:
    theta = torch.cat([turned, shift[:, :, None]], dim=2).to(cuts.device) / ROOM
    grid = functional.affine_grid(theta, [len(cuts), 1, size, size], align_corners=False)
    both = torch.stack([cuts.float() / 255, masks.float()], dim=1)
    seen = functional.grid_sample(both, grid, align_corners=False)
    return seen[:, :1], (seen[:, 1] >= 0.5).float()
