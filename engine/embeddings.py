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
    """float32 (n, d) rows of unit length, or shorter where facts are unknown; int64 (n,) film ids; the model's card."""

    vectors: Vectors
    ids: Ids
    card: ModelCard

    def __post_init__(self) -> None:
        if self.vectors.dtype != np.float32 or self.vectors.shape != (len(self.ids), self.card.dimension):
            raise ValueError(
                f"vectors must be float32 ({len(self.ids)}, {self.card.dimension}), "
                f"not {self.vectors.dtype} {self.vectors.shape}"
            )
        if len(self.ids) and not lengths_fit(self.vectors).all():
            raise ValueError("every embedding must have a length above 0 and at most 1")


class Embedder(Protocol):
    """Turns regions of films into vectors of unit length, shorter where facts are unknown (`FactsCode.join`)."""

    @property
    def card(self) -> ModelCard:
        """Who made the vectors."""
        ...

    def prepare(self, film: Radiograph, region: Region) -> Patch:
        """Cut, square, resize and normalise: the float32 input. Pure NumPy/OpenCV, thread-safe."""
        ...

    def embed(self, patches: Sequence[Patch], facts: Sequence[Facts] | None = None) -> Vectors:
        """float32 (n, d) rows for n prepared patches, any n >= 0, in their order, and what is known of each.

        Thread-safe.
        """
        ...

    def explain(self, patch: Patch) -> tuple[Vectors, Patches]:
        """The unit vector (d,) of one prepared patch and its patches. Thread-safe.

        Raises:
            EncoderError: a network that was exported without patches.
        """
        ...


def lengths_fit(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """bool (n,): which rows (n, d) have a length above 0 and, to `UNIT_TOLERANCE`, at most 1."""
    lengths = np.linalg.norm(vectors, axis=1)
    return np.asarray((lengths > UNIT_TOLERANCE) & (lengths <= 1 + UNIT_TOLERANCE))


def as_queries(vectors: Vectors) -> Vectors:
    """Rows (n, d) whose inner product with an archive's rows is a similarity: 1 with the very same film.

    For unit rows that is the cosine and they stay as they are. A shorter row, of a film whose facts are not all known,
    is divided by its squared length: its similarities are shares of the most that it could reach, and their order is
    the inner product's.
    """
    squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    return np.asarray(vectors / squares[:, None], dtype=np.float32)


def fuse(vectors: Vectors) -> Vectors:
    """One query (d,) for several films (n, d) of one patient: their mean direction, as long as a query of theirs."""
    wide = vectors.astype(np.float64)
    mean, long = wide.mean(axis=0), (1 / np.linalg.norm(wide, axis=1)).mean()
    return np.asarray(mean / np.linalg.norm(mean) * long, dtype=np.float32)
