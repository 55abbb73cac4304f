"""Films as an encoder saw them, and where two of them agree."""

from dataclasses import dataclass

from engine.card import ModelCard
from engine.embeddings import Embedder, Patches, Vectors
from engine.explain.heat import Heat, heats
from engine.explain.match import DEFAULT_METHOD, METHODS, Map, shares
from engine.radiograph import Radiograph
from engine.region import Region

EXACT = 0.01
"""Largest difference between the parts' sum and the similarity for the parts to count as all of it."""


@dataclass(frozen=True, eq=False)
class Look:
    """A film through an encoder. vector: float32 (d,), unit. patches: float32 (views, c, h, w)."""

    film: Radiograph
    region: Region
    vector: Vectors
    patches: Patches
    card: ModelCard

    def heats(self, values: Map, *, signed: bool = False) -> tuple[Heat, ...]:
        """Maps (views, h, w) of this film, on it; see `heat.heats`."""
        return heats(values, self.card.views, self.region, self.film.shape, signed=signed)


@dataclass(frozen=True, eq=False)
class Agreement:
    """Where two films agree. similarity: cosine of their embeddings. exact: whether the cells' shares sum to it."""

    similarity: float
    exact: bool
    query: tuple[Heat, ...]
    neighbour: tuple[Heat, ...]


def look(embedder: Embedder, film: Radiograph, region: Region) -> Look:
    """A region of a film through an encoder.

    Raises:
        RegionError: a region that leaves its film. EncoderError: an encoder that gives no patches.
    """
    vector, patches = embedder.explain(embedder.prepare(film, region))
    return Look(film, region, vector, patches, embedder.card)


def agreement(query: Look, neighbour: Look, method: str = DEFAULT_METHOD) -> Agreement:
    """Where two films agree, on both. method: one of `match.METHODS`.

    Raises:
        ModelMismatch: looks of two encoders.
    """
    query.card.require(neighbour.card)
    measure = METHODS[method]
    similarity = float(query.vector @ neighbour.vector)
    told = float(shares(query.patches, neighbour.patches).sum())
    return Agreement(
        similarity,
        abs(told - similarity) <= EXACT,
        query.heats(measure(query.patches, neighbour.patches)),
        neighbour.heats(measure(neighbour.patches, query.patches)),
    )
