"""Small drawn films and tiny networks with random weights, for fits of a second."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from engine.region import Origin, View
from engine.training.films import TrainingFilm, TrainingSet, training_side
from engine.training.recipe import Recipe

SIZE = 32
ENTITIES = ("bright", "rings", "dark")
SITES = ("femur", "tibia", "hip bone")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Fits of a second gain nothing by more, and lose much where others use the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw(number: int, per_patient: int) -> TrainingFilm:
    """Film `number` of patient number // per_patient, whose entity shows in its middle."""
    patient = number // per_patient
    entity = patient % len(ENTITIES)
    rng = np.random.default_rng(number)
    side = training_side(SIZE)
    grey = rng.normal(90, 25, (2, side, side))
    y, x = np.ogrid[:side, :side]
    distance = np.hypot(y - side // 2, x - side // 2)
    grey[:, distance < 9] += 90 if entity == 0 else 0
    grey[:, (distance < 13) & (distance % 5 < 2)] += 90 if entity == 1 else 0
    grey[:, distance < 12] -= 70 if entity == 2 else 0
    return TrainingFilm(
        np.clip(grey, 0, 255).astype(np.uint8),
        f"{number:064x}",
        Origin.mask,
        f"p{patient:03}",
        f"g{patient:03}",
        ENTITIES[entity],
        "malignant" if entity == 2 else "benign",
        age=None if number % 4 == 0 else 10.0 + 20 * entity,
        sex=(None, "F", "M")[number % 3],
        site=(SITES[entity],) if number % 5 else (),
    )


@pytest.fixture(scope="session")
def drawn_films() -> Callable[..., TrainingSet]:
    """films(n, per_patient=2): n films in two views, entities in turn by patient."""

    def films(n: int, per_patient: int = 2) -> TrainingSet:
        made = tuple(draw(number, per_patient) for number in range(n))
        return TrainingSet(made, (View.region, View.film), SIZE, "drawn films")

    return films


@pytest.fixture(scope="session")
def tiny_recipe() -> Callable[..., Recipe]:
    """recipe(**changes): a network of 0.2 million weights from random ones, two epochs."""

    def recipe(**changes: Any) -> Recipe:
        fields: dict[str, Any] = {
            "name": "tiny",
            "title": "Tiny",
            "paper": "none",
            "size": SIZE,
            "dimension": 8,
            "epochs": 2,
            "watch_every": 1,
            "backbone": {"name": "test_resnet", "start": "random", "freeze_blocks": 0, "frozen_norm": False},
            "batch": {"size": 8},
            "optimiser": {"backbone": 5e-3, "head": 5e-3},
        }
        return Recipe.model_validate(fields | changes)

    return recipe
