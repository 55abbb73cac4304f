"""Galleries of R1: a query and its neighbours side by side, right or wrong told by words and line, not colour alone."""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.region import View
from engine.training.films import TrainingFilm, TrainingSet
from indexer.reproduce.scores import Names

TILE = 224
"""Side in pixels of each film."""
MARGIN, FRAME, CAPTION, LETTERS = 12, 5, 44, 15
DASH = 14
PAPER, INK, QUERY = (255, 255, 255), (20, 20, 20), (0, 0, 0)
RIGHT, WRONG = (0, 114, 178), (213, 94, 0)
"""Two hues of Okabe and Ito that people with any colour vision tell apart."""

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Example:
    """A query and its nearest films, in order; the pictures are uint8 (side, side), without names or numbers."""

    query: Grey
    entity: str
    nearest: tuple[tuple[Grey, str], ...]

    @classmethod
    def of(cls, query: TrainingFilm, nearest: Sequence[TrainingFilm], films: TrainingSet) -> "Example":
        """The films as the encoder sees their regions. films: the set that they are of."""
        shown = tuple((_middle(film, films), str(film.entity)) for film in nearest)
        return cls(_middle(query, films), str(query.entity), shown)


def chosen(entities: Names, seed: int, most: int = 10) -> list[int]:
    """Rows of the queries to show: one of each entity, drawn by chance and not by how well it did; `most` entities."""
    rng = np.random.default_rng(seed)
    names = sorted({str(name) for name in entities})[:most]
    return [int(rng.choice(np.flatnonzero(entities == name))) for name in names]


def picture(example: Example) -> bytes:
    """A PNG: the query, then each neighbour, in a whole frame where its entity is the query's, else a dashed one."""
    tiles = 1 + len(example.nearest)
    width, height = MARGIN + tiles * (TILE + MARGIN), TILE + CAPTION + 2 * MARGIN
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=LETTERS)
    _place(sheet, example.query, 0)
    _frame(draw, 0, QUERY, dashed=False)
    _caption(draw, font, 0, "query", example.entity)
    for number, (grey, entity) in enumerate(example.nearest, start=1):
        right = entity == example.entity
        _place(sheet, grey, number)
        _frame(draw, number, RIGHT if right else WRONG, dashed=not right)
        _caption(draw, font, number, f"{number}: {'right' if right else 'WRONG'}", entity)
    held = io.BytesIO()
    sheet.save(held, "PNG")
    return held.getvalue()


def _middle(film: TrainingFilm, films: TrainingSet) -> Grey:
    """The region without the room around it, or the first view where the encoder looks at no region."""
    place = films.views.index(View.region) if View.region in films.views else 0
    cut = film.cuts[place]
    edge = (cut.shape[0] - films.size) // 2
    middle: Grey = cut[edge : edge + films.size, edge : edge + films.size]
    return middle


def _corner(number: int) -> tuple[int, int]:
    return MARGIN + number * (TILE + MARGIN), MARGIN


def _place(sheet: Image.Image, grey: Grey, number: int) -> None:
    shown = cv2.resize(grey, (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    sheet.paste(Image.fromarray(np.asarray(shown, np.uint8)).convert("RGB"), _corner(number))


def _frame(draw: ImageDraw.ImageDraw, number: int, colour: tuple[int, int, int], *, dashed: bool) -> None:
    x, y = _corner(number)
    if not dashed:
        draw.rectangle((x, y, x + TILE - 1, y + TILE - 1), outline=colour, width=FRAME)
        return
    for start in range(0, TILE, 2 * DASH):
        end = min(start + DASH, TILE) - 1
        for near in (0, TILE - FRAME):
            draw.rectangle((x + start, y + near, x + end, y + near + FRAME - 1), fill=colour)
            draw.rectangle((x + near, y + start, x + near + FRAME - 1, y + end), fill=colour)


def _caption(
    draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, number: int, role: str, entity: str
) -> None:
    x, y = _corner(number)
    entity = "".join(c for c in unicodedata.normalize("NFKD", entity) if not unicodedata.combining(c))  # font has no ä
    while len(entity) > 1 and draw.textlength(entity, font=font) > TILE:
        entity = f"{entity[:-2].rstrip()}…"
    draw.text((x, y + TILE + 2), role, fill=INK, font=font)
    draw.text((x, y + TILE + 4 + LETTERS), entity, fill=INK, font=font)
