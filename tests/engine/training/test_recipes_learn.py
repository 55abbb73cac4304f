"""Every recipe at its small scale, against chance: patients that taught nothing find their kind."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engine.training.films import TrainingSet, training_side
from engine.training.inference import embed_films
from engine.training.members import fit_recipe
from engine.training.recipe import Recipe, Scale, load_recipe, recipe_names
from engine.training.tensors import Tensors

FILMS, TAUGHT, ENTITIES = 96, 66, 3


def seen_by(recipe: Recipe, films: TrainingSet) -> TrainingSet:
    """The films as if they had been cut for a recipe's views and size."""
    side = training_side(recipe.size)
    made = []
    for film in films.films:
        views = [cv2.resize(film.cuts[0], (side, side), interpolation=cv2.INTER_LINEAR)] * len(recipe.views)
        made.append(replace(film, cuts=np.stack(views)))
    return TrainingSet(tuple(made), tuple(recipe.views), recipe.size, films.title)


QUICK = ("default",)
"""Recipes of which `make test` sees that they learn; `make test-slow` sees the others."""
EACH = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in recipe_names()]


@pytest.mark.parametrize("name", EACH)
def test_small_beats_chance(name: str, drawn_films: Callable[..., TrainingSet]) -> None:
    recipe = load_recipe(name, Scale.small)
    films = seen_by(recipe, drawn_films(FILMS))
    taught, asked = films.take(range(TAUGHT)), films.take(range(TAUGHT, FILMS))
    assert not set(taught.column("group")) & set(asked.column("group"))
    made = fit_recipe(taught, recipe, 0, name="small")
    near, far = (
        embed_films(made.network, Tensors.of(part, made.entities, made.metadata)).vectors for part in (taught, asked)
    )
    nearest = (far @ near.T).argmax(axis=1)
    right = (taught.column("entity")[nearest] == asked.column("entity")).mean()
    assert right > 2 / ENTITIES, f"{name}: {right:.2f} of the nearest films are of the film's entity"
