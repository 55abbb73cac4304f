"""The first screen: films in, the lesion marked, the question asked."""

import streamlit as st

from api.client import ApiProblem
from api.schemas import ArchiveFacts, Limits
from ui import backend, drawing, proposals
from ui.criteria import Criteria, criteria, refused
from ui.parts import complaint, heading, note, sentence, trouble
from ui.session import QueryFilm, Screen, Session
from ui.told import Told, told
from ui.upload import PREVIEW, refusals, strip, uploader
from ui.wording import count, film_line, joined

_STEPS = (
    ("Upload", "One or several radiographs of one patient: DICOM, PNG, JPEG or TIFF."),
    ("Mark the lesion", "Drag a box around it on the film, or type its edges."),
    ("Compare", "See the past patients whose films look most like it, what they had, and how that was proven."),
)


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
        _film(session, film, facts.limits)
    with right:
        error = _region(session, film)
        _question(session, facts, error)


def _start(session: Session, facts: ArchiveFacts) -> None:
    with st.container(key="start"):
        heading("Find similar past patients", "Upload a radiograph of a bone lesion and compare it with past patients.")
        refusals(session)
        uploader(session, facts.limits, "Films of one patient")
        steps = "".join(f"<li><strong>{name}</strong><span>{text}</span></li>" for name, text in _STEPS)
        st.html(f'<ol class="cl-steps">{steps}</ol>')
        held = joined([count(facts.patients, "past patient"), count(facts.films, "film")])
        note(f"Archive: {facts.title}, {held}")
        _back_to_answer(session)


def _title(session: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="title"):
        with st.container(width="content"):
            heading("Mark the lesion, then compare")
        with st.container(horizontal=True, width="content", gap="small"):
            _back_to_answer(session)
            st.button("Start over", key="start-over", type="tertiary", on_click=lambda: _start_over(session))


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
            "Back to the last answer", key="to-answer", type="tertiary", on_click=lambda: session.show(Screen.answer)
        )


def _film(session: Session, film: QueryFilm, limits: Limits) -> None:
    if len(session.films) > 1:
        strip(session, film)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="film-head"):
        said = film_line(film.view, film.side) or "view and side not known"
        with st.container(width="content"):
            note(f"{film.name}: {said}, {film.columns} x {film.rows} pixels")
        with st.container(horizontal=True, width="content", gap="small"):
            with st.popover("Add films", type="tertiary"):
                uploader(session, limits, "More films of the same patient")
            st.button("Remove film", key="remove", type="tertiary", on_click=lambda: _remove(session, film))
    picture = st.container(key="lightbox")
    center, width, invert = _window(film)
    with picture:
        try:
            shown = backend.windowed(session, film, PREVIEW, center, width, invert)
        except backend.Trouble as error:
            trouble(error)
            st.button("Try again", key="retry-film")
        else:
            drawing.show(session, film, shown)
    for warning in film.warnings:
        note(sentence(f"{film.name}: {warning}"), "caution")


def _window(film: QueryFilm) -> tuple[float, float, bool]:
    """Window centre and width as shares of the film's intensities, and whether bone is dark."""
    keys = [f"{name}-{film.key[:12]}" for name in ("centre", "width", "invert")]

    def usual() -> None:
        st.session_state.update(zip(keys, (50, 100, False), strict=True))

    one, two, three = st.columns([2, 2, 1.3], gap="medium", vertical_alignment="bottom")
    center = one.slider("Window centre", 0, 100, 50, format="%d %%", key=keys[0], persist_state="session")
    width = two.slider("Window width", 1, 100, 100, format="%d %%", key=keys[1], persist_state="session")
    with three, st.container(horizontal=True, gap="small", vertical_alignment="center"):
        invert = st.toggle("Invert", key=keys[2], persist_state="session")
        st.button("Reset", key=f"reset-{film.key[:12]}", type="tertiary", on_click=usual)
    return center / 100, width / 100, invert


def _region(session: Session, film: QueryFilm) -> str | None:
    """The lesion's box in words and numbers; returns what is wrong with it."""
    heading("Lesion", level=2)
    note(proposals.said(session, film))
    error = drawing.edges(session, film)
    if error:
        complaint(error)
    st.button(
        "Clear box",
        key="clear",
        disabled=film.key not in session.boxes and error is None,
        on_click=lambda: drawing.set_box(session, film, None),
    )
    proposals.whole_button(session, film)
    return error


def _question(session: Session, facts: ArchiveFacts, error: str | None) -> None:
    heading("Compare with", level=2)
    asked, known = criteria(facts), told(facts)
    label = (
        "Find similar patients" if len(session.films) == 1 else f"Find similar patients to {len(session.films)} films"
    )
    if st.button(label, key="search", type="primary", width="stretch", disabled=error is not None):
        _search(session, asked, known)


def _search(session: Session, asked: Criteria, known: Told) -> None:
    films = tuple(session.films)
    try:
        with st.spinner("Comparing with past patients"):
            session.answer = backend.client().search(
                [film.file for film in films],
                k=asked.k,
                where=asked.where,
                roi=[proposals.roi(session, film) for film in films],
                include_self=asked.include_self,
                all_stages=asked.all_stages,
                age=known.age,
                sex=known.sex,
                site=known.site,
            )
    except ApiProblem as error:
        refused(error, asked.where)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.asked = films
        session.show(Screen.answer)
        st.rerun()
