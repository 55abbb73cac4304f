"""Two words on a similar patient's film, similar or not: kept with who and when, changing no answer by itself."""

import streamlit as st

from api.schemas import FeedbackKind, SearchAnswer
from ui import backend
from ui.parts import trouble
from ui.session import Session
from ui.words import say, term

WORDS = (FeedbackKind.similar.value, FeedbackKind.not_similar.value)
MOST = 1000
"""Entries that are looked through for what the visitor said of a film before."""


def judge(session: Session, query: str | None, film: int) -> None:
    """The two buttons for a pair of films; what the visitor said last is pressed, and the other takes it back.

    query: sha256 of the visitor's film, None where the API does not tell it. film: the archived one's number.
    """
    if query is None:
        return
    said = session.said.get((query, film))
    chosen = st.segmented_control(
        say("judge.label"),
        WORDS,
        default=said,
        required=said is not None,
        format_func=lambda kind: term("kind", kind),
        key=f"judge-{query[:12]}-{film}",
        help=say("judge.help"),
    )
    if chosen is None or chosen == said:
        return
    try:
        backend.client().judge(query, film, similar=chosen == FeedbackKind.similar)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.said[query, film] = chosen


def remember(session: Session, answer: SearchAnswer) -> None:
    """Look up once for each of the answer's films what this visitor said of its neighbours before."""
    for query in {film.sha256 for film in answer.queries if film.sha256} - session.looked_up:
        try:
            given = backend.client().feedback(query, limit=MOST)
        except backend.Trouble:
            return  # the buttons still say what is wrong once they are pressed
        session.looked_up.add(query)
        for entry in reversed(given.entries):
            if entry.who == given.you and entry.film is not None:
                session.said[query, entry.film] = entry.kind.value
