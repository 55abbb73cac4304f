"""Explanations on the answer's screen: where two films agree, and what on one's own speaks for the vote."""

from collections.abc import Sequence
from html import escape
from typing import Literal

import streamlit as st

from api.schemas import Explanation, FilmMap, QueryFacts, SearchAnswer, SimilarCase
from ui import backend
from ui.boxes import Box
from ui.figures import Tint
from ui.parts import sentence, trouble
from ui.session import Session
from ui.wording import capital, entity_name
from ui.words import say, term

STRONGEST = 100
_ROWS, _COLUMNS = ("upper", "middle", "lower"), ("left", "centre", "right")


def agreement(
    session: Session, answer: SearchAnswer, case: SimilarCase, number: int
) -> tuple[Tint | None, Tint | None]:
    """A switch under a pair of films; where it is on, the map for each: the query's film `number`, the case's best."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not st.toggle(say("explain.agree"), key=f"agree-{case.rank}"):
            return None, None
        strength = _strength(f"agree-strength-{case.rank}")
    found = _explanation(session, answer, number, case.films[0].film)
    if found is None:
        return None, None
    said = [capital(_told(found.rule)), say("explain.own_scale"), *map(_told, found.warnings)]
    legend(say("explain.less"), say("explain.more"), said)
    return (
        _tint(found.query, say("explain.on_own", rank=case.rank), strength),
        _tint(found.neighbour, say("explain.on_past", rank=case.rank), strength),
    )


def _told(sentence: str) -> str:
    """One of the API's own sentences on maps, in the language of the page."""
    return term("explained", sentence)


def speaking(session: Session, answer: SearchAnswer) -> Sequence[Tint | None]:
    """A switch under the query's films; where it is on, what on each speaks for the entity with most votes."""
    none = [None] * len(answer.queries)
    if answer.label is None or not answer.cases:
        return none
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not st.toggle(say("explain.speaks", entity=entity_name(answer.label)), key="speaks"):
            return none
        strength = _strength("speaks-strength")
    nearest = answer.cases[0].films[0].film
    found = [_explanation(session, answer, number, nearest) for number in range(len(answer.queries))]
    rules = dict.fromkeys(each.activation_rule for each in found if each is not None)
    if rules:
        legend(
            say("explain.less_for"),
            say("explain.more_for", entity=entity_name(answer.label)),
            [capital(_told(rule)) for rule in rules],
        )
    return [
        _tint(each.activation, say("explain.speaks_on_own", entity=entity_name(answer.label)), strength)
        if each is not None and each.activation is not None
        else None
        for each in found
    ]


def _strength(key: str) -> float:
    chosen = st.slider(
        say("explain.strength"), 0, STRONGEST, STRONGEST, 10, key=key, format="%d %%", width=170,
        label_visibility="collapsed",
    )  # fmt: skip
    return float(chosen) / STRONGEST


def _explanation(session: Session, answer: SearchAnswer, number: int, film: int) -> Explanation | None:
    """Fetched once; None, with a sentence on the screen, where it cannot be had."""
    own, box = session.asked[number], asked_box(answer.queries[number])
    key = (own.key, box, film, answer.label)
    if key not in session.explained:
        try:
            with st.spinner(say("explain.comparing")):
                session.explained[key] = backend.client().explain(own.file, film, box, answer.label, voters(answer))
        except backend.Trouble as error:
            trouble(error)
            return None
    return session.explained[key]


def asked_box(facts: QueryFacts) -> Box | Literal["whole"]:
    """The region that a film of the query was compared by, drawn or proposed, in the API's words."""
    return "whole" if facts.region_origin == "whole" else facts.region


def voters(answer: SearchAnswer) -> list[int]:
    """The best film of each similar patient who had the entity with most votes."""
    return [case.films[0].film for case in answer.cases if answer.label is not None and case.entity == answer.label]


def _tint(found: FilmMap, what: str, strength: float) -> Tint:
    return Tint(found.overlay, found.box, say("explain.where", what=what, place=place(found)), strength)


def place(found: FilmMap) -> str:
    """Where a map is strongest, in words: upper left."""
    grid = max((each.grid for each in found.maps), key=lambda rows: max(map(max, rows)))
    best = max(((value, y, x) for y, row in enumerate(grid) for x, value in enumerate(row)), key=lambda each: each[0])
    row, column = _ROWS[int(3 * (best[1] + 0.5) / len(grid))], _COLUMNS[int(3 * (best[2] + 0.5) / len(grid[0]))]
    return say(f"explain.{row}_{column}")


def legend(low: str, high: str, sentences: Sequence[str]) -> None:
    """The scale of colours and what it means."""
    said = " ".join(escape(sentence(each)) for each in sentences)
    st.html(
        f'<div class="cl-legend"><span>{escape(low)}</span><i aria-hidden="true"></i><span>{escape(high)}</span>'
        f"<p>{said}</p></div>"
    )
