"""What was learnt of a vote from patients whose entity is known; JSON on disk."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.errors import ArchiveCorrupt

ORIGINS = ("archive", "run")
REGIONS = ("lesion crops", "films")
K = 30
"""Nearest patients that are weighed: on BTXRD, untrained, the likelihood gains little beyond and loses with fewer."""
COVERAGE = 0.9
LEAST_PATIENTS = 100
"""With an entity, to calibrate on; under it a 90 % set rests on fewer than ten misses."""


@dataclass(frozen=True)
class Conformal:
    """A prediction set: every entity whose calibrated share is at least 1 - quantile.

    coverage: how often it should hold the entity, 0..1. patients: that the quantile was taken over.
    """

    coverage: float
    quantile: float
    patients: int

    def __post_init__(self) -> None:
        _within("coverage", self.coverage, 0, 1)
        _within("quantile", self.quantile, 0, 1)
        _within("patients", self.patients, 1, math.inf)


@dataclass(frozen=True)
class OperatingPoint:
    """A malignant share from which on the answer warns, fixed so that `wanted` of malignant patients are warned of.

    sensitivity, specificity: what it gave on the patients that it was fixed on, of whom `malignant` and `others`.
    """

    threshold: float
    wanted: float
    sensitivity: float
    specificity: float
    malignant: int
    others: int

    def __post_init__(self) -> None:
        for name in ("threshold", "wanted", "sensitivity", "specificity"):
            _within(name, getattr(self, name), 0, 1)


@dataclass(frozen=True)
class Unlike:
    """A film is unlike the archive where its nearest similarity is under `similarity`.

    quantile: the share of the archive's own films, each without its patient, whose nearest lies under it.
    """

    similarity: float
    quantile: float

    def __post_init__(self) -> None:
        _within("similarity", self.similarity, -1, 1)
        _within("quantile", self.quantile, 0, 1)


@dataclass(frozen=True)
class Calibration:
    """How an encoder's neighbours become shares that mean what they say.

    k: nearest patients with an entity that are weighed. bandwidth: a patient that much less similar than the nearest
    weighs 1 / e of it. smoothing: weight of the archive's shares of entities, with the nearest patient's as 1.
    temperature: the smoothed shares are raised to 1 / temperature. conformal, malignancy, unlike: None where too few
    patients were there. entities: those of the patients asked. patients, films: that were asked. regions: what their
    vectors showed, "lesion crops" or "films". origin: "archive" where these are the archive's own patients, "run"
    where the encoder's training set them aside. encoder: the card's fingerprint.
    Raises ValueError for values out of range.
    """

    k: int
    bandwidth: float
    smoothing: float
    temperature: float
    conformal: Conformal | None
    malignancy: OperatingPoint | None
    unlike: Unlike | None
    entities: tuple[str, ...]
    patients: int
    films: int
    regions: str
    origin: str
    encoder: str

    def __post_init__(self) -> None:
        for name in ("k", "bandwidth", "smoothing", "temperature"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be over 0 and finite")
        if self.origin not in ORIGINS:
            raise ValueError(f"origin is {self.origin!r}; it must be one of {', '.join(ORIGINS)}")
        if self.regions not in REGIONS:
            raise ValueError(f"regions is {self.regions!r}; it must be one of {', '.join(REGIONS)}")

    def of_run(self) -> "Calibration":
        """The same, as a training run gives it to every archive."""
        return replace(self, origin="run")

    def to_json(self) -> str:
        """The calibration as indented JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Calibration":
        """The calibration written by `to_json`.

        Raises:
            ArchiveCorrupt: a text that is none.
        """
        try:
            fields = json.loads(text)
            parts: dict[str, Any] = {
                "conformal": _part(Conformal, fields["conformal"]),
                "malignancy": _part(OperatingPoint, fields["malignancy"]),
                "unlike": _part(Unlike, fields["unlike"]),
                "entities": tuple(str(name) for name in fields["entities"]),
            }
            return cls(**(fields | parts))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArchiveCorrupt(f"calibration.json is no calibration ({error}); index the films anew") from None


def _part(kind: type[Any], fields: Mapping[str, Any] | None) -> Any:
    return None if fields is None else kind(**fields)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}")
