"""Films coming in: held to the API's limits, looked at once, and named in one sentence where they are refused."""

from collections.abc import Sequence
from hashlib import sha256
from html import escape

import streamlit as st

from api.client import ApiProblem, ApiUnreachable, File
from api.schemas import Limits
from ui import backend, first
from ui.boxes import Box
from ui.figures import Shown, figure
from ui.parts import complaint, trouble
from ui.session import QueryFilm, Session
from ui.spoken import refusal
from ui.study import MIB, unpacked
from ui.words import counted, decimal, say

SERVER_FAULT = 500
THUMB = 192


def uploader(session: Session, limits: Limits, label: str) -> None:
    """The field that takes films; what arrived moves to the session, and the field is empty again."""
    arrived = st.file_uploader(
        label,
        accept_multiple_files=True,
        key=f"films-{session.uploads}",
    )
    st.caption(say("upload.help", most=limits.max_films, mib=limits.max_upload_mib))
    held_back(limits)
    if not arrived:
        return
    try:
        with st.spinner(say("upload.reading")):
            session.refusals = admit(session, [(file.name, file.getvalue()) for file in arrived], limits)
    except backend.Trouble as error:
        # the field keeps the files, so that trying again needs no second upload
        trouble(error)
        st.button(say("word.retry"), key="retry-upload")
        return
    session.uploads += 1
    st.rerun()


def held_back(limits: Limits) -> None:
    """Why a file too large was not sent: the browser marks it alone, and the style sheet shows this beside a mark."""
    said = escape(say("upload.held_back", mib=limits.max_upload_mib))
    st.html(f'<p class="cl-error cl-held-back" role="alert">{said}</p>')


def admit(session: Session, files: Sequence[File], limits: Limits) -> list[str]:
    """Take films in, and those of a study in a ZIP file; returns sentences on files that were not.

    Raises:
        ApiUnreachable, ApiProblem: the API cannot look at films now.
    """
    files, refusals = unpacked(files, limits)
    held = {film.key for film in session.films}
    keyed = [(sha256(data).hexdigest(), (name, data)) for name, data in files]
    new = {key: file for key, file in keyed if key not in held}
    total = sum(len(data) for _, data in (*(film.file for film in session.films), *new.values()))
    if len(held) + len(new) <= limits.max_films and total <= limits.max_upload_mib * MIB:
        first.ahead(session, new)
    for key, (name, data) in keyed:
        reason = _over(session, name, data, limits) or _twin(session, name, key)
        if reason is None:
            try:
                session.films.append(_seen(session, name, data, key))
            except ApiProblem as error:
                if error.status >= SERVER_FAULT:
                    raise
                reason = refusal(error)
        if reason is not None:
            refusals.append(reason)
    session.current = next((film.key for film in session.films if film.key not in held), session.current)
    return refusals


def _seen(session: Session, name: str, data: bytes, key: str) -> QueryFilm:
    seen = backend.look(name, data, backend.PREVIEW)
    session.keep_picture(backend.drawing(key), seen.png)
    told = (seen.side, seen.view, seen.warnings, seen.body_part, seen.taken, seen.spacing_mm, seen.remarks)
    return QueryFilm(key, name, data, seen.rows, seen.columns, *told)


def _over(session: Session, name: str, data: bytes, limits: Limits) -> str | None:
    if len(session.films) >= limits.max_films:
        return say("upload.too_many", name=name, most=counted("film", limits.max_films))
    size = sum(len(film.data) for film in session.films) + len(data)
    if size > limits.max_upload_mib * MIB:
        return say("upload.too_large", name=name, size=decimal(size / MIB, 1), limit=limits.max_upload_mib)
    return None


def _twin(session: Session, name: str, key: str) -> str | None:
    twin = next((film for film in session.films if film.key == key), None)
    return None if twin is None else say("upload.twin", name=name, twin=twin.name)


def refusals(session: Session) -> None:
    """What was not added, until it is put away."""
    if not session.refusals:
        return
    for said in session.refusals:
        complaint(said)
    st.button(say("word.dismiss"), key="dismiss", type="tertiary", on_click=session.refusals.clear)


def strip(session: Session, current: QueryFilm) -> None:
    """Small pictures of all films, to choose the one to look at."""
    with st.container(horizontal=True, wrap=False, gap="small", key="strip"):
        for number, film in enumerate(session.films, start=1):
            with st.container(width=104, gap="xsmall"):
                _thumb(session, film, number, film.key == current.key)


def _thumb(session: Session, film: QueryFilm, number: int, chosen: bool) -> None:
    box: Box | None = session.boxes.get(film.key)
    try:
        picture = backend.own_picture(session, film, THUMB)
    except (ApiProblem, ApiUnreachable):
        return  # the large picture says why
    st.html(figure(Shown(picture, film.rows, film.columns, say("upload.thumb", number=number, name=film.name), box)))
    st.button(
        say("upload.pick", number=number),
        key=f"pick-{film.key[:12]}",
        type="primary" if chosen else "secondary",
        width="stretch",
        help=film.name,
        on_click=lambda: setattr(session, "current", film.key),
    )
