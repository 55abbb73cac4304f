"""Explanations as they go over HTTP. Importing it loads no heavy library."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ViewMap:
    """A map of what an encoder saw in one view of a film, before it is drawn.

    view: region | context | film. square: (x0, y0, x1, y1) in film pixels, where the grid lies; it may leave the film.
    grid: rows of numbers 0..1, the top one first; 1 is the strongest place of the film, so films cannot be compared.
    """

    view: str
    square: tuple[int, int, int, int]
    grid: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class FilmMap:
    """A film's maps. rows, columns: of the full film. overlay: PNG with alpha, base64, to lay on its part `box`.

    box: (x0, y0, x1, y1) in film pixels, what the encoder saw of the film.
    """

    rows: int
    columns: int
    box: tuple[int, int, int, int]
    maps: tuple[ViewMap, ...]
    overlay: str


@dataclass(frozen=True)
class Explanation:
    """Where a query's film and an archived one agree, and what speaks for an entity.

    film: the archived one. picture: original | thumbnail, what of it was looked at. similarity: cosine of the two
    pictures. exact: whether the places' shares sum to it. activation: on the query's film; None where `activation_rule`
    says why. warnings: sentences.
    """

    notice: str
    film: int
    picture: str
    similarity: float
    exact: bool
    rule: str
    query: FilmMap
    neighbour: FilmMap
    activation_of: str | None
    activation_rule: str
    activation: FilmMap | None
    warnings: tuple[str, ...]
