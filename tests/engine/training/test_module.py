"""What a fit's module shows the network."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import RecipeError
from engine.training.augment_settings import Augmentation
from engine.training.films import TrainingSet
from engine.training.module import FilmModule
from engine.training.networks import Network
from engine.training.recipe import Recipe, checked
from engine.training.tensors import Tensors


def shown(films: TrainingSet, recipe: Recipe) -> torch.Tensor:
    """(n, views, size, size): a batch of all films, as the network gets it."""
    entities = tuple(sorted({str(film.entity) for film in films.films}))
    module = FilmModule(
        Network(recipe, len(entities)), recipe, Tensors.of(films, entities, None), len(entities), 0, None
    )
    return module._seen(torch.arange(len(films)), torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_some_films_lose_their_region(
    share: float, drawn_films: Callable[..., TrainingSet], tiny_recipe: Callable[..., Recipe]
) -> None:
    films = drawn_films(60)
    apart = tuple(  # the film view is the negative of the region
        replace(film, cuts=np.stack([film.cuts[0], 255 - film.cuts[0]])) for film in films.films
    )
    films = TrainingSet(apart, films.views, films.size, films.title)
    plain = tiny_recipe(lost_region=share, augment=Augmentation.only().model_dump())
    batch = shown(films, plain)
    lost = [torch.equal(region, film) for region, film in batch]
    assert np.mean(lost) == pytest.approx(share, abs=0.0 if share in (0.0, 1.0) else 0.2)


def test_without_the_whole_film_there_is_nothing_to_show_instead(tiny_recipe: Callable[..., Recipe]) -> None:
    fields = tiny_recipe().model_dump(mode="json") | {"views": ["region"], "lost_region": 0.1}
    with pytest.raises(RecipeError, match="lost_region = 0.1 shows films whole"):
        checked(Recipe, fields, "tiny")
