"""Sides and body parts that contradict each other are flagged, and nothing else is."""

from dataclasses import replace

import pytest

from api.schemas import QueryFacts, SimilarCase, SimilarFilm
from ui.conflicts import apart, areas, case_conflicts, marker_conflicts, opposed, part_conflicts
from ui.session import QueryFilm
from ui.told import Told

FILM = QueryFilm("a", "a.dcm", b"", 80, 60, "L", None, ())
FACTS = QueryFacts("a.dcm", 80, 60, (0, 0, 60, 80), "whole", "L", None, "KNEE", None, ())
BEST = SimilarFilm(7, 0.9, None, "L", None, "unknown", (0, 0, 9, 9), "whole", 80, 60, None)
CASE = SimilarCase(1, "P1", 0.9, "osteosarcoma", "malignant", None, "femur", "L", None, None, None, (BEST,))


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        ("KNEE", "femur", False),
        ("KNEE", "humerus", True),
        ("KNEE", "humerus;tibia", False),
        ("LOWER_LEG", "tibia", False),
        ("knee-joint", "hand", True),
        ("KNEE", "somewhere", False),
        (None, "hand", False),
        ("FOOT", None, False),
    ],
)
def test_places_of_the_body(one: str | None, other: str | None, wanted: bool) -> None:
    assert apart(one, other) is apart(other, one) is wanted


def test_a_place_is_never_apart_from_itself() -> None:
    assert areas("femur") >= {"thigh", "knee", "hip"} and not areas("moon")
    assert not apart("femur", "FEMUR")


@pytest.mark.parametrize(("one", "other"), [("L", "L"), ("L", "B"), ("L", None), (None, None), ("U", "R")])
def test_sides_that_do_not_oppose_each_other(one: str | None, other: str | None) -> None:
    assert not opposed(one, other) and opposed("L", "R")


def test_a_marker_against_the_header() -> None:
    assert marker_conflicts([FILM], {}) == marker_conflicts([FILM], {"a": "L"}) == []
    (said,) = marker_conflicts([FILM], {"a": "R"})
    assert said.startswith("a.dcm: the marker says right, the header says left")


def test_films_of_two_sides() -> None:
    other = replace(FILM, key="b", name="b.dcm", side="R")
    (said,) = marker_conflicts([FILM, other], {})
    assert "a.dcm (left) and b.dcm (right)" in said
    assert marker_conflicts([FILM, replace(other, side=None)], {}) == []


def test_a_site_that_was_told_against_the_header() -> None:
    assert part_conflicts((FACTS,), Told(site="tibia")) == part_conflicts((FACTS,), Told()) == []
    (said,) = part_conflicts((FACTS,), Told(site="hand"))
    assert "the header says knee, you said hand" in said


def test_films_of_two_parts_of_the_body() -> None:
    (said,) = part_conflicts(
        (
            FACTS,
            replace(FACTS, name="b.dcm", body_part="HAND"),
        ),
        Told(),
    )
    assert "a.dcm (knee) and b.dcm (hand)" in said
    assert part_conflicts((), Told()) == []


def test_similar_patients_with_another_part_or_side() -> None:
    assert case_conflicts(FACTS, CASE) is None
    assert "your film says knee, this lesion lies in humerus" in str(
        case_conflicts(FACTS, replace(CASE, site="humerus"))
    )
    assert "lesion right, film left" in str(case_conflicts(FACTS, replace(CASE, side="R")))
