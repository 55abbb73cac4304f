"""Films in HTML: on black, the region as a box over the picture, with a text for those who cannot see it."""

import base64
from dataclasses import dataclass
from html import escape

from ui.boxes import Box
from ui.scale import Measured, Seen, bar_mm


@dataclass(frozen=True)
class Tint:
    """A map over a part of a film. overlay: PNG with alpha, base64. box: the part, in film pixels. strength: 0..1."""

    overlay: str
    box: Box
    alt: str
    strength: float = 1.0


@dataclass(frozen=True)
class Shown:
    """A film to show. picture: JPEG or PNG of the whole film. box: in pixels of the full film. alt: its text.

    tint: a map to lay over it, None for none. side, key: what stands on it: its side, and whose it is and when taken.
    spacing_mm: (row, column), None where unknown.
    """

    picture: bytes
    rows: int
    columns: int
    alt: str
    box: Box | None = None
    tint: Tint | None = None
    side: str = ""
    key: str = ""
    spacing_mm: tuple[float, float] | None = None

    @property
    def measured(self) -> Measured:
        """What is needed to show it at the scale of another film."""
        return Measured(self.rows, self.columns, self.box, self.spacing_mm)


def data_uri(picture: bytes) -> str:
    """A PNG or JPEG for an `src`."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


def figure(film: Shown, caption: str = "", zoomed: bool = False, seen: Seen | None = None) -> str:
    """A square black frame with the film fitted into it, or the surroundings of its box, or the part `seen`."""
    part = seen or film.measured.part(zoomed)
    x0, y0, x1, y1 = part
    width, height = x1 - x0, y1 - y0
    row, column = film.spacing_mm or (1.0, 1.0)
    across, down = width * column, height * row
    fit = "width:100%" if across >= down else "height:100%"
    picture = (
        f'<img alt="{escape(film.alt)}" src="{data_uri(film.picture)}" style="width:{_share(film.columns, width)};'
        f'height:{_share(film.rows, height)};left:{_share(-x0, width)};top:{_share(-y0, height)}">'
    )
    frame = (
        f'<div class="cl-frame"><div class="cl-film" style="aspect-ratio:{across:g}/{down:g};{fit}">'
        f"{picture}{_tint(film.tint, part)}{_outline(film.box, part)}{_ruler(film, across)}</div>{_marks(film)}</div>"
    )
    words = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure class="cl-figure">{frame}{words}</figure>'


def _outline(box: Box | None, seen: Seen) -> str:
    if box is None:
        return ""
    return f'<span class="cl-box" style="{_place(box, seen)}"></span>'


def _tint(tint: Tint | None, seen: Seen) -> str:
    if tint is None:
        return ""
    return (
        f'<img class="cl-tint" alt="{escape(tint.alt)}" src="data:image/png;base64,{tint.overlay}" '
        f'style="{_place(tint.box, seen)};opacity:{tint.strength:.2f}">'
    )


def _ruler(film: Shown, across_mm: float) -> str:
    bar = bar_mm(across_mm) if film.spacing_mm else None
    if bar is None:
        return ""
    length = f"{bar} mm" if bar < 10 else f"{bar // 10} cm"
    return f'<span class="cl-on-film cl-on-bar" style="width:{_share(bar, across_mm)}">{length}</span>'


def _marks(film: Shown) -> str:
    marks = (("cl-on-side", film.side), ("cl-on-key", film.key))
    return "".join(f'<span class="cl-on-film {name}">{escape(text)}</span>' for name, text in marks if text)


def _place(box: Box, seen: Seen) -> str:
    """Where a box of the film lies in the part that is seen, as CSS."""
    width, height = seen[2] - seen[0], seen[3] - seen[1]
    return (
        f"left:{_share(box[0] - seen[0], width)};top:{_share(box[1] - seen[1], height)};"
        f"width:{_share(box[2] - box[0], width)};height:{_share(box[3] - box[1], height)}"
    )


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.4f}%"
