"""The page's entry: `caselink page` runs this file at every click."""

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from ui import answer, ask, backend, history
from ui.parts import dress, heading, move_view, trouble
from ui.session import Screen, Session, session


def main() -> None:
    """Draw the screen that the session is at."""
    st.set_page_config(page_title="caselink, research use only", layout="wide", initial_sidebar_state="collapsed")
    visitor = session()
    failure: ApiProblem | ApiUnreachable | None = None
    try:
        facts = backend.facts()
        visitor.synthetic = facts.synthetic
    except backend.Trouble as error:
        facts, failure = None, error
    dress(visitor)
    if visitor.screen is Screen.history and visitor.history is not None:
        history.screen(visitor)
    elif visitor.screen is Screen.answer and visitor.answer is not None:
        answer.screen(visitor)
    elif facts is not None:
        ask.screen(visitor, facts)
    if failure is not None:
        _away(failure, visitor)
    move_view(visitor)


def _away(error: ApiProblem | ApiUnreachable, visitor: Session) -> None:
    """Without the archive nothing can be asked; what is open stays open."""
    if visitor.screen is Screen.ask:
        with st.container(key="start"):
            heading("Find similar past patients", "There is no archive to ask at the moment.")
            trouble(error)
            st.button("Try again", key="retry")


main()
