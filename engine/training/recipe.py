"""Recipes: how an encoder is trained, in one small checked file each."""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from engine.errors import RecipeError
from engine.facts import CODE_LENGTH
from engine.region import View
from engine.training.augment_settings import Augmentation
from engine.training.loss_settings import LossSettings

FOLDER = Path(__file__).parents[1] / "recipes"
"""Where caselink's own recipes lie."""

SEGMENT = "segment-"
"""Begins the names of recipes for segmenters, which are of another kind (`engine.segmentation`)."""

LOOSE = 3
"""Loosened boxes of a film from which a fit chooses."""

R = TypeVar("R", bound=BaseModel)
Share = Annotated[float, Field(ge=0, le=1)]


class Scale(StrEnum):
    """How much of a recipe is run: minutes, 40 minutes on two cores, or what its paper did."""

    small = "small"
    cpu = "cpu"
    paper = "paper"


class Section(BaseModel):
    """A part of a recipe: nothing unknown in it, nothing changed afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Backbone(Section):
    """name: "default" (EfficientNet-Lite0) or a timm name. start: "packaged" (the default's own ImageNet weights),
    "imagenet" (those of the model hub), "random", or a file of weights or the folder of a former run.

    freeze_blocks: the stem and so many blocks stay as they are; 0 = none, -1 = all of it. frozen_norm: batch norms keep
    the statistics they start with, which small batches would spoil. dropout: on the pooled features.
    """

    name: str = "default"
    start: str = "packaged"
    freeze_blocks: Annotated[int, Field(ge=-1)] = 2
    frozen_norm: bool = True
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.3

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.start == "packaged" and self.name != "default":
            raise ValueError(f'start "packaged" has weights of "default" only, not of {self.name!r}; say "imagenet"')
        return self


class Batch(Section):
    """size: films in a batch. balance, damping: how much rare entities and patients with few films are drawn more often
    (`sampling.film_weights`; 0 = not at all). entities, films: batches of so many entities with so many films each, as
    far as possible of different patients, in place of `size`.
    """

    size: Annotated[int, Field(ge=2, le=4096)] = 32
    balance: Share = 0.5
    damping: Share = 0.5
    entities: Annotated[int, Field(ge=2)] | None = None
    films: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.entities is None) != (self.films is None):
            raise ValueError("entities and films describe a P x K batch together; give both or none")
        return self


class Optimiser(Section):
    """Learning rates are the peaks of the one-cycle schedule (Smith 2018), or constant."""

    name: Literal["adamw", "adam", "sgd"] = "adamw"
    backbone: Annotated[float, Field(gt=0, le=1)] = 3e-4
    head: Annotated[float, Field(gt=0, le=1)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 1e-2
    momentum: Share = 0.9
    schedule: Literal["one_cycle", "constant"] = "one_cycle"
    warm_up: Annotated[float, Field(gt=0, lt=1)] = 0.2
    clip: Annotated[float, Field(gt=0)] | None = None


class FactWeights(Section):
    """The most that age, sex and site may add to a similarity whose pixels count 1; see `engine.facts.FactsCode`."""

    age: Share = 0.2
    sex: Share = 0.02
    site: Share = 0.15

    @model_validator(mode="after")
    def _less_than_pixels(self) -> Self:
        if self.age + self.sex + self.site >= 1:
            raise ValueError(f"age, sex and site weigh {self.age + self.sex + self.site:g} in sum; stay under 1")
        return self


class Recipe(Section):
    """All that a fit needs besides films and a seed.

    title, paper: for people. views, size: what is seen of a film. dimension: of the embedding. mirror: the exported
    network looks at the film and its mirror image, at twice the cost. early_stopping: epochs without a better
    validation precision-at-1 until the fit ends, on a third share of patients; None = a fixed number of epochs.
    classifier: "apart" lets the cross-entropy teach the classifier alone, and the metric loss everything else.
    watch_every: epochs between two looks at the validation precision-at-1. metadata: "fused" joins age, sex, site and
    position to the classifier. facts: age, sex and site as a part of the embedding, which then may find by them; None
    = pixels alone. leave_out: entities that are no class. segmenter: name of a segmentation recipe, or "none". folds:
    networks of an ensemble. most_films: at most so many films, by whole patients; None = all. lost_region: how often a
    film is learnt from whole in all its views, as it will be asked where nobody finds its region. loose_region: how
    often it is learnt from with a box that misses its region somewhat, as a model's would (`films.loosened`).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    paper: str
    views: tuple[View, ...] = (View.region, View.film)
    size: Annotated[int, Field(ge=32, le=1024, multiple_of=32)] = 160
    dimension: Annotated[int, Field(ge=2, le=4096)] = 256
    head: Literal["linear", "mlp"] = "linear"
    mirror: bool = False
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 12
    early_stopping: Annotated[int, Field(ge=1)] | None = None
    watch_every: Annotated[int, Field(ge=1)] = 2
    metadata: Literal["none", "fused"] = "none"
    facts: FactWeights | None = None
    leave_out: tuple[str, ...] = ("no tumour",)
    segmenter: str = "none"
    folds: Literal[1, 5] = 1
    most_films: Annotated[int, Field(ge=20)] | None = None
    backbone: Backbone = Backbone()
    classifier: Literal["joint", "apart"] = "joint"
    loss: LossSettings = LossSettings()
    batch: Batch = Batch()
    optimiser: Optimiser = Optimiser()
    augment: Augmentation = Augmentation()
    lost_region: Share = 0.0
    loose_region: Share = 0.0
    scales: dict[Scale, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.views or len(set(self.views)) != len(self.views):
            raise ValueError(f"views {[*self.views]} must name each view once, and one at least")
        if self.features < 2:
            raise ValueError(f"dimension = {self.dimension} leaves no room beside {CODE_LENGTH} numbers of facts")
        if not self.loss.classify:
            raise ValueError(
                'loss.classify = 0 leaves the classifier as it was drawn; say classifier = "apart" instead'
            )
        if self.loss.metric == "none" and (self.head == "mlp" or self.classifier == "apart"):
            raise ValueError('an MLP head, or a classifier apart, needs a metric loss; set loss.metric, e.g. "supcon"')
        if self.segmenter != "none" and View.film not in self.views:
            raise ValueError(f'segmenter = {self.segmenter!r} looks at whole films; add "film" to views')
        if self.lost_region and View.film not in self.views:
            raise ValueError(f'lost_region = {self.lost_region} shows films whole; add "film" to views')
        if self.loose_region and View.region not in self.views:
            raise ValueError(f'loose_region = {self.loose_region} moves the region; add "region" to views')
        if self.lost_region + self.loose_region > 1:
            both = self.lost_region + self.loose_region
            raise ValueError(f"lost_region and loose_region are {both:g} in sum, and the most is 1")
        if self.early_stopping is not None and self.early_stopping >= self.epochs:
            raise ValueError(f"early_stopping = {self.early_stopping} never comes within {self.epochs} epochs")
        return self

    @property
    def loose(self) -> int:
        """Loosened boxes to cut of each film."""
        return LOOSE if self.loose_region else 0

    @property
    def features(self) -> int:
        """Numbers that the network gives; the rest of the dimension are facts."""
        return self.dimension - (CODE_LENGTH if self.facts else 0)

    @property
    def method(self) -> str:
        """What is learned, in words."""
        loss = "cross-entropy" if self.loss.metric == "none" else self.loss.metric
        return f"adapter, {loss}" if self.backbone.freeze_blocks == -1 else loss

    def at(self, scale: Scale | None) -> "Recipe":
        """The recipe with a scale's changes; None = as the file says, the scale at which it is meant to be used.

        Raises:
            RecipeError: the scale's changes do not fit.
        """
        changes = self.scales.get(scale, {}) if scale is not None else {}
        return checked(type(self), merged(self.model_dump(mode="json"), changes), f"{self.name}, scale {scale}")


def to_toml(recipe: Recipe) -> str:
    """The recipe as it was run, as a file that `load_recipe` reads; scales are gone, for one was chosen."""
    fields = recipe.model_dump(mode="json", exclude={"scales"}, exclude_none=True)
    return "\n".join(_toml(fields, ())) + "\n"


def _toml(fields: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Values first, then tables; JSON's strings, numbers, booleans and arrays are TOML's."""
    if path:
        yield f"\n[{'.'.join(path)}]"
    tables = {name: value for name, value in fields.items() if isinstance(value, Mapping)}
    for name, value in fields.items():
        if name not in tables:
            yield f"{name} = {json.dumps(value, ensure_ascii=False)}"
    for name, table in tables.items():
        yield from _toml(table, (*path, name))


def load_recipe(name: str | Path, scale: Scale | None = None) -> Recipe:
    """A recipe by name (`engine/recipes/NAME.toml`) or by file (ending in .toml), at a scale.

    Raises:
        RecipeError: no such recipe, or one with a field out of range, naming file, field, value and limit.
    """
    recipe = read_recipe(Recipe, name, recipe_names())
    for each in recipe.scales:  # a scale that nobody asked for must fit too
        recipe.at(each)
    return recipe.at(scale)


def read_recipe(kind: type[R], name: str | Path, known: Sequence[str]) -> R:
    """The recipe of a kind in a file, as it stands there. known: names to choose from.

    Raises:
        RecipeError: no such file, or one that does not fit the kind.
    """
    path = Path(name) if str(name).endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        choices = ", ".join(known)
        raise RecipeError(f"there is no recipe {name} ({error.strerror}); choose {choices}, or a .toml file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path.name} is not TOML ({error}); mend it there") from None
    return checked(kind, {"name": path.stem} | fields, path.name)


def recipe_names() -> list[str]:
    """Names of caselink's own recipes; the default first."""
    names = (path.stem for path in FOLDER.glob("*.toml"))
    return sorted((name for name in names if not name.startswith(SEGMENT)), key=lambda name: (name != "default", name))


def checked(kind: type[R], fields: Mapping[str, Any], where: str) -> R:
    """A recipe of these fields; RecipeError names each that does not fit."""
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        said = []
        for fault in error.errors():
            field = ".".join(str(part) for part in fault["loc"])
            value = "" if isinstance(fault["input"], Mapping) else f" = {fault['input']!r}"
            said.append(f"{field or 'as a whole'}{value}: {fault['msg'].removeprefix('Value error, ')}")
        raise RecipeError(f"recipe {where}: {'; '.join(said)}; mend the file") from None


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes`, table by table."""
    both = dict(base)
    for name, value in changes.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return both
