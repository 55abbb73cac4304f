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
        visitor.facts = backend.facts()
    except backend.Trouble as error:
        failure = error
    dress(visitor)
    if visitor.screen is Screen.history and visitor.history is not None:
        history.screen(visitor)
    elif visitor.screen is Screen.answer and visitor.answer is not None:
        answer.screen(visitor)
    else:
        _ask(visitor, failure)
    move_view(visitor)


def _ask(visitor: Session, failure: ApiProblem | ApiUnreachable | None) -> None:
    """The first screen; without an API it keeps what the visitor has open."""
    if visitor.facts is not None:
        if failure is not None:
            trouble(failure)
        ask.screen(visitor, visitor.facts)
    elif failure is not None:
        with st.container(key="start"):
            heading("Find similar past patients", "There is no archive to ask at the moment.")
            trouble(failure)
            st.button("Try again", key="retry")


main()
