"""The patient page: a past patient's lesions, what happened when, and films in their order."""

from datetime import date
from html import escape

import streamlit as st

from api.schemas import EventFacts, FilmFacts, LesionFacts, PatientHistory
from ui import backend
from ui.figures import Shown, figure
from ui.marks import on_film, past_key, side_mark
from ui.parts import fact_list, heading, note, trouble
from ui.session import Place, Screen, Session
from ui.wording import age, capital, day, entity_name, film_line, joined, place, proof, sex, unknown
from ui.words import counted, say, term

THUMB = 512
KINDS = {
    "all": (),
    "reports": ("presentation", "radiology", "pathology", "laboratory", "board"),
    "therapy": ("therapy", "surgery"),
    "follow_up": ("follow-up",),
}
"""What the course may be narrowed to; no kinds mean all, films included."""


def screen(session: Session) -> None:
    """The patient that was opened, and the ways back."""
    history = session.history
    if history is None:
        _nobody(session)
        return
    back(session, "top")
    heading(
        title(session),
        joined(
            [sex(history.sex), counted("film", len(history.films)), say("patient.pseudonym", pseudonym=history.patient)]
        ),
    )
    note(say("patient.audit"))
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        _lesions(history)
        _course(history)
    with right:
        heading(say("patient.films"), level=2)
        _films(session, history)
    back(session, "bottom")


def _nobody(session: Session) -> None:
    with st.container(key="start"):
        heading(say("patient.nobody"), say("patient.nobody_how"))
        st.button(say("patient.to_search"), key="to-search", on_click=lambda: session.go(Place.search))


def back(session: Session, where: str) -> None:
    """The ways to the answer, at the card that was left, and to the comparison."""
    opened = session.opened
    at = "" if opened is None else f"case_{opened.rank}"
    with st.container(horizontal=True, gap="small", key=f"ways-{where}"):
        if session.came is Place.board:
            st.button(say("board.to_case"), key=f"board-{where}", on_click=lambda: session.go(Place.board))
        elif session.came is Place.archive:
            st.button(say("patient.to_archive"), key=f"archive-{where}", on_click=lambda: session.go(Place.archive))
        elif session.answer is not None:
            st.button(say("patient.to_answer"), key=f"back-{where}", on_click=lambda: session.show(Screen.answer, at))
            st.button(say("patient.to_compare"), key=f"compare-{where}", on_click=lambda: session.go(Place.compare))
        else:
            st.button(say("patient.to_search"), key=f"search-{where}", on_click=lambda: session.go(Place.search))


def title(session: Session) -> str:
    """Whose history this is, as the answer named them."""
    if session.opened is None:
        return say("patient.title")
    rank = session.opened.rank
    return say("patient.title_rank", rank=rank) if rank else say("patient.title_malignant")


def _lesions(history: PatientHistory) -> None:
    heading(say("patient.lesion" if len(history.lesions) == 1 else "patient.lesions"), level=2)
    none = f'<p class="cl-note">{escape(say("patient.no_lesion"))}</p>'
    st.html("".join(_lesion(each) for each in history.lesions) or none)
    st.html(fact_list([(say("fact.outcome"), history.outcome or unknown())]))


def _lesion(lesion: LesionFacts) -> str:
    return (
        f'<div class="cl-lesion"><h3 class="cl-h3">{escape(entity_name(lesion.entity))}</h3>'
        f'<p class="cl-proof">{escape(proof(lesion.proof))}</p>'
        + fact_list(
            [
                (say("fact.recorded"), term("malignancy", lesion.malignancy) if lesion.malignancy else unknown()),
                (say("fact.site"), place(lesion.site, lesion.side)),
                (say("fact.established"), day(lesion.dated)),
            ]
        )
        + "</div>"
    )


def _course(history: PatientHistory) -> None:
    heading(say("patient.course"), level=2)
    chosen = st.segmented_control(
        say("patient.narrow"),
        list(KINDS),
        default="all",
        required=True,
        format_func=lambda kind: say(f"patient.{kind}"),
        key="course",
        label_visibility="collapsed",
        persist_state="session",
    )
    st.html(timeline(history, KINDS[chosen or "all"]))
    sources = sorted({event.source for event in history.events if event.source})
    if sources:
        heading(say("patient.sources"), level=2)
        st.html(f'<ul class="cl-sources">{"".join(f"<li>{escape(source)}</li>" for source in sources)}</ul>')


def timeline(history: PatientHistory, kinds: tuple[str, ...] = ()) -> str:
    """Events and films in the order of their dates as HTML, undated events first. kinds: of events; empty = all."""
    events = [(event.dated, _event(event)) for event in history.events if not kinds or event.kind in kinds]
    taken = [] if kinds else [(film.taken, _taken(film)) for film in history.films if film.taken]
    found = sorted([*events, *taken], key=lambda each: each[0] or date.min)
    if not found:
        return f'<p class="cl-note">{escape(say("patient.no_events"))}</p>'
    return f'<ol class="cl-timeline">{"".join(html for _, html in found)}</ol>'


def _event(event: EventFacts) -> str:
    source = f'<p class="cl-source">{escape(say("patient.source", source=event.source))}</p>' if event.source else ""
    return (
        f"<li>{_when(event.dated)}<div><h3>{escape(capital(term('event', event.kind)))}</h3>"
        f"<p>{escape(event.text)}</p>{source}</div></li>"
    )


def _taken(film: FilmFacts) -> str:
    known = joined([film_line(film.view, film.side), _stage(film)])
    return (
        f'<li class="cl-taken">{_when(film.taken)}<div><h3>{escape(say("patient.film", film=film.film))}</h3>'
        f"<p>{escape(known)}</p></div></li>"
    )


def _when(dated: date | None) -> str:
    if dated is None:
        return f"<span>{escape(say('patient.undated'))}</span>"
    return f'<time datetime="{dated}">{escape(day(dated))}</time>'


def _films(session: Session, history: PatientHistory) -> None:
    backend.fetch_ahead(session, [film.film for film in history.films], THUMB)
    figures = []
    for film in history.films:
        try:
            picture = backend.archive_picture(session, film.film, THUMB)
        except backend.Trouble as error:
            trouble(error)
            continue
        figures.append(figure(shown(history, film, picture), escape(film_caption(film))))
    st.html(f'<div class="cl-films">{"".join(figures)}</div>')


def shown(history: PatientHistory, film: FilmFacts, picture: bytes) -> Shown:
    """A past patient's film with the region that was embedded. picture: of the whole film."""
    box = None if film.region == "whole" else (film.x0, film.y0, film.x1, film.y1)
    alt = say("patient.film_alt", film=film_line(film.view, film.side, film.taken) or say("film.unknown"))
    known = film.spacing_row is not None and film.spacing_column is not None
    spacing = (film.spacing_row or 0.0, film.spacing_column or 0.0) if known else None
    key = on_film(past_key(history.patient, film.film), film.taken)
    return Shown(picture, film.rows, film.columns, alt, box, side=side_mark(film.side), key=key, spacing_mm=spacing)


def film_caption(film: FilmFacts) -> str:
    """When, how and at what age a film was taken, and whether before treatment."""
    then = None if film.age is None else say("patient.age_then", age=age(film.age))
    known = joined([film_line(film.view, film.side), then, _stage(film)])
    return joined([day(film.taken) if film.taken else None, known]) or unknown()


def _stage(film: FilmFacts) -> str | None:
    return term("stage", film.stage) if film.stage and film.stage != "unknown" else None
