"""Precedents of a case: found by the search, kept by the board, each with what was done and how it went."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from api.client import ApiProblem
from api.schemas import BoardCase, EventFacts, FilmFacts, LesionFacts, PatientHistory, Precedent, SearchAnswer
from ui import backend
from ui.cases import FINE, THUMB, archived
from ui.compare import candidates
from ui.figures import figure
from ui.history import shown
from ui.marks import KEY_LENGTH
from ui.parts import fact_list, heading, note, trouble
from ui.session import Place, Session
from ui.viewer import Viewed
from ui.wording import age, capital, day, film_line, joined, place, proof, unknown
from ui.words import decimal, say, term

DONE = ("therapy", "surgery")
"""Kinds of events that say what was done."""
GONE = 404
CARD_WIDTH, FOUND_WIDTH = 296, 176


def name(session: Session, one: Precedent) -> str:
    """A precedent in a list: the start of its pseudonym, and its entity."""
    film = _film(session, one)
    return joined([one.patient[:KEY_LENGTH], film.entity if film else None], ": ")


def viewed(session: Session, one: Precedent) -> Viewed | None:
    """A precedent's film for the viewer; None where the archive holds it no longer.

    Raises:
        ApiProblem, ApiUnreachable: its history or picture cannot be had now.
    """
    past, film = history(session, one.patient), _film(session, one)
    if past is None or film is None:
        return None
    picture = backend.archive_picture(session, film.film, FINE)
    lines = [
        name(session, one),
        capital(joined([film_line(film.view, film.side), None if film.age is None else age(film.age)])),
        say("compare.outcome", outcome=past.outcome or unknown()),
    ]
    return Viewed(f"past-{film.film}", shown(past, film, picture), "\n".join(lines))


def history(session: Session, patient: str) -> PatientHistory | None:
    """A past patient's history, asked for once, as each opening is written to the audit log; None where they are gone.

    Raises:
        ApiProblem, ApiUnreachable: it cannot be had now.
    """
    held = session.board.histories
    if patient not in held:
        try:
            held[patient] = backend.client().patient(patient)
        except ApiProblem as error:
            if error.status != GONE:
                raise
            held[patient] = None
    return held[patient]


def _film(session: Session, one: Precedent) -> FilmFacts | None:
    past = session.board.histories.get(one.patient)
    return next((film for film in past.films if film.film == one.film), None) if past else None


def load(session: Session, case: BoardCase) -> bool:
    """Fetch the histories of the precedents; False, with a sentence on the screen, where that fails."""
    try:
        for one in case.precedents:
            history(session, one.patient)
    except backend.Trouble as error:
        trouble(error)
        return False
    return True


def kept(session: Session, case: BoardCase) -> None:
    """The precedents that the board chose."""
    heading(say("board.precedents"), level=2)
    if not case.precedents:
        note(say("board.no_precedents"))
        return
    note(say("board.precedents_audit"))
    with st.container(horizontal=True, gap="small", key="precedents"):
        for one in case.precedents:
            with st.container(border=True, width=CARD_WIDTH, key=f"precedent-{one.film}"):
                _card(session, case.case.case, one)


def _card(session: Session, case: int, one: Precedent) -> None:
    past, film = session.board.histories.get(one.patient), _film(session, one)
    title = (film and film.entity) or (say("word.no_entity") if film else say("board.gone"))
    lesion = _lesion(past, film)
    st.html(
        f'<div class="cl-case"><span class="cl-rank">{escape(one.patient[:KEY_LENGTH])}</span>'
        f'<h3 class="cl-h3">{escape(title)}</h3>'
        f'<p class="cl-proof">{escape(proof(lesion.proof) if lesion else "")}</p></div>'
        + (fact_list(_facts(past, lesion)) if past else "")
        + (f'<p class="cl-done-head">{escape(say("board.done"))}</p>{_done(past.events)}' if past else "")
    )
    with st.container(horizontal=True, gap="small"):
        if past is not None:
            st.button(say("case.open"), key=f"past-{one.film}", on_click=_open, args=(session, past))
        if st.button(say("board.take_off"), key=f"off-{one.film}", type="tertiary"):
            try:
                session.board.held = backend.client().remove_precedent(case, one.film)
            except backend.Trouble as error:
                trouble(error)
            else:
                st.rerun()


def _lesion(past: PatientHistory | None, film: FilmFacts | None) -> LesionFacts | None:
    """The lesion that the film shows: the one of its entity, else the first."""
    lesions = past.lesions if past else ()
    same = (each for each in lesions if film is not None and each.entity == film.entity)
    return next(same, lesions[0] if lesions else None)


def _facts(past: PatientHistory, lesion: LesionFacts | None) -> list[tuple[str, str]]:
    recorded = term("malignancy", lesion.malignancy) if lesion and lesion.malignancy else unknown()
    return [
        (say("fact.recorded"), recorded),
        (say("fact.site"), place(lesion.site, lesion.side) if lesion else unknown()),
        (say("fact.outcome"), past.outcome or unknown()),
    ]


def _done(events: Sequence[EventFacts]) -> str:
    """What was done, in its order."""
    done = [event for event in events if event.kind in DONE]
    if not done:
        return f'<p class="cl-note">{escape(say("board.nothing_done"))}</p>'
    rows = "".join(
        f"<li><span>{escape(day(event.dated) if event.dated else say('patient.undated'))}</span> "
        f"{escape(event.text)}</li>"
        for event in done
    )
    return f'<ul class="cl-done">{rows}</ul>'


def _open(session: Session, past: PatientHistory) -> None:
    """Turn to the history; fetched, and so noted in the audit log, when the precedent was first shown."""
    session.history, session.opened, session.came = past, None, Place.board
    session.go(Place.patient)


def found(session: Session, case: BoardCase, answer: SearchAnswer) -> None:
    """The similar patients of the case's answer and the nearest malignant one, each to be kept with one click."""
    heading(say("board.found"), level=2)
    if not answer.cases:
        note(say("board.none_found"))
        return
    kept = {one.film for one in case.precedents}
    offered = candidates(answer)
    backend.fetch_ahead(session, [near.films[0].film for near in offered.values()], THUMB)
    with st.container(horizontal=True, gap="small", key="found"):
        for rank, near in offered.items():
            best = near.films[0]
            with st.container(width=FOUND_WIDTH, gap="xsmall", key=f"found-{near.rank}"):
                film = archived(session, best, near, THUMB)
                entity = near.entity or say("word.no_entity")
                caption = joined([entity if rank else f"{say('compare.malignant')}: {entity}", proof(near.proof)])
                similar = say("case.similarity", similarity=decimal(near.similarity))
                if film is not None:
                    st.html(figure(film, f"{escape(capital(caption))}<br>{escape(similar)}", zoomed=True))
                _keep(session, case.case.case, best.film, entity, there=best.film in kept)


def _keep(session: Session, case: int, film: int, entity: str, *, there: bool) -> None:
    label = say("board.is_kept" if there else "board.keep")
    help = say("board.keep_what", film=film, entity=entity)
    if st.button(label, key=f"keep-{film}", disabled=there, width="stretch", help=help):
        try:
            session.board.held = backend.client().add_precedent(case, film)
        except backend.Trouble as error:
            trouble(error)
        else:
            st.rerun()
