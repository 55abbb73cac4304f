"""Films for the document: the picture with side, date and key burnt in, so that no copy of it loses them."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image, ImageDraw, ImageFont

from api.report.wording import spelt_day, word

WIDTH, HEIGHT = 640, 760
BAND = 62
"""Height of the bands above and below a film, in pixels."""
INK, BACK, BAND_BACK, FRAME = "#ffffff", "#0b0d10", "#20262d", "#ffb000"
FRAME_WIDTH = 4
SIDES = frozenset({"L", "R", "B"})


@dataclass(frozen=True)
class Film:
    """A film to show. pixels: float32 (rows, columns) in 0..1. shape: (rows, columns) of the full film, in whose pixels
    region (x0, y0, x1, y1) is. side: L, R, B or None. key: whose film it is.
    """

    pixels: npt.NDArray[np.float32]
    shape: tuple[int, int]
    region: tuple[int, int, int, int]
    side: str | None
    taken: date | None
    key: str


def labelled(film: Film, language: str) -> Image.Image:
    """The film on a dark ground, 640x760, upright and whole, between its labels."""
    page = Image.new("RGB", (WIDTH, HEIGHT), BACK)
    draw = ImageDraw.Draw(page)
    rows, columns = film.pixels.shape
    scale = min(WIDTH / columns, (HEIGHT - 2 * BAND) / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    grey = Image.fromarray(np.rint(np.clip(film.pixels, 0, 1) * 255).astype(np.uint8))
    left, top = (WIDTH - size[0]) // 2, BAND + (HEIGHT - 2 * BAND - size[1]) // 2
    page.paste(grey.resize(size, Image.Resampling.LANCZOS), (left, top))
    if film.region != (0, 0, film.shape[1], film.shape[0]):
        across, down = size[0] / film.shape[1], size[1] / film.shape[0]
        x0, y0, x1, y1 = film.region
        box = (left + x0 * across, top + y0 * down, left + x1 * across, top + y1 * down)
        draw.rectangle(box, outline=FRAME, width=FRAME_WIDTH)
    _bands(draw, film, language)
    return page


def label(film: Film, language: str) -> str:
    """What stands on the film: side, date and key."""
    return " · ".join([_side(film, language), spelt_day(language, film.taken), film.key])


def _side(film: Film, language: str) -> str:
    return word(language, f"side_{film.side if film.side in SIDES else 'unknown'}")


def _bands(draw: ImageDraw.ImageDraw, film: Film, language: str) -> None:
    draw.rectangle((0, 0, WIDTH, BAND), fill=BAND_BACK)
    draw.rectangle((0, HEIGHT - BAND, WIDTH, HEIGHT), fill=BAND_BACK)
    side = _side(film, language)
    middle = BAND // 2
    draw.text((16, middle), side, INK, font("bold", 42), anchor="lm")
    draw.text((WIDTH - 16, middle), spelt_day(language, film.taken), INK, font("normal", 36), anchor="rm")
    draw.text((WIDTH // 2, HEIGHT - middle), film.key, INK, font("normal", 36), anchor="mm")


@lru_cache(maxsize=8)
def font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans as matplotlib brings it along. size: pixels."""
    return ImageFont.truetype(font_path(weight), size)


@lru_cache(maxsize=4)
def font_path(weight: str) -> str:
    """The font's file. weight: normal | bold."""
    return str(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
