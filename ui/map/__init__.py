"""The map of an archive's films, drawn on a canvas in the browser: hovering, zooming and stepping ask no server."""

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from api.schemas import ArchiveMap
from ui.wording import day, entity_name, joined, place
from ui.words import counted, say, term

COLOURS = ("#b4e2ff", "#dc5900", "#b59cf2", "#f7e986", "#ec9fb0", "#7a62ff", "#82756f")
"""Of the commonest entities: told apart in every usual kind of colour blindness, and none reassures."""
OTHER = "#a9b4bd"
"""Of all other entities, whose marks are hollow."""
SHAPES = ("malignant", "intermediate", "benign", "none")
"""Triangle, square, circle and cross; the last also where malignancy is not known."""
_NAME = "caselink_map"
_FOLDER = Path(__file__).parent
_WORDS = ("alt", "keys", "entities", "shapes", "film", "choose", "larger", "smaller", "reset")
_HOLES = ("film", "entity", "place", "date")
"""What the browser fills into the line of a film."""


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def film_map(found: ArchiveMap, chosen: int | None, key: str, on_choose: Callable[[int], None]) -> None:
    """The map. chosen: the film that is ringed. on_choose: called with the film that somebody clicked or picked."""
    mount = st.components.v2.component(_NAME, css=_text("map.css"), js=_text("map.js"), isolate_styles=False)

    def take() -> None:
        film = read_chosen(st.session_state[key].get("film"), found)
        if film is not None:
            on_choose(film)

    mount(key=key, data=told(found) | {"chosen": chosen}, on_film_change=take)


def read_chosen(sent: object, found: ArchiveMap) -> int | None:
    """The film that a browser says was chosen; None where the map has none of that number."""
    if isinstance(sent, bool) or not isinstance(sent, int):
        return None
    return sent if any(point.film == sent for point in found.points) else None


def told(found: ArchiveMap) -> dict[str, Any]:
    """What goes to the browser: a column for each fact, texts as places in a list of those that occur."""
    points = found.points
    films = Counter(point.entity for point in points)
    entities = sorted(films, key=lambda name: (name is None, -films[name], name))
    places = _Coded(joined([place(point.site, point.side)]) for point in points)
    dates = _Coded(day(point.taken) for point in points)
    shape = {name: number for number, name in enumerate(SHAPES)}
    return {
        "version": found.version,
        "film": [point.film for point in points],
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "entity": _codes(entities, [point.entity for point in points]),
        "shape": [shape.get(point.malignancy or "", len(SHAPES) - 1) for point in points],
        "place": places.codes,
        "places": places.texts,
        "date": dates.codes,
        "dates": dates.texts,
        "entities": [
            {
                "name": entity_name(name),
                "films": counted("film", films[name]),
                "colour": COLOURS[number] if name and number < len(COLOURS) else None,
            }
            for number, name in enumerate(entities)
        ],
        "other": OTHER,
        "shapes": [term("malignancy", name) for name in SHAPES[:-1]] + [say("map.no_malignancy")],
        "words": {name: say(f"map.{name}") for name in _WORDS} | {"option": _option()},
    }


def _option() -> str:
    return say("map.option", **{name: f"<{name}>" for name in _HOLES})


class _Coded:
    """Texts as places in a list of those that occur."""

    def __init__(self, texts: Any) -> None:
        every = list(texts)
        self.texts = sorted(set(every))
        self.codes = _codes(self.texts, every)


def _codes(known: list[Any], values: list[Any]) -> list[int]:
    number = {value: code for code, value in enumerate(known)}
    return [number[value] for value in values]
