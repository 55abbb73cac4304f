"""Recipes of segmenters: files `segment-*.toml` beside those of encoders, checked alike."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from engine.training.augment_settings import (
    Augmentation,
    Collimation,
    Cutout,
    Factors,
    Polarity,
    Share,
)
from engine.training.recipe import FOLDER, Scale, Section, checked, merged, read_recipe

PREFIX = "segment-"
DEFAULT_SEGMENTER = "segment-unet"
GREYS = Augmentation(
    collimation=Collimation(probability=0), cutout=Cutout(probability=0), polarity=Polarity(probability=0)
)
"""What changes grey values alone: a border or a square over the lesion would leave its mask wrong."""


class Architecture(StrEnum):
    """The five models of R3 (Bloier 2022)."""

    unet = "unet"
    unetpp = "unetpp"
    deeplabv3 = "deeplabv3"
    deeplabv3plus = "deeplabv3plus"
    manet = "manet"


class Geometry(Section):
    """How film and mask are bent together, also as no film ever lies (R3: "unrealistic" affine augmentation).

    degrees: of turning, either way. scale: range of the lesion's size over its own. stretch: range of height over
    width. shear: largest. shift: largest, as a share of the side. flip: probability of mirroring left and right.
    """

    degrees: Annotated[float, Field(ge=0, le=180)] = 30.0
    scale: Factors = (0.7, 1.4)
    stretch: Factors = (0.86, 1.16)
    shear: Share = 0.15
    shift: Share = 0.12
    flip: Share = 0.5


class Net(Section):
    """architecture: one of R3's five. encoder: EfficientNet-Lite0 or ResNet34.

    start: "packaged" (Lite0's ImageNet weights), "imagenet" (those of the model hub), "random", or a file of weights of
    that encoder. decoder: channels of the decoder, coarsest first; DeepLab takes the first number alone.
    half: U-Net's last step is left out and its map, of half the input's side, enlarged: a third less to compute.
    freeze_blocks: the stem and so many stages of the encoder stay as they are.
    """

    architecture: Architecture = Architecture.unet
    encoder: Literal["lite0", "resnet34"] = "lite0"
    start: str = "packaged"
    decoder: tuple[Annotated[int, Field(ge=4, le=1024)], ...] = (96, 48, 32, 16, 8)
    half: bool = False
    freeze_blocks: Annotated[int, Field(ge=0, le=4)] = 2

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.start == "packaged" and self.encoder != "lite0":
            raise ValueError(f'start "packaged" has weights of "lite0" only, not of {self.encoder!r}; say "imagenet"')
        if len(self.decoder) != 5:
            raise ValueError(f"decoder has {len(self.decoder)} numbers; give one for each of its 5 steps")
        if self.half and self.architecture is not Architecture.unet:
            raise ValueError(f"half is of the plain U-Net only, not of {self.architecture}; leave it out")
        return self


class SegmentRecipe(Section):
    """All that a segmenter's fit needs besides films and a seed.

    size: side of the input, the whole film padded to a square. coarse_size, coarse: the first share of the epochs sees
    films at that smaller side, where an epoch costs less. small: exponent by which the pixels of small lesions weigh
    more, see `losses.area_weights`. rate: peak of the one-cycle schedule for the decoder;
    encoder_rate: the encoder's, over that. dice: weight of the Dice loss, film by film, beside
    cross-entropy. empty: films without a
    lesion in an epoch, as a share of those with one: they teach it to see nothing. held_out: share of split groups
    that teach nothing and calibrate the confidence. cut, threshold: see `SegmenterCard`. mirror: the film and its
    mirror image are looked at. most_films: None = all.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str
    paper: str
    net: Net = Net()
    size: Annotated[int, Field(ge=64, le=1024, multiple_of=32)] = 160
    coarse_size: Annotated[int, Field(ge=64, le=1024, multiple_of=32)] | None = None
    coarse: Share = 0.6
    epochs: Annotated[int, Field(ge=1, le=10_000)] = 20
    batch: Annotated[int, Field(ge=2, le=512)] = 16
    rate: Annotated[float, Field(gt=0, le=1)] = 2e-3
    encoder_rate: Share = 0.3
    weight_decay: Share = 1e-2
    warm_up: Annotated[float, Field(gt=0, lt=1)] = 0.2
    dice: Annotated[float, Field(ge=0)] = 1.0
    small: Share = 0.5
    empty: Annotated[float, Field(ge=0, le=4)] = 0.12
    held_out: Annotated[float, Field(ge=0.02, le=0.5)] = 0.12
    cut: Annotated[float, Field(gt=0, lt=1)] = 0.5
    threshold: Share = 0.4
    mirror: bool = False
    most_films: Annotated[int, Field(ge=20)] | None = None
    geometry: Geometry = Geometry()
    greys: Augmentation = GREYS
    scales: dict[Scale, dict[str, Any]] = Field(default_factory=dict)

    def size_at(self, epoch: int) -> int:
        """Side of the input in an epoch, counted from 0."""
        early = self.coarse_size is not None and epoch < round(self.coarse * self.epochs)
        return self.coarse_size if early and self.coarse_size is not None else self.size

    def at(self, scale: Scale | None) -> "SegmentRecipe":
        """The recipe with a scale's changes; None = as the file says.

        Raises:
            RecipeError: the scale's changes do not fit.
        """
        changes = self.scales.get(scale, {}) if scale is not None else {}
        return checked(type(self), merged(self.model_dump(mode="json"), changes), f"{self.name}, scale {scale}")


def load_segment_recipe(name: str | Path, scale: Scale | None = None) -> SegmentRecipe:
    """A segmenter's recipe by name (`engine/recipes/segment-*.toml`) or by file (ending in .toml), at a scale.

    Raises:
        RecipeError: no such recipe, or one with a field out of range, naming file, field, value and limit.
    """
    recipe = read_recipe(SegmentRecipe, name, segment_recipe_names())
    for each in recipe.scales:  # a scale that nobody asked for must fit too
        recipe.at(each)
    return recipe.at(scale)


def segment_recipe_names() -> list[str]:
    """Names of caselink's own segmentation recipes; the default first."""
    return sorted((path.stem for path in FOLDER.glob(f"{PREFIX}*.toml")), key=lambda n: (n != DEFAULT_SEGMENTER, n))
