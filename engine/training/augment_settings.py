"""How often and how strongly each augmentation for radiographs is drawn; a table of a recipe."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Stage = Literal["focus", "exposure", "window", "collimation", "markers", "text", "polarity", "noise", "cutout"]
"""What changes grey values; the affine augmentation comes before all of them."""
ALL: tuple[str, ...] = ("affine", *get_args(Stage))

Share = Annotated[float, Field(ge=0, le=1)]


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError(f"the range {ends} runs downwards; give its lower end first")
    return ends


Positive = Annotated[float, Field(gt=0)]
Factors = Annotated[tuple[Positive, Positive], AfterValidator(_ordered)]
Shares = Annotated[tuple[Share, Share], AfterValidator(_ordered)]


class Change(BaseModel):
    """One augmentation. probability: of a film being changed by it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    probability: Share = 1.0


class Affine(Change):
    """How the film lies. degrees: of turning, either way. scale: range of the lesion's size over its own.

    shift: largest, as a share of the side that is seen. flip: probability of mirroring left and right. jitter: degrees
    by which each view turns alone; all else is one for all views of a film.
    """

    degrees: Annotated[float, Field(ge=0, le=180)] = 25.0
    scale: Factors = (0.78, 1.28)
    shift: Share = 0.07
    flip: Share = 0.5
    jitter: Annotated[float, Field(ge=0, le=45)] = 3.0


class Exposure(Change):
    """gamma: range of the exponent on grey values 0..1; above one is darker. Each view draws its own."""

    gamma: Factors = (0.67, 1.5)


class Window(Change):
    """contrast: largest relative change about the middle grey. brightness: largest shift of grey values in 0..1."""

    contrast: Share = 0.3
    brightness: Share = 0.15


class Collimation(Change):
    """Black borders. most: largest border on each of the four edges, as a share of the side."""

    probability: Share = 0.1
    most: Annotated[float, Field(ge=0, lt=0.5)] = 0.15


class Markers(Change):
    """Bright side letters. height: range, as a share of the side. level: grey of the letter. opacity: over the film."""

    probability: Share = 0.15
    height: Shares = (0.06, 0.16)
    level: Shares = (0.7, 1.0)
    opacity: Shares = (0.7, 1.0)


class Text(Change):
    """Watermarks: a line of words across the film, often half transparent. The fields are those of `Markers`."""

    probability: Share = 0.1
    height: Shares = (0.05, 0.12)
    level: Shares = (0.3, 1.0)
    opacity: Shares = (0.15, 0.8)


class Polarity(Change):
    """The negative: files whose polarity is told wrongly exist, if rarely."""

    probability: Share = 0.02


class Focus(Change):
    """blur: most of the way to the 3 x 3 mean. sharpen: as far the other way."""

    probability: Share = 0.3
    blur: Share = 1.0
    sharpen: Share = 0.5


class Noise(Change):
    """most: largest standard deviation of the noise, in grey values of 0..1."""

    most: Share = 0.02


class Cutout(Change):
    """side: range of the hidden square's side, as a share of the picture's."""

    probability: Share = 0.3
    side: Shares = (0.12, 0.33)


class Augmentation(BaseModel):
    """Every augmentation; the defaults suit lesion crops of 160 to 240 pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    affine: Affine = Affine()
    focus: Focus = Focus()
    exposure: Exposure = Exposure()
    window: Window = Window()
    collimation: Collimation = Collimation()
    markers: Markers = Markers()
    text: Text = Text()
    polarity: Polarity = Polarity()
    noise: Noise = Noise()
    cutout: Cutout = Cutout()

    def stage(self, name: Stage) -> Change:
        """The settings of one change of grey values."""
        stages: dict[Stage, Change] = {
            "focus": self.focus,
            "exposure": self.exposure,
            "window": self.window,
            "collimation": self.collimation,
            "markers": self.markers,
            "text": self.text,
            "polarity": self.polarity,
            "noise": self.noise,
            "cutout": self.cutout,
        }
        return stages[name]

    @classmethod
    def only(cls, *names: str) -> "Augmentation":
        """These augmentations on every film with their default strength, and no other; none at all without a name.

        Raises:
            ValueError: a name that is not in `ALL`.
        """
        return cls().only_with(*names)

    def only_with(self, *names: str) -> "Augmentation":
        """As `only`, with the strengths of these settings."""
        if unknown := sorted(set(names) - set(ALL)):
            raise ValueError(f"no augmentation is called {', '.join(unknown)}; there are {', '.join(ALL)}")
        stages = self.model_dump()
        return Augmentation.model_validate({name: stages[name] | {"probability": float(name in names)} for name in ALL})
