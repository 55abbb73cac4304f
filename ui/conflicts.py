"""Sides and body parts that contradict a film's header: flagged, and left to people to settle."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from api.schemas import QueryFacts, SimilarCase
from ui.session import QueryFilm
from ui.told import Told
from ui.wording import joined, listed, side, site_name
from ui.words import say

_PAIRED = ("L", "R")


@cache
def _areas() -> Mapping[str, frozenset[str]]:
    """The areas of the body that a bone, joint or body part touches, by its name in lower case."""
    named = json.loads(Path(__file__).with_name("areas.json").read_text(encoding="utf-8"))
    parts = {part for held in named.values() for part in held}
    return {part: frozenset(area for area, held in named.items() if part in held) for part in parts}


def areas(site: str | None) -> frozenset[str]:
    """The areas that a site touches, several joined by ';'; empty where none of it is known here."""
    parts = [part.strip().lower().replace("_", " ") for part in (site or "").split(";")]
    return frozenset().union(*(_areas().get(part, frozenset()) for part in parts))


def apart(one: str | None, other: str | None) -> bool:
    """Whether two sites are surely different places of the body: both known here, and no area in common."""
    first, second = areas(one), areas(other)
    return bool(first and second and not first & second)


def opposed(one: str | None, other: str | None) -> bool:
    """Whether one side is left and the other right."""
    return one in _PAIRED and other in _PAIRED and one != other


def marker_conflicts(films: Sequence[QueryFilm], markers: Mapping[str, str]) -> list[str]:
    """Sentences on markers that contradict their film's header, and on headers that contradict each other.

    markers: side that is read off a film, by film key.
    """
    said = [
        say("conflict.marker", name=film.name, marker=side(markers[film.key]), header=side(film.side))
        for film in films
        if opposed(markers.get(film.key), film.side)
    ]
    sides = {film.side for film in films} & set(_PAIRED)
    if len(sides) > 1:
        said.append(say("conflict.films", films=listed([f"{film.name} ({side(film.side)})" for film in films])))
    return said


def part_conflicts(films: Sequence[QueryFilm] | Sequence[QueryFacts], told: Told) -> list[str]:
    """Sentences on a site that was told beside films of another body part, and on films of several body parts."""
    said = [
        say("conflict.told", name=film.name, part=site_name(film.body_part or ""), site=site_name(told.site or ""))
        for film in films
        if apart(film.body_part, told.site)
    ]
    first = films[0] if films else None
    other = next((film for film in films[1:] if first and apart(first.body_part, film.body_part)), None)
    if first and other:
        names = listed([f"{film.name} ({site_name(film.body_part or '')})" for film in (first, other)])
        said.append(say("conflict.parts", films=names))
    return said


def case_conflicts(asked: QueryFacts, case: SimilarCase) -> str | None:
    """That a similar patient's lesion lies elsewhere than the query, or on another side than their film says."""
    best = case.films[0]
    return (
        joined(
            [
                say("conflict.case_part", part=site_name(asked.body_part or ""), site=site_name(case.site or ""))
                if apart(asked.body_part, case.site)
                else None,
                say("conflict.case_side", lesion=side(case.side), film=side(best.side))
                if opposed(case.side, best.side)
                else None,
            ],
            " ",
        )
        or None
    )
