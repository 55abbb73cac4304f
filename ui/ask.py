"""The search page's first screen: films in, the lesion marked, the question asked."""

from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from api.client import ApiProblem
from api.schemas import ArchiveFacts, Limits
from ui import backend, drawing, first, proposals
from ui.conflicts import marker_conflicts, part_conflicts
from ui.criteria import criteria, refused
from ui.parts import complaint, heading, note, sentence, trouble
from ui.question import Question
from ui.session import QueryFilm, Screen, Session
from ui.spoken import spoken
from ui.told import told
from ui.upload import refusals, strip, uploader
from ui.wording import film_line, joined
from ui.wording import side as side_word
from ui.words import counted, say

_STEPS = ("upload", "mark", "compare")
_SIDES = ("L", "R")


def screen(session: Session, facts: ArchiveFacts) -> None:
    """The screen, as far as the visitor is."""
    film = session.film()
    if film is None:
        _start(session, facts)
        return
    _title(session)
    left, right = st.columns([1.9, 1], gap="large")
    with left:
        refusals(session)
        flags = st.container()
        _film(session, film, facts.limits)
    with right:
        with st.container(key="first"):
            place, button = st.empty(), st.container()
        error = _region(session, film)
        question = None if error else _question(session, facts)
        with flags:
            _flags(session, question)
        _answer(session, question, place, button)


def _start(session: Session, facts: ArchiveFacts) -> None:
    with st.container(key="start"):
        heading(say("ask.title"), say("ask.lead"))
        refusals(session)
        if not facts.films:
            note(say("ask.empty_archive"), "caution")
        uploader(session, facts.limits, say("ask.films"))
        steps = "".join(
            f"<li><strong>{escape(say(f'ask.{step}'))}</strong><span>{escape(say(f'ask.{step}_how'))}</span></li>"
            for step in _STEPS
        )
        st.html(f'<ol class="cl-steps">{steps}</ol>')
        held = joined([counted("past_patient", facts.patients), counted("film", facts.films)])
        note(say("ask.archive", title=facts.title, held=held))
        _back_to_answer(session)


def _title(session: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="title"):
        with st.container(width="content"):
            heading(say("ask.mark_title"))
        with st.container(horizontal=True, width="content", gap="small"):
            _back_to_answer(session)
            st.button(say("ask.start_over"), key="start-over", type="tertiary", on_click=lambda: _start_over(session))


def _start_over(session: Session) -> None:
    for film in session.films:
        drawing.set_box(session, film, None)
    session.start_over()


def _remove(session: Session, film: QueryFilm) -> None:
    drawing.set_box(session, film, None)
    session.remove(film.key)


def _back_to_answer(session: Session) -> None:
    if session.answer is not None:
        st.button(
            say("ask.last_answer"), key="to-answer", type="tertiary", on_click=lambda: session.show(Screen.answer)
        )


def _film(session: Session, film: QueryFilm, limits: Limits) -> None:
    if len(session.films) > 1:
        strip(session, film)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="film-head"):
        known = film_line(film.view, film.side, film.taken) or say("film.unknown")
        with st.container(width="content"):
            note(say("ask.film_line", name=film.name, film=known, columns=film.columns, rows=film.rows))
        with st.container(horizontal=True, width="content", gap="small"):
            with st.popover(say("ask.add"), type="tertiary"):
                uploader(session, limits, say("ask.more_films"))
            st.button(say("ask.remove"), key="remove", type="tertiary", on_click=lambda: _remove(session, film))
    with st.container(key="lightbox"):
        try:
            picture = backend.drawn_picture(session, film)
        except backend.Trouble as error:
            trouble(error)
            st.button(say("word.retry"), key="retry-film")
        else:
            drawing.show(session, film, picture)
    for warning in film.warnings:
        note(sentence(f"{film.name}: {spoken(warning, film.remarks)}"), "caution")


def _region(session: Session, film: QueryFilm) -> str | None:
    """The lesion's box in words and numbers; returns what is wrong with it."""
    heading(say("ask.lesion"), level=2)
    note(proposals.said(session, film))
    error = drawing.edges(session, film)
    if error:
        complaint(error)
    st.button(
        say("ask.clear"),
        key="clear",
        disabled=film.key not in session.boxes and error is None,
        on_click=lambda: drawing.set_box(session, film, None),
    )
    proposals.whole_button(session, film)
    _marker(session, film)
    return error


def _marker(session: Session, film: QueryFilm) -> None:
    """The side that stands on the film, as the visitor reads it; one that contradicts the header is flagged."""
    read = st.segmented_control(
        say("ask.marker"),
        _SIDES,
        format_func=lambda code: side_word(code) or code,
        key=f"marker-{film.key[:12]}",
        help=say("ask.marker_help"),
        persist_state="session",
    )
    if read:
        session.markers[film.key] = read
    else:
        session.markers.pop(film.key, None)


def _flags(session: Session, question: Question | None) -> None:
    """What contradicts a header, above the film, where nobody overlooks it."""
    for conflict in marker_conflicts(session.films, session.markers):
        complaint(conflict)
    for conflict in part_conflicts(session.films, question.told) if question else ():
        complaint(conflict)


def _question(session: Session, facts: ArchiveFacts) -> Question:
    """What the screen asks now."""
    heading(say("ask.compare_with"), level=2)
    keys = tuple(film.key for film in session.films)
    regions = tuple(proposals.roi(session, film) for film in session.films)
    session.question = Question(keys, regions, criteria(facts), told(facts), facts.version)
    return session.question


def _answer(session: Session, question: Question | None, place: DeltaGenerator, button: DeltaGenerator) -> None:
    """The first answer, and the way to its films and histories; nothing where the box makes no question."""
    label = say("ask.find") if len(session.films) == 1 else say("ask.find_several", films=len(session.films))
    with button:
        wanted = st.button(label, key="search", type="primary", width="stretch", disabled=question is None)
        if question is None:
            return
        if wanted:
            _search(session, question)
            return
    first.show(session, question, place)


def _search(session: Session, question: Question) -> None:
    """Turn to the answer; what is wrong is said where it was asked."""
    films = tuple(session.films)
    try:
        with st.spinner(say("ask.comparing")):
            backend.client().ready()  # films follow: that they cannot be had is better said here than once for each
            session.answer = first.answer_to(session, question, films).result()
    except ApiProblem as error:
        refused(error, question.criteria.where)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.asked, session.told = films, question.told
        session.show(Screen.answer)
        st.rerun()
