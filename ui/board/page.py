"""The board's two screens: the agenda, and a case."""

from time import monotonic

import streamlit as st

from ui import backend
from ui.board import agenda, case, drafts
from ui.board.state import Board
from ui.parts import note, trouble
from ui.session import Session
from ui.shell import choose_language
from ui.words import say

CASE = "case"
"""The name of the open case in the address."""
EVERY_S = 4.0
"""How often an open case is looked at for what others wrote."""


def screen(session: Session) -> None:
    """The open case, or the agenda."""
    board = session.board
    _address(board)
    if board.case is None:
        agenda.screen(session)
        return
    try:
        board.held, board.read_at = backend.client().case(board.case), monotonic()
    except backend.Trouble as error:
        # what is being written stays on the screen, whatever became of the case or of the API
        trouble(error)
        if board.held is None:
            case.way_back(session)
            return
    else:
        drafts.load(board, board.case)
    assert board.held is not None
    case.screen(session, board.held)
    _watch(session)


def _address(board: Board) -> None:
    """The open case stands in the page's address, so that a reload comes back to it."""
    board.follow(st.query_params.get(CASE))
    if board.case is None:
        st.query_params.pop(CASE, None)
    else:
        st.query_params[CASE] = str(board.case)


@st.fragment(run_every=EVERY_S)
def _watch(session: Session) -> None:
    """Looks for what others wrote, and draws the page anew only then: nobody's typing is touched in between."""
    choose_language()
    board = session.board
    if board.case is None or monotonic() - board.read_at < EVERY_S / 2:
        return
    try:
        fresh = backend.client().case(board.case)
    except backend.Trouble:
        note(say("board.offline"), "caution")
        return
    if fresh != board.held:
        st.rerun()
