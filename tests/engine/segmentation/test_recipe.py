"""Every shipped recipe of a segmenter is valid at every scale, and a wrong one is refused by name."""

from pathlib import Path

import pytest

from engine.errors import RecipeError
from engine.segmentation.recipe import Architecture, load_segment_recipe, segment_recipe_names
from engine.training.recipe import Scale, recipe_names


@pytest.mark.parametrize("name", segment_recipe_names())
def test_shipped_recipes_hold_at_every_scale(name: str) -> None:
    plain = load_segment_recipe(name)
    assert plain.name == name
    for scale in Scale:
        assert load_segment_recipe(name, scale).net.architecture is plain.net.architecture
    paper = load_segment_recipe(name, Scale.paper)
    assert (paper.size, paper.net.encoder, paper.net.half) == (256, "resnet34", False)


def test_the_five_networks_of_the_paper_are_there() -> None:
    found = {load_segment_recipe(name).net.architecture for name in segment_recipe_names()}
    assert found == set(Architecture)
    assert segment_recipe_names()[0] == "segment-unet"
    assert not set(segment_recipe_names()) & set(recipe_names())


def test_epochs_see_small_films_first() -> None:
    recipe = load_segment_recipe("segment-unet").model_copy(update={"epochs": 10, "coarse": 0.6, "coarse_size": 96})
    assert [recipe.size_at(epoch) for epoch in range(10)] == [96] * 6 + [recipe.size] * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('title = "t"\npaper = "p"\nsize = 100', "size = 100"),
        ('title = "t"\npaper = "p"\nlr = 1', "lr = 1"),
        ('title = "t"\npaper = "p"\n[net]\narchitecture = "vnet"', "net.architecture = 'vnet'"),
        ('title = "t"\npaper = "p"\n[net]\nencoder = "resnet34"', 'has weights of "lite0" only'),
        ('title = "t"\npaper = "p"\n[net]\narchitecture = "manet"\nhalf = true', "plain U-Net only"),
        ('title = "t"\npaper = "p"\n[net]\ndecoder = [8, 8]', "each of its 5 steps"),
        ("title = ", "is not TOML"),
    ],
)
def test_a_wrong_recipe_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "segment-own.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match="segment-own") as error:
        load_segment_recipe(file)
    assert said in str(error.value)


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(RecipeError, match="segment-unetpp"):
        load_segment_recipe("segment-vnet")
