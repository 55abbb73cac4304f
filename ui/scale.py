"""How much of each of two films is shown, so that a centimetre is as long on both where that can be known."""

from dataclasses import dataclass

from ui.boxes import Box, close_up

Seen = tuple[float, float, float, float]
"""The part of a film that is shown, (x0, y0, x1, y1) in its pixels; it may reach beyond the film."""
BARS_MM = (5, 10, 20, 50, 100, 200)
"""Lengths of scale bars, in millimetres."""
MOST_OF_FRAME = 1 / 3


@dataclass(frozen=True)
class Measured:
    """A film's size, its region and its spacing.

    box: None = the whole film. spacing_mm: (row, column), None = unknown.
    """

    rows: int
    columns: int
    box: Box | None
    spacing_mm: tuple[float, float] | None

    def part(self, zoomed: bool) -> Box:
        """The region's surroundings, or the whole film."""
        return close_up(self.box, self.rows, self.columns) if zoomed and self.box else (0, 0, self.columns, self.rows)

    def long_mm(self, zoomed: bool) -> float | None:
        """The longer side of what is shown, in millimetres."""
        if self.spacing_mm is None:
            return None
        x0, y0, x1, y1 = self.part(zoomed)
        return max((y1 - y0) * self.spacing_mm[0], (x1 - x0) * self.spacing_mm[1])


def seen_together(one: Measured, other: Measured, zoomed: bool) -> tuple[Seen, Seen, bool]:
    """What to show of two films in frames of one size, and whether a millimetre is then as long in both."""
    longs = one.long_mm(zoomed), other.long_mm(zoomed)
    if longs[0] is None or longs[1] is None:
        return one.part(zoomed), other.part(zoomed), False
    extent = max(longs[0], longs[1])
    return around(one, extent, zoomed), around(other, extent, zoomed), True


def around(film: Measured, extent_mm: float, zoomed: bool) -> Seen:
    """The square of a number of millimetres around what is shown of a film whose spacing is known.

    It is moved into the film where that is large enough, and else shows the film in its middle.
    """
    assert film.spacing_mm is not None
    x0, y0, x1, y1 = film.part(zoomed)
    left, right = _moved((x0 + x1) / 2, extent_mm / film.spacing_mm[1], film.columns)
    top, bottom = _moved((y0 + y1) / 2, extent_mm / film.spacing_mm[0], film.rows)
    return left, top, right, bottom


def _moved(middle: float, length: float, limit: int) -> tuple[float, float]:
    start = (limit - length) / 2 if length >= limit else min(max(middle - length / 2, 0.0), limit - length)
    return start, start + length


def bar_mm(width_mm: float) -> int | None:
    """The longest scale bar that takes at most a third of a frame's width; None where none is short enough."""
    return next((bar for bar in reversed(BARS_MM) if bar <= width_mm * MOST_OF_FRAME), None)
