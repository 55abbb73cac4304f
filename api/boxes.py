"""Lesion boxes as text, `x0,y0,x1,y1` in whole film pixels: the one spelling at every door."""

import re
from typing import Final, Literal

from engine.errors import RegionError
from engine.said import Said

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1): columns x0 <= x < x1, rows y0 <= y < y1, in pixels of the full film."""

Whole = Literal["whole"]
WHOLE: Final[Whole] = "whole"
"""In place of a box: all of the film, even where the archive's segmenter would propose a region."""

_DIGITS = 9
_SPELLING = re.compile(r"\s*,\s*".join([rf"(-?[0-9]{{1,{_DIGITS}}})"] * 4))
_SHOWN = 60


def parse_box(text: str) -> Box:
    """The box that `text` spells.

    Raises:
        RegionError: where it is not four whole numbers.
    """
    found = _SPELLING.fullmatch(text.strip())
    if found is None:
        told = "region {text!r} is not x0,y0,x1,y1 in whole film pixels, e.g. 120,80,310,260"
        raise RegionError(Said("region_spelling", told, text=text[:_SHOWN]))
    x0, y0, x1, y1 = (int(part) for part in found.groups())
    return x0, y0, x1, y1


def parse_roi(text: str) -> Box | Whole | None:
    """The box that `text` spells, `WHOLE` for that word, None where it is empty: let the archive propose the region.

    Raises:
        RegionError: where it is neither.
    """
    said = text.strip()
    if not said:
        return None
    return WHOLE if said.lower() == WHOLE else parse_box(said)


def format_box(box: Box | Whole | None) -> str:
    """`parse_roi`'s inverse."""
    if box is None or box == WHOLE:
        return box or ""
    return ",".join(str(int(edge)) for edge in box)
