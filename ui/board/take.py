"""From an answer to the board: a case gets the films that were asked about, with their boxes, and precedents."""

from typing import Literal

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from api.schemas import BoardCase, CaseSummary, QueryFacts, SearchAnswer
from ui import backend
from ui.board.head import TITLE
from ui.board.state import Board
from ui.boxes import Box
from ui.compare import candidates, name
from ui.parts import note, trouble
from ui.session import Place, Session
from ui.shell import choose_language
from ui.spoken import refusal
from ui.words import say

RECENT = 30
"""Cases to choose from; older ones are found on the board."""
TICKED = 3
"""Similar patients that go along unless somebody says otherwise."""
NEW = 0


def take(session: Session, answer: SearchAnswer) -> None:
    """The button, and what it asks."""
    if st.button(say("board.take"), key="take"):
        st.dialog(say("board.take"))(_ask)(session, answer)


def _ask(session: Session, answer: SearchAnswer) -> None:
    choose_language()
    try:
        cases = {case.case: case for case in backend.client().cases(limit=RECENT).cases}
    except backend.Trouble as error:
        trouble(error)
        return
    into = st.selectbox(
        say("board.into"), [NEW, *cases], format_func=lambda number: _case(cases.get(number)), key="take-into"
    )
    title = ""
    if into == NEW:
        title = st.text_input(say("board.case_title"), max_chars=TITLE, key="take-title") or ""
        st.caption(say("board.no_names"))
    near = candidates(answer)
    ranks = st.multiselect(
        say("board.take_precedents"),
        list(near),
        default=[rank for rank in near if rank][:TICKED],
        format_func=lambda rank: name(near[rank]),
        placeholder=say("compare.choose"),
        key="take-precedents",
    )
    note(say("board.take_how"))
    if st.button(say("board.take_now"), key="take-now", type="primary", width="stretch"):
        _take(session, answer, None if into == NEW else int(into), title, [near[rank].films[0].film for rank in ranks])


def _case(case: CaseSummary | None) -> str:
    return say("board.new") if case is None else f"{say('board.case', case=case.case)}: {case.title}"


def _take(session: Session, answer: SearchAnswer, into: int | None, title: str, films: list[int]) -> None:
    client, board = backend.client(), session.board
    try:
        with st.spinner(say("board.adding")):
            case = client.make_case(title) if into is None else client.case(into)
            board.open(case)
            _fill(session, answer, board, case, films)
    except backend.Trouble as error:
        trouble(error)
        return
    session.go(Place.board)
    st.rerun()


def _fill(session: Session, answer: SearchAnswer, board: Board, case: BoardCase, films: list[int]) -> None:
    """Films, asked about as they were, and precedents. What fails is said on the case's page: the case is there."""
    client, number, asked = backend.client(), case.case.case, answer.manifest
    try:
        client.add_films(
            number,
            [film.file for film in session.asked],
            roi=[_roi(facts) for facts in answer.queries],
            k=int(str(asked["k"])),
            where=str(asked["where"]) if asked.get("where") else None,
            include_self=bool(asked.get("include_self")),
            all_stages=asked.get("stages") == "all",
            age=session.told.age,
            sex=session.told.sex,
            site=session.told.site,
        )
        for film in films:
            client.add_precedent(number, film)
    except (ApiProblem, ApiUnreachable) as error:
        board.refusals = [refusal(error)]


def _roi(facts: QueryFacts) -> Box | Literal["whole"] | None:
    """The box as it was drawn; None where the archive proposed it, and will again."""
    if facts.region_origin == "segmented":
        return None
    return "whole" if facts.region_origin == "whole" else facts.region
