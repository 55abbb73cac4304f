"""The pages' entry: `caselink page` runs this file at every click."""

import streamlit as st

from ui import answer, archive, ask, backend, compare, evaluate, feedback, history, words
from ui.board import page as board
from ui.parts import heading, move_view, trouble
from ui.session import Place, Screen, Session, session
from ui.shell import choose_language, dress, navigation


def main() -> None:
    """Draw the page that the visitor is at."""
    visitor = session()
    choose_language()
    st.set_page_config(page_title=words.say("page.title"), layout="wide", initial_sidebar_state="collapsed")
    visitor.failure = None
    try:
        visitor.facts = backend.facts()
    except backend.Trouble as error:
        visitor.failure = error
    pages = {
        place: st.Page(draw, title=words.say(f"page.{place}"), url_path=place, default=place is Place.search)
        for place, draw in PAGES.items()
    }
    chosen = st.navigation(list(pages.values()), position="hidden")
    goto, visitor.goto = visitor.goto, None
    if goto is not None and pages[goto] != chosen:
        st.switch_page(pages[goto])
    dress(visitor)
    navigation(pages, chosen)
    if visitor.trouble is not None:
        trouble(visitor.trouble)
        visitor.trouble = None
    chosen.run()
    move_view(visitor)


def _search() -> None:
    visitor = session()
    if visitor.screen is Screen.answer and visitor.answer is not None:
        answer.screen(visitor)
    else:
        _ask(visitor)


def _patient() -> None:
    history.screen(session())


def _compare() -> None:
    compare.screen(session())


def _archive() -> None:
    archive.screen(session())


def _evaluate() -> None:
    evaluate.screen(session())


def _board() -> None:
    board.screen(session())


def _feedback() -> None:
    feedback.screen(session())


PAGES = {
    Place.search: _search,
    Place.patient: _patient,
    Place.compare: _compare,
    Place.board: _board,
    Place.feedback: _feedback,
    Place.archive: _archive,
    Place.evaluate: _evaluate,
}


def _ask(visitor: Session) -> None:
    """The first screen; without an API it keeps what the visitor has open."""
    if visitor.facts is not None:
        if visitor.failure is not None:
            trouble(visitor.failure)
        ask.screen(visitor, visitor.facts)
    elif visitor.failure is not None:
        with st.container(key="start"):
            heading(words.say("ask.title"), words.say("ask.no_archive"))
            trouble(visitor.failure)
            st.button(words.say("word.retry"), key="retry")


main()
