"""Films with bright discs as lesions, small enough to learn in seconds."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.region import Origin, View
from engine.segmentation.recipe import SegmentRecipe, load_segment_recipe
from engine.training.films import TrainingFilm, TrainingSet, training_side
from engine.training.recipe import Scale

SIZE = 64


def disc_film(seed: int, *, lesion: bool = True) -> TrainingFilm:
    """A dim shaft on noise, with a bright disc on it or without."""
    rng = np.random.default_rng(seed)
    side = training_side(SIZE)
    grey = rng.integers(0, 40, (side, side)).astype(np.uint8)
    grey[:, side // 3 : 2 * side // 3] += 60
    y, x = np.mgrid[:side, :side]
    middle, radius = rng.uniform(0.38, 0.62, 2) * side, rng.uniform(6, 11)
    mask = (y - middle[0]) ** 2 + (x - middle[1]) ** 2 < radius**2
    if lesion:
        grey[mask] = 240
    return TrainingFilm(
        cuts=np.stack([np.zeros_like(grey), grey]),
        sha256=f"{seed:064x}",
        origin=Origin.whole,
        patient=f"p{seed}",
        group=f"g{seed // 2}",
        entity="osteochondroma" if lesion else "no tumour",
        mask=mask if lesion else None,
        centre=str(1 + seed % 2),
    )


@pytest.fixture(scope="session")
def discs() -> Callable[[int, int], TrainingSet]:
    """A training set of so many films with a disc and so many without; views context and film."""

    def make(lesions: int, empty: int) -> TrainingSet:
        films = [disc_film(seed, lesion=seed < lesions) for seed in range(lesions + empty)]
        return TrainingSet(tuple(films), (View.context, View.film), SIZE, "discs")

    return make


@pytest.fixture(scope="session")
def recipe() -> SegmentRecipe:
    """The default at its small scale, smaller still."""
    return load_segment_recipe("segment-unet", Scale.small).model_copy(
        update={
            "size": SIZE,
            "epochs": 2,
            "batch": 8,
            "coarse_size": None,
            "held_out": 0.25,
            "most_films": None,
            "mirror": True,
        }
    )
