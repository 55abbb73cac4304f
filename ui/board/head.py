"""A case's head: title, day, patient; its document; and taking it away."""

from datetime import date

import streamlit as st

from api.client import ApiConflict
from api.schemas import BoardCase, CaseSummary
from ui import backend, words
from ui.board.state import Documents
from ui.parts import complaint, heading, note, trouble
from ui.session import Place, Session
from ui.wording import day, joined
from ui.words import say

TITLE, PSEUDONYM = 120, 17
"""Most characters, as the API has them."""
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
FORMATS = {
    "pdf": ("PDF", "application/pdf"),
    "docx": ("DOCX", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
}


def head(session: Session, case: BoardCase) -> None:
    """Whose case it is, and what is done with the whole of it."""
    told = case.case
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="case-head"):
        with st.container(width="content"):
            heading(told.title, _line(told))
        with st.container(horizontal=True, width="content", gap="small"):
            _document(session, case)
            if told.patient is not None:
                st.button(say("board.own_history"), key="own-history", on_click=_open_own, args=(session, told.patient))
            _change(session, told)
            _remove(session, told)


def _line(told: CaseSummary) -> str:
    return joined(
        [
            say("board.case", case=told.case),
            say("board.meets", day=day(date.fromisoformat(told.day))) if told.day else say("board.no_day"),
            say("patient.pseudonym", pseudonym=told.patient) if told.patient else say("board.no_patient"),
        ],
        " · ",
    )


def _open_own(session: Session, patient: str) -> None:
    """Turn to the history of the case's own patient, where a recorded decision stands; where that fails, say why."""
    try:
        session.history = backend.client().patient(patient)
    except backend.Trouble as error:
        session.trouble = error
    else:
        session.opened, session.came = None, Place.board
        session.go(Place.patient)


def patient_field(key: str, value: str) -> str | None:
    """The field for a patient's pseudonym; None where it is empty."""
    typed = st.text_input(
        say("board.patient"), value, max_chars=PSEUDONYM, key=key, placeholder=say("board.patient_example"),
        help=say("board.patient_help"),
    )  # fmt: skip
    return (typed or "").strip() or None


def _document(session: Session, case: BoardCase) -> None:
    """Made when it is asked for; the same files again until the case changes."""
    popover = st.popover(say("board.document"), type="primary", on_change="rerun", key="document")
    if not popover.open:
        return
    with popover:
        note(say("board.document_how"))
        try:
            with st.spinner(say("board.making")):
                made = _made(session, case)
        except backend.Trouble as error:
            trouble(error)
            return
        for format, (name, kind) in FORMATS.items():
            st.download_button(
                name, made.files[format], f"caselink-case-{case.case.case}.{format}", kind, key=f"get-{format}",
                on_click="ignore", width="stretch",
            )  # fmt: skip


def _made(session: Session, case: BoardCase) -> Documents:
    made, language = session.board.documents, words.language()
    if made is None or (made.case, made.language) != (case, language):
        files = {format: backend.client().export(case.case.case, format, language) for format in FORMATS}
        made = session.board.documents = Documents(case, language, files)
    return made


def _change(session: Session, told: CaseSummary) -> None:
    with st.popover(say("board.change")), st.form(f"change-{told.case}-{told.revision}", border=False):
        title = st.text_input(say("board.case_title"), told.title, max_chars=TITLE)
        st.caption(say("board.no_names"))
        known = date.fromisoformat(told.day) if told.day else None
        when = st.date_input(
            say("board.meeting"), value=known, min_value=EARLIEST, max_value=LATEST, format="DD.MM.YYYY"
        )
        patient = patient_field(f"patient-{told.case}-{told.revision}", told.patient or "")
        if st.form_submit_button(say("board.save"), type="primary", width="stretch"):
            chosen = when if isinstance(when, date) else None
            _set(session, told, title or "", chosen, patient)


def _set(session: Session, told: CaseSummary, title: str, when: date | None, patient: str | None) -> None:
    try:
        backend.client().change_case(
            told.case, told.revision, title=title, day=when, position=told.position, patient=patient
        )
    except ApiConflict:
        complaint(say("board.head_changed"))
    except backend.Trouble as error:
        trouble(error)
    else:
        session.board.said = None
        st.rerun()


def _remove(session: Session, told: CaseSummary) -> None:
    with st.popover(say("board.remove")):
        note(say("board.remove_sure"), "caution")
        if st.button(say("board.remove_yes"), key="remove-case", width="stretch"):
            try:
                backend.client().remove_case(told.case)
            except backend.Trouble as error:
                trouble(error)
            else:
                session.board.close()
                session.board.drafts = {key: kept for key, kept in session.board.drafts.items() if key[0] != told.case}
                st.rerun()
