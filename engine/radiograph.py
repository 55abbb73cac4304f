"""The radiograph: grey pixels that never travel without their meaning (cf. highdicom's `Volume`)."""

from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from engine.errors import UnsupportedFilm
from engine.said import Said

Pixels = npt.NDArray[np.float32]

MIN_SIDE = 16
"""Shortest side in pixels that still shows anatomy; a 1x1 picture is refused."""
MAX_PIXELS = 100_000_000
"""Largest film in pixels (a stitched full-leg film has about 30 million); refused before decoding."""
SPACING_LIMITS_MM = (0.02, 2.0)
"""Pixel spacings outside this range are not those of a radiograph and become None."""


class Sex(StrEnum):
    """Sex as DICOM writes it; anything else is unknown and None."""

    female = "F"
    male = "M"


class Stage(StrEnum):
    """When a film was taken, seen from the lesion's treatment."""

    before = "before treatment"
    after_operation = "after operation"
    after_therapy = "after therapy"
    unknown = "unknown"


@dataclass(frozen=True)
class Spacing:
    """Millimetres per pixel, row then column."""

    row: float
    column: float

    def __post_init__(self) -> None:
        low, high = SPACING_LIMITS_MM
        for value in (self.row, self.column):
            if not low <= value <= high:
                raise ValueError(
                    f"pixel spacing {value} mm is outside {low} to {high} mm; use None where it is unknown"
                )


@dataclass(frozen=True)
class Header:
    """What is known of a film besides its pixels; None or "" where it is not known, never a guess.

    `patient` and `study` are identifiers as the source gives them. They live in memory only: the indexer turns
    them into keyed hashes before anything is stored or answered. Names and birth dates are never read.
    """

    patient: str | None = None
    study: str | None = None
    instance: str | None = None
    view: str | None = None  # frontal | lateral | oblique
    side: str | None = None  # L | R | B
    body_part: str | None = None
    age: float | None = None  # years, at the time of the film
    sex: Sex | None = None
    taken: date | None = None
    stage: Stage = Stage.unknown


@dataclass(frozen=True)
class Radiograph:
    """One grey film, upright as its header says, bone bright.

    pixels: float32 (rows, columns), read-only, 0..1. Pixels may be a reduced decoding of the file: `full_shape` is
    the (rows, columns) of the file itself, and regions are always given in those full coordinates.
    spacing: of the full film, in the patient's plane (calibrated); None where unknown or implausible.
    detector_spacing: at the detector (DICOM ImagerPixelSpacing), uncorrected for magnification; None where unknown.
    sha256: of the file's bytes. warnings: sentences on what was odd but could be read.
    """

    pixels: Pixels
    sha256: str
    source: str
    header: Header = field(default_factory=Header)
    full_shape: tuple[int, int] | None = None
    spacing: Spacing | None = None
    detector_spacing: Spacing | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32:
            raise ValueError(f"pixels must be float32 (rows, columns), not {self.pixels.dtype} {self.pixels.shape}")
        if self.full_shape is None:
            object.__setattr__(self, "full_shape", self.pixels.shape)
        check_size(*self.shape)
        self.pixels.setflags(write=False)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the full film."""
        assert self.full_shape is not None
        return self.full_shape

    @property
    def reduction(self) -> tuple[float, float]:
        """Full pixels per stored pixel, row then column; (1, 1) where nothing was reduced."""
        return self.shape[0] / self.pixels.shape[0], self.shape[1] / self.pixels.shape[1]

    def with_header(self, header: Header) -> "Radiograph":
        """The same film under another header."""
        return replace(self, header=header)


def check_size(rows: int, columns: int) -> None:
    """Refuse a picture too small to show anatomy or too large to be a film.

    Raises:
        UnsupportedFilm: naming the size and the limit.
    """
    if min(rows, columns) < MIN_SIDE:
        told = "the picture has {columns}x{rows} pixels; a film needs at least {least} on each side"
        raise UnsupportedFilm(Said("film_small", told, columns=columns, rows=rows, least=MIN_SIDE))
    if rows * columns > MAX_PIXELS:
        told = "the picture has {columns}x{rows} pixels, over the limit of {limit} million; send it at a smaller scale"
        raise UnsupportedFilm(Said("film_large", told, columns=columns, rows=rows, limit=MAX_PIXELS // 1_000_000))
