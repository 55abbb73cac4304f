"""Embeddings and the protocol of what makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from engine.card import ModelCard
from engine.facts import Facts
from engine.radiograph import Radiograph
from engine.region import Region

Vectors = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Patch = npt.NDArray[np.float32]
"""float32 of a card's `shape`, (views x channels, size, size), normalised: what the encoder sees."""
Patches = npt.NDArray[np.float32]
"""float32 (views, c, h, w): what an encoder saw in each place of each view, before it pooled; (0, 0) is top left."""

UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Embeddings:
    """float32 (n, d) rows of unit length, int64 (n,) film ids, and the card of the model that made them."""

    vectors: Vectors
    ids: Ids
    card: ModelCard

    def __post_init__(self) -> None:
        if self.vectors.dtype != np.float32 or self.vectors.shape != (len(self.ids), self.card.dimension):
            raise ValueError(
                f"vectors must be float32 ({len(self.ids)}, {self.card.dimension}), "
                f"not {self.vectors.dtype} {self.vectors.shape}"
            )
        if len(self.ids) and np.abs(np.linalg.norm(self.vectors, axis=1) - 1).max() > UNIT_TOLERANCE:
            raise ValueError("every embedding must have unit length")


class Embedder(Protocol):
    """Turns regions of films into unit vectors."""

    @property
    def card(self) -> ModelCard:
        """Who made the vectors."""
        ...

    def prepare(self, film: Radiograph, region: Region) -> Patch:
        """Cut, square, resize and normalise: the float32 input. Pure NumPy/OpenCV, thread-safe."""
        ...

    def embed(self, patches: Sequence[Patch], facts: Sequence[Facts] | None = None) -> Vectors:
        """float32 (n, d) unit rows for n prepared patches, any n >= 0, in their order, and what is known of each.

        Thread-safe.
        """
        ...

    def explain(self, patch: Patch) -> tuple[Vectors, Patches]:
        """The unit vector (d,) of one prepared patch and its patches. Thread-safe.

        Raises:
            EncoderError: a network that was exported without patches.
        """
        ...


def fuse(vectors: Vectors) -> Vectors:
    """One unit query vector (d,) for several films (n, d) of one patient: the normalised mean direction."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)
