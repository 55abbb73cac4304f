"""The third screen: a past patient's lesions, dated events and films."""

from datetime import date
from html import escape

import streamlit as st

from api.schemas import EventFacts, FilmFacts, LesionFacts, PatientHistory
from ui import backend
from ui.figures import Shown, figure
from ui.parts import fact_list, heading, trouble
from ui.session import Screen, Session
from ui.wording import UNKNOWN, age, count, day, film_line, joined, place, proof, sex

THUMB = 512


def screen(session: Session) -> None:
    """The patient that was opened, and the way back."""
    history = session.history
    assert history is not None
    back(session, "top")
    heading(
        title(session), joined([sex(history.sex), count(len(history.films), "film"), f"pseudonym {history.patient}"])
    )
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _lesions(history)
        heading("Course", level=2)
        st.html(timeline(history))
    with right:
        heading("Films", level=2)
        _films(session, history)
    back(session, "bottom")


def back(session: Session, where: str) -> None:
    """The way to the answer, at the card that was left."""
    at = "" if session.opened is None else f"case_{session.opened.rank}"
    st.button("‹ Back to the answer", key=f"back-{where}", on_click=lambda: session.show(Screen.answer, at))


def title(session: Session) -> str:
    """Whose history this is, as the answer named them."""
    if session.opened is None:
        return "History of a past patient"
    rank = session.opened.rank
    return f"History of patient {rank}" if rank else "History of the nearest malignant case"


def _lesions(history: PatientHistory) -> None:
    heading("Lesion" if len(history.lesions) == 1 else "Lesions", level=2)
    st.html("".join(_lesion(each) for each in history.lesions) or '<p class="cl-note">No lesion on record.</p>')
    if history.outcome:
        st.html(fact_list([("Outcome", history.outcome)]))


def _lesion(lesion: LesionFacts) -> str:
    return (
        f'<div class="cl-lesion"><h3 class="cl-h3">{escape(lesion.entity or "entity not known")}</h3>'
        f'<p class="cl-proof">{escape(proof(lesion.proof))}</p>'
        + fact_list(
            [
                ("Recorded as", lesion.malignancy or UNKNOWN),
                ("Site", place(lesion.site, lesion.side)),
                ("Established", day(lesion.dated)),
            ]
        )
        + "</div>"
    )


def timeline(history: PatientHistory) -> str:
    """Events in the order of their dates as HTML, undated ones first."""
    events = sorted(history.events, key=lambda event: event.dated or date.min)
    if not events:
        return '<p class="cl-note">No events on record.</p>'
    return f'<ol class="cl-timeline">{"".join(_event(event) for event in events)}</ol>'


def _event(event: EventFacts) -> str:
    when = f'<time datetime="{event.dated}">{day(event.dated)}</time>' if event.dated else "<span>undated</span>"
    source = f'<p class="cl-source">{escape(event.source)}</p>' if event.source else ""
    return f"<li>{when}<div><h3>{escape(event.kind)}</h3><p>{escape(event.text)}</p>{source}</div></li>"


def _films(session: Session, history: PatientHistory) -> None:
    figures = []
    for film in history.films:
        try:
            picture = backend.archive_picture(session, film.film, THUMB)
        except backend.Trouble as error:
            trouble(error)
            continue
        figures.append(figure(_shown(film, picture), escape(film_caption(film))))
    st.html(f'<div class="cl-films">{"".join(figures)}</div>')


def _shown(film: FilmFacts, picture: bytes) -> Shown:
    box = None if film.region == "whole" else (film.x0, film.y0, film.x1, film.y1)
    alt = f"Film of this past patient, {film_line(film.view, film.side, film.taken) or 'nothing else known'}"
    return Shown(picture, film.rows, film.columns, alt, box)


def film_caption(film: FilmFacts) -> str:
    """When, how and at what age a film was taken, and whether before treatment."""
    stage = film.stage if film.stage and film.stage != "unknown" else None
    then = None if film.age is None else f"age {age(film.age)}"
    return joined([day(film.taken) if film.taken else None, film_line(film.view, film.side), then, stage]) or UNKNOWN
