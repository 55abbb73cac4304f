"""The compare page: a film of the query and up to four precedents, with one window and one zoom."""

from functools import partial

import streamlit as st

from api.schemas import SearchAnswer, SimilarCase
from ui import backend
from ui.cases import FINE, archived, opened, own, own_line
from ui.parts import heading, note
from ui.session import Place, Screen, Session
from ui.viewer import Viewed, viewer
from ui.wording import age, capital, entity_name, joined, place, proof
from ui.words import decimal, say

MOST = 4
"""Precedents beside the query: more are too small to be compared."""
_CHOSEN = "compared"


def screen(session: Session) -> None:
    """The films, and the choice of them."""
    answer = session.answer
    if answer is None or not answer.cases:
        _nothing(session)
        return
    st.button(say("patient.to_answer"), key="to-answer", type="tertiary", on_click=lambda: session.show(Screen.answer))
    heading(say("compare.title"), say("compare.lead"))
    number, chosen = _query(answer), _precedents(session, answer)
    films = _films(session, answer, number, chosen)
    if films:
        viewer(films, key="compare", fit="scale")
    if not chosen:
        note(say("compare.none"))
    _histories(session, chosen)
    note(say("compare.notice"))


def _nothing(session: Session) -> None:
    with st.container(key="start"):
        heading(say("compare.title"), say("compare.nothing"))
        st.button(say("patient.to_search"), key="to-search", on_click=lambda: session.go(Place.search))


def _query(answer: SearchAnswer) -> int:
    numbers = list(range(len(answer.queries)))
    if len(numbers) < 2:
        return 0
    chosen = st.selectbox(
        say("compare.query"),
        numbers,
        format_func=lambda number: answer.queries[number].name,
        key="compare-query",
        persist_state="session",
    )
    return int(chosen or 0)


def candidates(answer: SearchAnswer) -> dict[int, SimilarCase]:
    """The similar patients by rank, and the nearest malignant one under 0 where they are not among them."""
    nearest = answer.nearest_malignant
    beyond = {0: nearest} if nearest is not None and not nearest.rank and nearest.films else {}
    return {case.rank: case for case in answer.cases} | beyond


def _precedents(session: Session, answer: SearchAnswer) -> list[SimilarCase]:
    found = candidates(answer)
    if session.compared is not None or not set(st.session_state.get(_CHOSEN, [-1])) <= set(found):
        st.session_state[_CHOSEN] = (session.compared or list(found))[:MOST]
        session.compared = None
    chosen = st.multiselect(
        say("compare.precedents", most=MOST),
        list(found),
        format_func=lambda rank: name(found[rank]),
        max_selections=MOST,
        placeholder=say("compare.choose"),
        key=_CHOSEN,
        persist_state="session",
    )
    return [found[rank] for rank in chosen]


def name(case: SimilarCase) -> str:
    """A past patient in a list: their rank and entity."""
    who = say("film.past", rank=case.rank) if case.rank else say("compare.malignant")
    return joined([who, case.entity and entity_name(case.entity)], ": ")


def _films(session: Session, answer: SearchAnswer, number: int, chosen: list[SimilarCase]) -> list[Viewed]:
    asked = answer.queries[number]
    mine = own(session, number, asked, FINE)
    films = [] if mine is None else [Viewed(f"own-{number}", mine, own_line(asked))]
    bests = [next((f for f in case.films if f.view and f.view == asked.view), case.films[0]) for case in chosen]
    backend.fetch_ahead(session, [film.film for film in bests], FINE)
    for case, best in zip(chosen, bests, strict=True):
        shown = archived(session, best, case, FINE)
        if shown is not None:
            films.append(Viewed(f"past-{best.film}", shown, lines(case)))
    return films


def lines(case: SimilarCase) -> str:
    """What stands under a precedent: who, how proven, where, how old, and the outcome."""
    return "\n".join(
        [
            joined([name(case), say("case.similarity", similarity=decimal(case.similarity))]),
            capital(proof(case.proof)),
            capital(joined([place(case.site, case.side), age(case.age)])),
            say("compare.outcome", outcome=case.outcome or say("word.unknown")),
        ]
    )


def _histories(session: Session, chosen: list[SimilarCase]) -> None:
    with st.container(horizontal=True, gap="small"):
        for case in chosen:
            label = say("compare.open", patient=name(case))
            st.button(label, key=f"history-{case.rank}", on_click=partial(opened, session, case))
