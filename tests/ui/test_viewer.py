"""What goes to the viewer in the browser, and what is believed of what comes back."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st

import ui.viewer as viewer_files
from ui.figures import Shown
from ui.viewer import Drawn, Viewed, read_drawn, viewer

FILM = Viewed("one", Shown(b"jpeg", rows=100, columns=80, alt="a film"))


@pytest.mark.parametrize(
    ("sent", "box"),
    [
        ([10, 20, 40, 50], (10, 20, 40, 50)),
        ([40, 50, 10, 20], (10, 20, 40, 50)),
        ([-5, 20.4, 900, 1e9], (0, 20, 80, 100)),
    ],
)
def test_a_drawn_box_is_held_inside_its_film(sent: list[float], box: tuple[int, ...]) -> None:
    assert read_drawn({"film": "one", "box": sent}, [FILM]) == Drawn("one", box)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sent",
    [
        None, "box", {}, {"film": "two", "box": [1, 2, 30, 40]}, {"film": "one"}, {"film": "one", "box": [1, 2, 3]},
        {"film": "one", "box": ["1", 2, 30, 40]}, {"film": "one", "box": [1, 2, float("nan"), 40]},
        {"film": "one", "box": [1, 2, float("inf"), 40]}, {"film": "one", "box": [10, 20, 12, 90]},
    ],
)  # fmt: skip
def test_anything_else_is_no_box(sent: object) -> None:
    assert read_drawn(sent, [FILM]) is None


def sent(monkeypatch: pytest.MonkeyPatch, *films: Viewed, draw: bool = False) -> dict[str, Any]:
    """What goes to the browser."""
    mounted: list[dict[str, Any]] = []
    monkeypatch.setattr(st.components.v2, "component", lambda *_, **__: lambda **given: mounted.append(given))
    viewer(films, key="v", on_draw=(lambda drawn: None) if draw else None)
    data: dict[str, Any] = mounted[0]["data"]
    return data


def test_a_proposed_region_is_told_apart_from_a_drawn_one(monkeypatch: pytest.MonkeyPatch) -> None:
    proposed = sent(monkeypatch, replace(FILM, proposed=(10, 20, 30, 40)), draw=True)
    (film,) = proposed["films"]
    assert (film["box"], film["proposed"], film["focus"]) == (None, (10, 20, 30, 40), (0, 8, 44, 52))
    assert proposed["draw"] and proposed["fits"] == ["film", "region"]
    drawn = replace(FILM, shown=replace(FILM.shown, box=(40, 50, 60, 70)), proposed=(10, 20, 30, 40))
    (film,) = sent(monkeypatch, drawn)["films"]
    assert film["box"] == (40, 50, 60, 70) and film["focus"] == (28, 38, 72, 82)


def test_several_films_may_be_seen_at_one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    known = replace(FILM, id="two", shown=replace(FILM.shown, spacing_mm=(0.2, 0.1)), caption="Patient 1")
    data = sent(monkeypatch, FILM, known)
    assert not data["draw"] and data["fits"] == ["film", "region", "scale"]
    assert [film["spacing"] for film in data["films"]] == [None, (0.2, 0.1)]
    assert data["films"][0]["focus"] == (0, 0, 80, 100)
    assert all(data["words"].values()) and data["films"][1]["caption"] == "Patient 1"


def test_the_viewer_calls_no_other_host() -> None:
    folder = Path(viewer_files.__path__[0])
    for name in ("viewer.js", "viewer.css"):
        text = (folder / name).read_text(encoding="utf-8")
        assert not re.search(r"https?:|//[a-z]+\.|import\s|fetch\(|XMLHttp|@import", text), name
