"""A4 pages to draw on, in points from the top left; matplotlib writes them as PDF with its fonts inside."""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_pdf import FigureCanvasPdf, PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from PIL import Image

from api.report.labelled import font_path

PAGE = (595.28, 841.89)
"""Width and height of A4 in points."""
POINTS = 72
UNKNOWN = "\ufffd"
_EM = 1000
_writing = Lock()
"""matplotlib's settings are of the whole process."""


class Sheet:
    """One page. What stands on it is drawn when it is saved: laying out tries several pages, and drawing is slow."""

    def __init__(self) -> None:
        self._marks: list[Callable[[Figure], object]] = []

    def drawn(self) -> Figure:
        """The page as matplotlib writes it."""
        figure = Figure(figsize=(PAGE[0] / POINTS, PAGE[1] / POINTS))
        FigureCanvasPdf(figure)
        for mark in self._marks:
            mark(figure)
        return figure

    def text(
        self, x: float, y: float, words: str, size: float, *, bold: bool = False, ink: str = "#14181d", at: str = "left"
    ) -> None:
        """One line with its baseline at y. at: left | center | right of x."""
        font = FontProperties(fname=font_path("bold" if bold else "normal"), size=size)
        look: dict[str, Any] = {"fontproperties": font, "color": ink, "ha": at, "va": "baseline", "parse_math": False}
        self._marks.append(lambda figure: figure.text(x / PAGE[0], 1 - y / PAGE[1], printable(words), **look))

    def box(self, x: float, y: float, width: float, height: float, *, fill: str, edge: str = "none") -> None:
        """A filled rectangle."""
        corner = (x / PAGE[0], 1 - (y + height) / PAGE[1])
        size = width / PAGE[0], height / PAGE[1]
        self._marks.append(
            lambda figure: figure.add_artist(Rectangle(corner, *size, facecolor=fill, edgecolor=edge, linewidth=0.6))
        )

    def line(self, x0: float, y0: float, x1: float, y1: float, *, ink: str = "#9aa3ad", width: float = 0.6) -> None:
        """A straight line."""
        ends = [x0 / PAGE[0], x1 / PAGE[0]], [1 - y0 / PAGE[1], 1 - y1 / PAGE[1]]
        self._marks.append(
            lambda figure: figure.add_artist(Line2D(*ends, color=ink, linewidth=width, solid_capstyle="butt"))
        )

    def picture(self, x: float, y: float, width: float, height: float, picture: Image.Image) -> None:
        """A picture, stretched to fill its place."""
        place = (x / PAGE[0], 1 - (y + height) / PAGE[1], width / PAGE[0], height / PAGE[1])

        def mark(figure: Figure) -> None:
            axes = figure.add_axes(place)
            axes.imshow(np.asarray(picture.convert("RGB")), aspect="auto", interpolation="none")
            axes.set_axis_off()

        self._marks.append(mark)


def save(pages: list[Sheet], title: str) -> bytes:
    """The pages as PDF, the same bytes for the same pages; its text can be marked and searched."""
    target = BytesIO()
    facts = {"Title": title, "Creator": "caselink", "Producer": None, "CreationDate": None}
    with _writing, rc_context({"pdf.fonttype": 42, "savefig.dpi": 200}), PdfPages(target, metadata=facts) as file:
        for page in pages:
            file.savefig(page.drawn())
    return target.getvalue()


def printable(words: str) -> str:
    """The text with a mark in place of every character that the font lacks."""
    known = _advances("normal")
    return "".join(c if ord(c) in known else UNKNOWN for c in words)


def wide(words: str, size: float, *, bold: bool = False) -> float:
    """Points that a line takes."""
    known = _advances("bold" if bold else "normal")
    return sum(known.get(ord(c), _EM) for c in printable(words)) * size / _EM


def wrapped(words: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """The text in lines of at most `width` points; a word that is too long for a line is broken."""
    lines: list[str] = []
    for paragraph in words.expandtabs(4).split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if wide(longer, size, bold=bold) <= width:
                line = longer
                continue
            if line:
                lines.append(line)
            *whole, line = _broken(word, width, size, bold)
            lines += whole
        lines.append(line)
    return lines


def clipped(words: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text as far as it fits one line, with an ellipsis where it does not."""
    words = " ".join(words.split())
    if wide(words, size, bold=bold) <= width:
        return words
    while words and wide(f"{words}…", size, bold=bold) > width:
        words = words[:-1]
    return f"{words.rstrip()}…"


def _broken(word: str, width: float, size: float, bold: bool) -> list[str]:
    parts = [""]
    for character in word:
        if parts[-1] and wide(parts[-1] + character, size, bold=bold) > width:
            parts.append("")
        parts[-1] += character
    return parts


@lru_cache(maxsize=2)
def _advances(weight: str) -> dict[int, float]:
    """Width of every character of a font, in thousandths of its size."""
    font = FT2Font(font_path(weight))
    font.set_size(_EM, POINTS)
    return {
        code: font.load_char(code, flags=LoadFlags.NO_HINTING).linearHoriAdvance / 65536 for code in font.get_charmap()
    }
