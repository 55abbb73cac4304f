"""What a fit's module shows the network."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import RecipeError
from engine.region import Origin, Region
from engine.segmentation.metrics import box_iou
from engine.training.augment_settings import Augmentation
from engine.training.films import TrainingSet, loosened
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


def test_some_regions_are_missed_but_not_those_of_whole_films(
    drawn_films: Callable[..., TrainingSet], tiny_recipe: Callable[..., Recipe]
) -> None:
    side = drawn_films(1).films[0].cuts.shape[-1]
    grey = [np.full((side, side), level, np.uint8) for level in (50, 100, 200)]
    made = tuple(
        replace(film, cuts=np.stack(grey[:2]), loose=np.stack([grey[2], grey[2] + 1])) for film in drawn_films(90).films
    )
    films = TrainingSet(made, drawn_films(1).views, drawn_films(1).size, "drawn films")
    recipe = tiny_recipe(lost_region=0.2, loose_region=0.4, augment=Augmentation.only().model_dump())
    batch = ((shown(films, recipe).mean(dim=(2, 3)) + 1) * 255 / 2).round().int()
    assert {(int(region), int(film)) for region, film in batch} == {(50, 100), (100, 100), (200, 100), (201, 100)}
    assert (batch[:, 0] >= 200).float().mean() == pytest.approx(0.4, abs=0.15)
    assert (batch[:, 0] == 100).float().mean() == pytest.approx(0.2, abs=0.15)


def test_a_loosened_box_misses_its_region_and_stays_on_the_film() -> None:
    rng, region = np.random.default_rng(0), Region(40, 60, 80, 90, Origin.mask)
    boxes = [loosened(region, (120, 100), rng) for _ in range(200)]
    for box in boxes:
        box.check((120, 100))
        assert box.origin is Origin.mask
    shared = [box_iou(box.box, region.box) for box in boxes]
    assert 0.1 < np.quantile(shared, 0.05) < np.median(shared) < 0.8 < max(shared)
    whole = Region.whole((120, 100))
    assert loosened(whole, (120, 100), rng) == whole
    tiny = Region(0, 0, 1, 1, Origin.mask)
    assert all(loosened(tiny, (2, 2), rng).x1 <= 2 for _ in range(20))


def test_without_the_whole_film_there_is_nothing_to_show_instead(tiny_recipe: Callable[..., Recipe]) -> None:
    fields = tiny_recipe().model_dump(mode="json") | {"views": ["region"], "lost_region": 0.1}
    with pytest.raises(RecipeError, match="lost_region = 0.1 shows films whole"):
        checked(Recipe, fields, "tiny")
