"""What is known of a patient besides the pixels, as numbers that an embedding may carry: age, sex and site.

Two films' codes have a similarity (inner product) between 0 and the code's weights: bumps over age (two ages are as
similar as a normal curve of `AGE_SPREAD` years says), sex, and the cosine of the sites named. What is unknown is zero,
so like nothing, and no fact is ever required; cf. the late fusion of image and metadata in Hinterwimmer 2024 (PLOS
Digital Health), which is learned.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.radiograph import Sex

AGE_CENTRES = np.arange(5.0, 90.0, 10.0)
AGE_SPREAD = 8.0
"""Years; standard deviation of a bump."""
SITES = 16
"""Most sites in a vocabulary, so that every code has one length."""
OLDEST = 130.0
CODE_LENGTH = len(AGE_CENTRES) + 1 + SITES
"""Numbers that facts take of an embedding."""
Code = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Facts:
    """age: years. sex: None where unknown. sites: the bones or joints named, lower case, empty where unknown."""

    age: float | None = None
    sex: Sex | None = None
    sites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.age is not None and not 0 <= self.age <= OLDEST:
            raise ValueError(f"an age of {self.age} years is outside 0 to {OLDEST:.0f}; use None where it is unknown")


UNKNOWN = Facts()
NO_LESION = "no tumour"
"""Entity of films on which there is nothing to see."""


def sites_of(text: str | None) -> tuple[str, ...]:
    """The sites in "tibia; fibula", in order, lower case; empty where there is none."""
    return tuple(word.strip().casefold() for word in re.split("[;,]", text or "") if word.strip())


@dataclass(frozen=True)
class FactsCode:
    """How facts become numbers; part of an encoder's card.

    sites: the vocabulary, `SITES` at most: the commonest of the training set; another site is like nothing. age, sex,
    site: the most that each may add to a similarity whose pixels count 1. Their sum must stay under 1, since films are
    what is compared.
    """

    sites: tuple[str, ...]
    age: float = 0.2
    sex: float = 0.02
    site: float = 0.15

    def __post_init__(self) -> None:
        weights = (self.age, self.sex, self.site)
        if min(weights) < 0 or sum(weights) >= 1:
            raise ValueError(f"weights {weights} of age, sex and site must be 0 or more and stay under 1 in sum")
        if len(self.sites) > SITES:
            raise ValueError(f"{len(self.sites)} sites are more than the {SITES} of a code; keep the commonest")

    @property
    def dimension(self) -> int:
        """Numbers in a code, `CODE_LENGTH`."""
        return CODE_LENGTH

    def encode(self, facts: Sequence[Facts]) -> Code:
        """float32 (n, dimension), one row for each film's facts."""
        rows = np.zeros((len(facts), self.dimension), np.float32)
        for row, one in zip(rows, facts, strict=True):
            if one.age is not None:
                bumps = np.exp(-(((one.age - AGE_CENTRES) / AGE_SPREAD) ** 2) / 2)
                row[: len(AGE_CENTRES)] = np.sqrt(self.age) * bumps / np.linalg.norm(bumps)
            if one.sex is not None:
                row[len(AGE_CENTRES)] = np.sqrt(self.sex) * (1 if one.sex is Sex.male else -1)
            places = [self.sites.index(site) for site in set(one.sites) if site in self.sites]
            row[len(AGE_CENTRES) + 1 + np.array(places, dtype=np.int64)] = np.sqrt(self.site / max(len(places), 1))
        return rows

    def join(self, vectors: npt.NDArray[np.float32], facts: Sequence[Facts]) -> npt.NDArray[np.float32]:
        """Rows (n, d + dimension) of unit rows (n, d) and the facts of each; of unit length where all is known.

        What is unknown leaves a row shorter: were it stretched to unit length, a film of which nothing is known would
        come nearer by its pixels than one of which all is.
        """
        joined = np.concatenate([vectors, self.encode(facts)], axis=1, dtype=np.float64)
        return np.asarray(joined / np.sqrt(1 + self.age + self.sex + self.site), np.float32)
