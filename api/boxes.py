"""Lesion boxes as text, `x0,y0,x1,y1` in whole film pixels: the one spelling at every door."""

import re

from engine.errors import RegionError

Box = tuple[int, int, int, int]
"""(x0, y0, x1, y1): columns x0 <= x < x1, rows y0 <= y < y1, in pixels of the full film."""

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
        raise RegionError(f"region {text[:_SHOWN]!r} is not x0,y0,x1,y1 in whole film pixels, e.g. 120,80,310,260")
    x0, y0, x1, y1 = (int(part) for part in found.groups())
    return x0, y0, x1, y1


def format_box(box: Box | None) -> str:
    """`parse_box`'s inverse; None, the whole film, is the empty text."""
    return "" if box is None else ",".join(str(int(edge)) for edge in box)
