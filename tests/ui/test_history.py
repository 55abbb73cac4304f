"""A past patient's course: events and films in the order of their dates."""

import re
from dataclasses import replace
from datetime import date

from api.schemas import EventFacts, FilmFacts, PatientHistory
from ui.history import KINDS, film_caption, timeline

FILM = FilmFacts(
    5, None, date(2020, 2, 1), "frontal", "L", None, None, 14.2, "before treatment", 100, 80, None, None, 0, 0, 80, 100,
    "whole", "osteosarcoma", None,
)  # fmt: skip
EVENTS = (
    EventFacts(date(2020, 3, 1), "surgery", "resection <wide>", "theatre"),
    EventFacts(None, "board", "seen once", None),
    EventFacts(date(2020, 1, 1), "radiology", "lytic lesion", "radiology"),
    EventFacts(date(2021, 1, 1), "follow-up", "no recurrence", None),
)
HISTORY = PatientHistory("", True, "P1", "F", None, (), EVENTS, (FILM, replace(FILM, film=6, taken=None)))


def titles(html: str) -> list[str]:
    return re.findall(r"<h3>(.*?)</h3>", html)


def test_events_and_dated_films_stand_in_one_order() -> None:
    html = timeline(HISTORY)
    assert titles(html) == ["Board", "Radiology", "Film 5", "Surgery", "Follow-up"]
    assert re.findall(r'datetime="([^"]*)"', html) == ["2020-01-01", "2020-02-01", "2020-03-01", "2021-01-01"]
    assert "undated" in html and "frontal view, left, before treatment" in html
    assert "resection &lt;wide&gt;" in html and "Source: theatre" in html


def test_the_course_is_narrowed_to_reports_or_therapy() -> None:
    assert titles(timeline(HISTORY, KINDS["reports"])) == ["Board", "Radiology"]
    assert titles(timeline(HISTORY, KINDS["therapy"])) == ["Surgery"]
    assert titles(timeline(HISTORY, KINDS["follow_up"])) == ["Follow-up"]
    assert "No events on record" in timeline(replace(HISTORY, events=()), KINDS["therapy"])


def test_what_stands_under_a_film() -> None:
    assert film_caption(FILM) == "1 Feb 2020, frontal view, left, age 14 years, before treatment"
    bare = replace(FILM, taken=None, view=None, side=None, age=None, stage="unknown")
    assert film_caption(bare) == "not known"
