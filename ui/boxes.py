"""Lesion boxes on the screen: (x0, y0, x1, y1), half-open, in pixels of the full film, rows counted downwards."""

from collections.abc import Sequence
from dataclasses import dataclass

from ui.words import say

Box = tuple[int, int, int, int]
EDGES = ("left", "top", "right", "bottom")
LEAST = 8
"""A drag of fewer film pixels than this on either side is a slip of the hand; the API takes no smaller region."""
SURROUNDINGS = 0.6
"""Share of the box's longer side that a close-up adds on each side."""


@dataclass(frozen=True)
class Typed:
    """What four typed edges make. box: None where they make none. error: why, where all four are there."""

    box: Box | None
    error: str | None = None


def from_drag(x: Sequence[float], y: Sequence[float], rows: int, columns: int) -> Box | None:
    """The box of a drag between two corners in film coordinates, held inside the film; None for a slip."""
    x0, x1 = (_held(edge, columns) for edge in (min(x), max(x)))
    y0, y1 = (_held(edge, rows) for edge in (min(y), max(y)))
    return (x0, y0, x1, y1) if x1 - x0 >= LEAST and y1 - y0 >= LEAST else None


def _held(edge: float, limit: int) -> int:
    return min(max(round(edge), 0), limit)


def from_edges(edges: Sequence[int | None], rows: int, columns: int) -> Typed:
    """The box that typed edges (left, top, right, bottom) make on a film; none as long as one is missing."""
    known = [edge for edge in edges if edge is not None]
    if len(known) < len(EDGES):
        return Typed(None)
    x0, y0, x1, y1 = known
    if not (0 <= x0 < x1 <= columns and 0 <= y0 < y1 <= rows):
        return Typed(
            None,
            say("draw.misfit", x0=x0, y0=y0, x1=x1, y1=y1, rows=rows, columns=columns),
        )
    if min(x1 - x0, y1 - y0) < LEAST:
        return Typed(
            None,
            say("draw.small", x0=x0, y0=y0, x1=x1, y1=y1, width=x1 - x0, height=y1 - y0, least=LEAST),
        )
    return Typed((x0, y0, x1, y1))


def close_up(box: Box, rows: int, columns: int) -> Box:
    """The square around a box with some surroundings, moved into the film; cut where the film is smaller."""
    x0, y0, x1, y1 = box
    side = round(max(x1 - x0, y1 - y0) * (1 + 2 * SURROUNDINGS))
    left, right = _span((x0 + x1) // 2, side, columns)
    top, bottom = _span((y0 + y1) // 2, side, rows)
    return left, top, right, bottom


def _span(middle: int, side: int, limit: int) -> tuple[int, int]:
    side = min(max(side, 1), limit)
    start = min(max(middle - side // 2, 0), limit - side)
    return start, start + side
