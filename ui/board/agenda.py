"""The agenda: the cases of a day in their order, those without a day, all of them, and making a case."""

from collections.abc import Sequence
from datetime import date
from html import escape

import streamlit as st

from api.schemas import CaseSummary
from ui import backend
from ui.board import drafts
from ui.board.head import EARLIEST, LATEST, TITLE, patient_field
from ui.parts import heading, note, trouble
from ui.session import Session
from ui.wording import day, joined
from ui.words import counted, say

PAGE = 20
OF_DAY, UNDATED, ALL = "of_day", "undated", "all"


def screen(session: Session) -> None:
    """The list that was chosen, and a new case beside it."""
    heading(say("board.title"), say("board.lead"))
    left, right = st.columns([1.9, 1], gap="large")
    with left:
        drafts.unsaved(session)
        chosen = _which(session)
        if chosen == OF_DAY:
            _of_day(session)
        else:
            _pages(session, undated=chosen == UNDATED)
    with right:
        _new(session)


def _which(session: Session) -> str:
    chosen = st.segmented_control(
        say("board.which"),
        [OF_DAY, UNDATED, ALL],
        default=OF_DAY,
        required=True,
        format_func=lambda which: say(f"board.{which}"),
        key="board-which",
        label_visibility="collapsed",
        persist_state="session",
        on_change=session.board.before.clear,
    )
    return str(chosen)


def _of_day(session: Session) -> None:
    when = st.date_input(
        say("board.day"), value="today", min_value=EARLIEST, max_value=LATEST, format="DD.MM.YYYY", key="board-day",
        width=200, persist_state="session",
    )  # fmt: skip
    if not isinstance(when, date):
        return
    try:
        cases = backend.client().agenda(when).cases
    except backend.Trouble as error:
        trouble(error)
        st.button(say("word.retry"), key="retry-agenda")
        return
    if not cases:
        note(say("board.free_day", day=day(when)))
    for place, case in enumerate(cases):
        _row(session, case, cases, place)


def _pages(session: Session, *, undated: bool) -> None:
    """Newest first, a page at a time."""
    before = session.board.before
    try:
        found = backend.client().cases(before[-1] if before else None, PAGE + 1, undated).cases
    except backend.Trouble as error:
        trouble(error)
        st.button(say("word.retry"), key="retry-agenda")
        return
    cases = found[:PAGE]
    if not cases:
        note(say("board.none_undated" if undated else "board.no_cases"))
    for case in cases:
        _row(session, case)
    with st.container(horizontal=True, gap="small"):
        if before:
            st.button(say("board.newer"), key="newer", on_click=_newer, args=(before,))
        if len(found) > PAGE:
            st.button(say("board.older"), key="older", on_click=before.append, args=(cases[-1].case,))


def _newer(before: list[int]) -> None:
    before.pop()


def _row(session: Session, case: CaseSummary, of_day: Sequence[CaseSummary] = (), place: int = 0) -> None:
    """One case. of_day: the agenda it stands in, empty where it is a plain list; place: in it, from 0."""
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", gap="small", key=f"row-{case.case}", wrap=False
    ):
        st.html(_told(case, place + 1 if of_day else None))
        with st.container(horizontal=True, width="content", gap="xsmall", horizontal_alignment="right"):
            if of_day:
                _mover(session, of_day, place, -1)
                _mover(session, of_day, place, 1)
            label = say("board.open")
            if st.button(label, key=f"open-case-{case.case}", type="primary", help=case.title):
                session.board.case = case.case
                st.rerun()


def _told(case: CaseSummary, number: int | None) -> str:
    facts = joined(
        [
            say("board.case", case=case.case),
            None if number or not case.day else day(date.fromisoformat(case.day)),
            None if number or case.day else say("board.no_day"),
            counted("film", case.films),
            counted("precedent", case.precedents),
        ],
        " · ",
    )
    decided = f'<span class="cl-tag">{escape(say("board.decided"))}</span>' if case.decided else ""
    lead = f'<span class="cl-place">{number}</span>' if number else ""
    return (
        f'<div class="cl-agenda">{lead}<div><h3 class="cl-h3">{escape(case.title)}</h3>'
        f'<p class="cl-note">{escape(facts)} {decided}</p></div></div>'
    )


def _mover(session: Session, cases: Sequence[CaseSummary], place: int, by: int) -> None:
    """Moves a case in its day by one place. by: -1 up, 1 down."""
    case, to = cases[place], place + by
    way = "up" if by < 0 else "down"
    off = not 0 <= to < len(cases)
    icon = ":material/arrow_upward:" if by < 0 else ":material/arrow_downward:"
    label = say(f"board.{way}", title=case.title)
    if st.button(label, key=f"{way}-{case.case}", icon=icon, disabled=off):
        order = [*cases]
        order.insert(to, order.pop(place))
        try:
            _number(order)
        except backend.Trouble as error:
            trouble(error)
        else:
            st.rerun()


def _number(order: Sequence[CaseSummary]) -> None:
    """Write the places of a day's cases, those that changed."""
    for position, case in enumerate(order, start=1):
        if case.position != position:
            when = date.fromisoformat(case.day) if case.day else None
            backend.client().change_case(
                case.case, case.revision, title=case.title, day=when, position=position, patient=case.patient
            )


def _new(session: Session) -> None:
    heading(say("board.new"), level=2)
    with st.form("new-case"):
        title = st.text_input(say("board.case_title"), max_chars=TITLE, key="new-title", help=say("board.title_help"))
        st.caption(say("board.no_names"))
        when = st.date_input(
            say("board.meeting"), value=None, min_value=EARLIEST, max_value=LATEST, format="DD.MM.YYYY", key="new-day"
        )
        patient = patient_field("new-patient", "")
        made = st.form_submit_button(say("board.make"), type="primary", width="stretch")
    if made:
        try:
            session.board.open(
                backend.client().make_case(title or "", when if isinstance(when, date) else None, patient)
            )
        except backend.Trouble as error:
            trouble(error)
        else:
            st.rerun()
