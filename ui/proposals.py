"""The region that the archive proposes for a film: fetched once, shown dashed, gone as soon as somebody draws."""

from typing import Final, Literal

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from api.schemas import NOTICE, ProposedRegion, SearchAnswer
from ui import backend
from ui.boxes import Box
from ui.session import QueryFilm, Session
from ui.wording import percent
from ui.words import say

WHOLE: Final = "whole"


def proposal(session: Session, film: QueryFilm) -> ProposedRegion | None:
    """What the archive proposes; None where it proposes nothing, is still looking, or cannot be asked now."""
    if session.facts is None or session.facts.segmenter is None:
        return None
    if film.key not in session.proposals:
        if sought(session, film):
            return None
        try:
            session.proposals[film.key] = backend.client().region(film.file)
        except (ApiProblem, ApiUnreachable):
            return None  # the search itself will say what is wrong
    return session.proposals[film.key]


def sought(session: Session, film: QueryFilm) -> bool:
    """Whether an answer is on its way that brings the film's region."""
    first = session.first
    if first is None or first.answer.done() or film.key not in first.question.films:
        return False
    return first.question.regions[first.question.films.index(film.key)] is None


def learn(session: Session, answer: SearchAnswer) -> bool:
    """Keep the regions that an answer found by itself; whether one of them was not known before."""
    if session.facts is None or session.facts.segmenter is None:
        return False
    keys = {film.key for film in session.films} - set(session.proposals)
    found = {
        facts.sha256: ProposedRegion(
            NOTICE, facts.rows, facts.columns, facts.region, facts.region_origin, facts.confidence, None
        )
        for facts in answer.queries
        if facts.confidence is not None and facts.sha256 in keys
    }
    session.proposals |= found
    return bool(found)


def proposed_box(session: Session, film: QueryFilm) -> Box | None:
    """The box to show dashed: proposed, neither replaced by a drawn one nor waved away."""
    found = None if film.key in session.boxes or film.key in session.whole else proposal(session, film)
    return None if found is None or found.region_origin == WHOLE else found.region


def said(session: Session, film: QueryFilm) -> str:
    """One sentence or two on what will be compared."""
    if film.key in session.boxes:
        return say("propose.drawn")
    if film.key in session.whole:
        return say("propose.waved")
    found = proposal(session, film)
    if found is None:
        return say("propose.sought" if sought(session, film) else "propose.none")
    sure = percent(found.confidence or 0.0)
    return say("propose.unsure" if found.region_origin == WHOLE else "propose.found", sure=sure)


def roi(session: Session, film: QueryFilm) -> Box | Literal["whole"] | None:
    """What is sent with a film: the drawn box, `whole`, or None for what the archive proposes."""
    return session.boxes.get(film.key) or (WHOLE if film.key in session.whole else None)


def whole_button(session: Session, film: QueryFilm) -> None:
    """Lets the proposed region be waved away, and taken back."""
    if proposed_box(session, film) is not None:
        st.button(say("propose.wave"), key="whole", on_click=lambda: _wave(session, film, away=True))
    elif film.key in session.whole and film.key not in session.boxes:
        st.button(say("propose.take_back"), key="unwhole", on_click=lambda: _wave(session, film, away=False))


def _wave(session: Session, film: QueryFilm, *, away: bool) -> None:
    if away:
        session.whole.add(film.key)
    else:
        session.whole.discard(film.key)
