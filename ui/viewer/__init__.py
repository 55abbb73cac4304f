"""Films in a viewer that works in the browser alone: window, zoom and pan ask nothing of a server, only a box does."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from ui.boxes import Box, close_up, from_drag
from ui.figures import Shown, data_uri
from ui.words import say

Fit = Literal["film", "region", "scale"]
_NAME = "caselink_viewer"
_FOLDER = Path(__file__).parent
_WORDS = (
    "tools", "level", "width", "invert", "draw", "move", "film", "region", "scale", "linked", "smaller", "larger",
    "turn", "reset", "to_scale", "not_to_scale", "keys",
)  # fmt: skip


@dataclass(frozen=True)
class Viewed:
    """A film in the viewer. id: told with a drawn box. caption: lines under it.

    proposed: box that a model proposes, dashed; shown where `shown.box` is None.
    """

    id: str
    shown: Shown
    caption: str = ""
    proposed: Box | None = None


@dataclass(frozen=True)
class Drawn:
    """A box drawn on a film, in pixels of the full film; see `Viewed.id`."""

    film: str
    box: Box


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def viewer(
    films: Sequence[Viewed], key: str, fit: Fit = "film", on_draw: Callable[[Drawn], None] | None = None
) -> None:
    """The films beside each other. on_draw: called with each box drawn; None where nothing is to be drawn."""
    mount = st.components.v2.component(_NAME, css=_text("viewer.css"), js=_text("viewer.js"), isolate_styles=False)
    data = {
        "films": [_told(film) for film in films],
        "words": {name: say(f"viewer.{name}") for name in _WORDS},
        "draw": on_draw is not None,
        "fit": fit,
        "fits": ["film", "region", *(["scale"] if len(films) > 1 else [])],
    }

    def take() -> None:
        drawn = read_drawn(st.session_state[key].get("box"), films)
        if drawn is not None and on_draw is not None:
            on_draw(drawn)

    mount(key=key, data=data, on_box_change=take)


def read_drawn(sent: object, films: Sequence[Viewed]) -> Drawn | None:
    """What a browser says was drawn, held inside the film it names; None where it makes no box."""
    if not isinstance(sent, dict):
        return None
    film = next((each for each in films if each.id == sent.get("film")), None)
    edges = sent.get("box")
    if film is None or not isinstance(edges, list) or len(edges) != 4:
        return None
    if not all(isinstance(edge, int | float) and isfinite(edge) for edge in edges):
        return None
    box = from_drag(edges[0::2], edges[1::2], film.shown.rows, film.shown.columns)
    return None if box is None else Drawn(film.id, box)


def _told(film: Viewed) -> dict[str, Any]:
    shown, box = film.shown, film.shown.box or film.proposed
    whole = (0, 0, shown.columns, shown.rows)
    tint = shown.tint and asdict(shown.tint) | {"src": f"data:image/png;base64,{shown.tint.overlay}", "overlay": None}
    return {
        "id": film.id,
        "src": data_uri(shown.picture),
        "alt": shown.alt,
        "rows": shown.rows,
        "columns": shown.columns,
        "box": shown.box,
        "proposed": film.proposed,
        "focus": close_up(box, shown.rows, shown.columns) if box else whole,
        "spacing": shown.spacing_mm,
        "side": shown.side,
        "key": shown.key,
        "caption": film.caption,
        "tint": tint,
    }
