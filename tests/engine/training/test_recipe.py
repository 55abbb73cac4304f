"""Recipes: shipped ones are right, wrong ones are refused with field, value and limit."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RecipeError
from engine.training.recipe import FOLDER, Recipe, Scale, load_recipe, recipe_names, to_toml

LEAST = 'title = "t"\npaper = "p"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(LEAST + text, encoding="utf-8")
    return path


@pytest.mark.parametrize("scale", [None, *Scale])
@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_read_at_every_scale_and_written_back(
    name: str, scale: Scale | None, tmp_path: Path
) -> None:
    recipe = load_recipe(name, scale)
    assert recipe.name == name
    path = tmp_path / f"{name}.toml"
    path.write_text(to_toml(recipe), encoding="utf-8")
    assert load_recipe(path) == recipe.model_copy(update={"scales": {}})


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_are_commented_and_have_a_small_scale(name: str) -> None:
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith("# ")
    small = load_recipe(name, Scale.small)
    assert small.most_films is not None and small.epochs <= 30
    assert small.backbone.start in {"packaged", "random"}  # it runs where no hub can be reached


def test_default_comes_first_and_needs_no_hub() -> None:
    assert recipe_names()[0] == "default"
    recipe = load_recipe("default")
    assert (recipe.backbone.name, recipe.backbone.start, recipe.dimension) == ("default", "packaged", 256)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = 0", ("mine.toml", "epochs", "0", "greater than or equal to 1")),
        ("size = 100", ("size", "100", "multiple of 32")),
        ("epohcs = 3", ("epohcs", "3", "not permitted")),
        ('views = ["region", "region"]', ("views", "once")),
        ('views = ["elbow"]', ("views.0", "elbow", "'region', 'context' or 'film'")),
        ('[backbone]\nname = "resnet18"', ("backbone", "resnet18", "imagenet")),
        ("[batch]\nentities = 4", ("batch", "P x K", "both or none")),
        ('[loss]\nmetric = "magic"', ("loss.metric", "magic", "supcon")),
        ("[loss]\nclassify = 0", ("classify", "apart")),
        ('head = "mlp"', ("MLP", "loss.metric")),
        ("early_stopping = 12", ("early_stopping = 12", "12 epochs")),
        ('views = ["region"]\nsegmenter = "segment-unet"', ("segmenter", "film")),
        ("[facts]\nage = 0.9\nsite = 0.5", ("facts", "under 1")),
        ("[scales.small]\nepochs = -1", ("scale small", "epochs", "-1")),
        ("[scales.huge]\nepochs = 1", ("scales.huge", "small")),
        ("epochs = [", ("mine.toml", "not TOML")),
    ],
)
def test_faults_are_named(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, text))
    for part in said:
        assert part in str(caught.value)


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"no recipe magic.*choose default"):
        load_recipe("magic")


NUMBERS = {
    "epochs": (1, 10_000),
    "dimension": (2, 4096),
    "batch.size": (2, 4096),
    "backbone.dropout": (0, 0.999),
    "optimiser.head": (1e-9, 1),
    "backbone.freeze_blocks": (-1, 10**9),
}


@given(st.sampled_from(sorted(NUMBERS)), st.floats(-1e5, 1e5).map(lambda x: round(x, 6)) | st.integers(-(10**5), 10**5))
def test_numbers_are_kept_or_refused(field: str, value: float) -> None:
    low, high = NUMBERS[field]
    fields: dict[str, Any] = {"name": "r", "title": "t", "paper": "p"}
    *tables, leaf = field.split(".")
    place = fields
    for table in tables:
        place = place.setdefault(table, {})
    place[leaf] = value
    whole = field in {"epochs", "dimension", "batch.size", "backbone.freeze_blocks"}
    fits = low <= value <= high and (not whole or float(value).is_integer())
    if not fits:
        with pytest.raises(ValueError, match=leaf):
            Recipe.model_validate(fields)
        return
    found: Any = Recipe.model_validate(fields)
    for part in field.split("."):
        found = getattr(found, part)
    assert found == value


def test_scales_change_what_they_name_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, "epochs = 7\n[batch]\nsize = 16\nbalance = 0.25\n[scales.cpu.batch]\nsize = 8\n")
    plain, scaled = load_recipe(path), load_recipe(path, Scale.cpu)
    assert (plain.batch.size, scaled.batch.size) == (16, 8)
    assert scaled.model_copy(update={"batch": plain.batch}) == plain
    assert load_recipe(path, Scale.small) == plain


def test_methods_are_told_in_words() -> None:
    assert load_recipe("adapter").method == "adapter, cross-entropy"
    assert load_recipe("supcon").method == "supcon"


def test_recipes_need_no_torch() -> None:
    code = "import engine.training.recipe, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
