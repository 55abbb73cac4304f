"""A case's films: added, shown beside its precedents, taken out again."""

from dataclasses import replace
from datetime import date

import streamlit as st

from api.schemas import BoardCase, CaseFilm
from ui import backend
from ui.board import precedents
from ui.board.moments import by
from ui.cases import FINE
from ui.figures import Shown
from ui.marks import KEY_LENGTH, on_film, side_mark
from ui.parts import complaint, heading, note, trouble
from ui.session import Session
from ui.upload import admit, held_back
from ui.viewer import Viewed, viewer
from ui.wording import film_line, joined
from ui.words import language, say

MOST = 5
"""Films side by side; more are too small to be compared."""
OWN, PAST = "own", "past"
Choice = tuple[str, int]
"""`OWN` or `PAST`, and the film's number within the board or the archive."""


def side_by_side(session: Session, case: BoardCase) -> None:
    """The case's films and its precedents under one window and one zoom, up to `MOST` of them."""
    own: list[Choice] = [(OWN, film.film) for film in case.films]
    past: list[Choice] = [(PAST, one.film) for one in case.precedents]
    offered = own + past
    if not offered:
        note(say("board.no_films"), "caution")
        return
    chosen = st.multiselect(
        say("board.shown", most=MOST),
        offered,
        default=own[:1] + past[-(MOST - 1) :] if own else past[-MOST:],
        format_func=lambda choice: _name(session, case, choice),
        max_selections=MOST,
        placeholder=say("compare.choose"),
        key="-".join(["shown", language(), str(case.case.case), *(f"{kind}{number}" for kind, number in offered)]),
        persist_state="session",
    )
    backend.fetch_ahead(session, [number for kind, number in chosen if kind == PAST], FINE)
    viewed = [_viewed(session, case, choice) for choice in chosen]
    seen = [each for each in viewed if each is not None]
    if seen:
        viewer(seen, key="board", fit="scale" if len(seen) > 1 else "film")


def _name(session: Session, case: BoardCase, choice: Choice) -> str:
    kind, number = choice
    if kind == OWN:
        return joined([say("board.own", number=_place(case, number)), film_line(_film(case, number).view, None)])
    return precedents.name(session, next(one for one in case.precedents if one.film == number))


def _film(case: BoardCase, number: int) -> CaseFilm:
    return next(film for film in case.films if film.film == number)


def _place(case: BoardCase, number: int) -> int:
    return [film.film for film in case.films].index(number) + 1


def _viewed(session: Session, case: BoardCase, choice: Choice) -> Viewed | None:
    kind, number = choice
    try:
        if kind == PAST:
            return precedents.viewed(session, next(one for one in case.precedents if one.film == number))
        film = _film(case, number)
        shown = _shown(session, case, film, FINE)
        # a segmenter's box is dashed, as on the search page: nobody drew it
        proposed = shown.box if film.region_origin == "segmented" else None
        caption = joined([say("board.own", number=_place(case, number)), film_line(film.view, film.side)])
        return Viewed(f"{OWN}-{number}", replace(shown, box=None) if proposed else shown, caption, proposed)
    except backend.Trouble as error:
        trouble(error)
        return None


def _shown(session: Session, case: BoardCase, film: CaseFilm, size: int) -> Shown:
    known = film_line(film.view, film.side) or say("film.unknown")
    alt = say("board.film_alt", number=_place(case, film.film), film=known)
    return Shown(
        backend.case_picture(session, case.case.case, film.film, size),
        film.rows,
        film.columns,
        alt,
        None if film.region_origin == "whole" else film.region,
        side=side_mark(film.side),
        key=on_film(_key(film), date.fromisoformat(film.taken) if film.taken else None),
        spacing_mm=film.spacing_mm,
    )


def _key(film: CaseFilm) -> str:
    """The start of the patient's pseudonym, or of the film's hash where no header names a patient."""
    named = film.identity.startswith("P")
    return say("board.film_key", key=film.identity[:KEY_LENGTH] if named else film.sha256[:KEY_LENGTH])


def case_films(session: Session, case: BoardCase) -> None:
    """The films one by one, each with the way to take it out, and the field for more."""
    heading(say("board.films"), level=2)
    for refusal in session.board.refusals:
        complaint(refusal)
    for film in case.films:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False):
            known = film_line(film.view, film.side, date.fromisoformat(film.taken) if film.taken else None)
            region = say(f"board.region_{film.region_origin}")
            facts = joined([say("board.own", number=_place(case, film.film)), known, region], " · ")
            note(f"{facts} · {by(film.who, film.at)}")
            if st.button(say("board.take_out"), key=f"out-{film.film}", type="tertiary"):
                _take_out(session, case.case.case, film.film)
    _uploader(session, case.case.case)


def _take_out(session: Session, case: int, film: int) -> None:
    try:
        session.board.held = backend.client().remove_film(case, film)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.board.refusals = []
        st.rerun()


def _uploader(session: Session, case: int) -> None:
    """Films of one patient, held to the limits of the search; the archive is asked about them at once."""
    if session.facts is None:
        return
    limits = session.facts.limits
    arrived = st.file_uploader(
        say("board.add_films"), accept_multiple_files=True, key=f"case-films-{case}-{session.board.uploads}"
    )
    st.caption(say("board.add_limits", most=limits.max_films, mib=limits.max_upload_mib))
    st.caption(say("board.add_how"))
    held_back(limits)
    if not arrived:
        return
    basket = Session(facts=session.facts)
    try:
        with st.spinner(say("board.adding")):
            refused = admit(basket, [(file.name, file.getvalue()) for file in arrived], limits)
            if basket.films:
                session.board.held = backend.client().add_films(case, [film.file for film in basket.films])
    except backend.Trouble as error:
        # the field keeps the files, so that trying again needs no second upload
        trouble(error)
        st.button(say("word.retry"), key="retry-case-films")
        return
    session.board.refusals = refused
    session.board.uploads += 1
    st.rerun()
