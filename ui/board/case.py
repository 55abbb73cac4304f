"""An open case: films and precedents side by side, what the archive answered, and the notes."""

import streamlit as st

from api.schemas import BoardCase
from ui.answer import vote
from ui.board import films, notes, precedents
from ui.board.head import head
from ui.board.moments import moment
from ui.parts import heading, note
from ui.session import Session
from ui.wording import malignant_lines
from ui.words import say


def screen(session: Session, case: BoardCase) -> None:
    """The whole case."""
    way_back(session)
    head(session, case)
    precedents.load(session, case)
    films.side_by_side(session, case)
    precedents.kept(session, case)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        notes.notes(session, case)
    with right:
        _answer(session, case)
        films.case_films(session, case)
    if case.answer is not None:
        precedents.found(session, case, case.answer.answer)
    note(say("compare.notice"))


def way_back(session: Session) -> None:
    """To the agenda."""
    st.button(say("board.back"), key="to-agenda", type="tertiary", on_click=session.board.close)


def _answer(session: Session, case: BoardCase) -> None:
    """The vote of the archive's last answer on the case's films."""
    held = case.answer
    if held is None:
        heading(say("board.vote"), level=2)
        note(say("board.no_vote"), "caution") if case.films else note(say("board.not_asked"))
        return
    vote(session, held.answer, intervals=True)
    for line in malignant_lines(held.answer):
        note(line)
    note(say("board.asked", when=moment(held.at), who=held.who))
    rests = [str(number) for number, film in enumerate(case.films, 1) if film.sha256 in held.films]
    if len(rests) < len(case.films):
        note(say("board.fewer", which=", ".join(rests), all=len(case.films)), "caution")
    elif len(rests) > 1:
        note(say("board.together", all=len(rests)))
