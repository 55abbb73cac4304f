"""What is told about a film besides its pixels, as numbers (Hinterwimmer 2024, R7). Imports no torch."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.training.films import TrainingFilm, TrainingSet

AGES = (5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
"""Lower ends in years of the steps of the ordinal age; below the first is step 0."""

FACTS = ("age", "sex", "site", "position")


@dataclass(frozen=True)
class Metadata:
    """The words that a training set uses for sites and for positions along a bone, in order.

    Films at query time may use others, or none: those words are then unknown.
    """

    sites: tuple[str, ...]
    positions: tuple[str, ...]

    @classmethod
    def of(cls, films: TrainingSet) -> "Metadata":
        """The vocabulary of a training set."""
        sites = sorted({site for film in films.films for site in film.site})
        return cls(tuple(sites), tuple(sorted({film.position for film in films.films if film.position})))

    @property
    def width(self) -> int:
        """Numbers per film."""
        return len(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """What each number says."""
        ages = [f"age >= {years:g}" for years in AGES]
        sites, positions = ([f"{kind} {word}" for word in words] for kind, words in self._words())
        known = "age known", "sex known", "site known", "position known"
        return (*ages, known[0], "sex F or M", known[1], *sites, known[2], *positions, known[3])

    @property
    def kinds(self) -> tuple[int, ...]:
        """Which fact each number belongs to: 0 age, 1 sex, 2 site, 3 position."""
        return tuple(FACTS.index(name.split()[0]) for name in self.names)

    def encode(self, films: Sequence[TrainingFilm]) -> npt.NDArray[np.float32]:
        """float32 (n, width): age ordinal (a step a column), sex -1 F or 1 M, site and position one-hot.

        Each of the four has a column that says it is known; what is unknown is zero throughout.
        """
        rows = np.zeros((len(films), self.width), np.float32)
        for row, film in zip(rows, films, strict=True):
            row[:] = [
                *self._age(film.age),
                *self._sex(film.sex),
                *self._site(film.site),
                *self._position(film.position),
            ]
        return rows

    def to_json(self) -> str:
        """The vocabulary as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Metadata":
        """The vocabulary written by `to_json`."""
        fields: dict[str, Any] = json.loads(text)
        return cls(tuple(fields["sites"]), tuple(fields["positions"]))

    def _words(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return ("site", self.sites), ("position", self.positions)

    def _age(self, age: float | None) -> list[float]:
        return [0.0] * (len(AGES) + 1) if age is None else [*(float(age >= step) for step in AGES), 1.0]

    def _sex(self, sex: str | None) -> list[float]:
        known = sex in {"F", "M"}
        return [0.0 if not known else -1.0 if sex == "F" else 1.0, float(known)]

    def _site(self, site: tuple[str, ...]) -> list[float]:
        flags = [float(word in site) for word in self.sites]
        return [*flags, float(any(flags))]

    def _position(self, position: str | None) -> list[float]:
        flags = [float(word == position) for word in self.positions]
        return [*flags, float(any(flags))]
