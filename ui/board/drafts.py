"""What is typed and not saved: kept through the API while it is typed, and offered again after a reload."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from api.schemas import KeptDraft
from ui import backend
from ui.board.moments import by
from ui.board.state import Board, Draft
from ui.parts import heading, note, trouble
from ui.session import Session
from ui.words import say

_TYPING = Path(__file__).with_name("typing.js")


def watch_typing() -> None:
    """Have the browser send a section's text while it is typed."""
    st.html(f"<script>{_TYPING.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)


def keep(key: tuple[int, str], draft: Draft) -> None:
    """Keep a draft as it stands; where that fails, it says so until it succeeds. key: case and section."""
    try:
        draft.kept, draft.trouble = backend.client().keep_draft(draft.id, *key, draft.text, draft.revision), None
    except (ApiProblem, ApiUnreachable) as error:
        draft.trouble = error


def told(draft: Draft) -> None:
    """Where the text is that stands in the field."""
    if draft.trouble is not None:
        trouble(draft.trouble)
        note(say("board.only_here"), "caution")
    elif draft.kept is not None:
        note(say("board.draft_kept", by=by(draft.kept.who, draft.kept.at)))


def drop(draft: str) -> bool:
    """Throw a draft away; False, with a sentence on the screen, where it is still kept."""
    try:
        backend.client().drop_draft(draft)
    except backend.Trouble as error:
        trouble(error)
        return False
    return True


def load(board: Board, case: int) -> None:
    """What the member typed here and did not save, apart from what stands in a field now."""
    open_now = {draft.id for draft in board.drafts.values()}
    try:
        kept = backend.client().drafts(case).drafts
    except backend.Trouble as error:
        trouble(error)
        return
    board.offered = tuple(each for each in kept if each.draft not in open_now)


def offered(session: Session, key: tuple[int, str], revision: int) -> None:
    """Drafts of a section from before a reload, each to be gone on with or thrown away. revision: stored now."""
    for found in session.board.offered:
        if (found.case, found.section.value) != key:
            continue
        st.html(
            f'<div class="cl-unsaved" role="status"><p><strong>'
            f"{escape(say('board.not_saved', by=by(found.who, found.at)))}</strong></p>"
            f'<p class="cl-text">{escape(found.text) or escape(say("board.emptied"))}</p>'
            + (f'<p class="cl-note">{escape(say("board.saved_since"))}</p>' if found.revision < revision else "")
            + "</div>"
        )
        with st.container(horizontal=True, gap="small"):
            label = say("board.go_on")
            st.button(label, key=f"on-{found.draft}", type="primary", on_click=_go_on, args=(session, key, found))
            label = say("board.throw_away")
            if st.button(label, key=f"away-{found.draft}", type="tertiary") and drop(found.draft):
                st.rerun()


def _go_on(session: Session, key: tuple[int, str], found: KeptDraft) -> None:
    """Into the field, after what stands there; kept anew first, as the same draft may be open elsewhere.

    For a button's `on_click`: no field of the page is drawn yet.
    """
    mine = session.board.drafts.get(key)
    text = "\n\n".join(part for part in (mine.text if mine else "", found.text) if part)
    fresh = Draft(text, min(found.revision, mine.revision) if mine else found.revision)
    keep(key, fresh)
    if fresh.trouble is not None:
        session.trouble = fresh.trouble
        return
    for old in (found.draft, *([mine.id] if mine and mine.kept else ())):
        drop(old)
    session.board.drafts[key] = fresh
    st.session_state[field_of(key)] = text


def field_of(key: tuple[int, str]) -> str:
    """The key of the field in which a section is written."""
    return f"draft-{key[0]}-{key[1]}"


def unsaved(session: Session) -> None:
    """On the agenda: in which cases the member has text that is not saved."""
    try:
        kept = backend.client().drafts().drafts
    except backend.Trouble:
        return  # the list of cases, asked for next, says what is wrong
    cases = {draft.case: draft.title for draft in kept}
    if not cases:
        return
    with st.container(border=True, key="unsaved"):
        heading(say("board.unsaved"), level=2)
        for case, title in cases.items():
            _unsaved_in(session, case, title, [draft for draft in kept if draft.case == case])


def _unsaved_in(session: Session, case: int, title: str, kept: Sequence[KeptDraft]) -> None:
    sections = ", ".join(dict.fromkeys(say(f"protocol.{draft.section.value}") for draft in kept))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small",
                      wrap=False):  # fmt: skip
        when = by(kept[-1].who, kept[-1].at)
        st.html(
            f'<p class="cl-text"><strong>{escape(title)}</strong></p>'
            f'<p class="cl-note">{escape(f"{sections}; {when}")}</p>'
        )
        if st.button(say("board.open"), key=f"unsaved-{case}", help=title):
            session.board.case = case
            st.rerun()
