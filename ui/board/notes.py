"""The five sections of the protocol, written one by one; where two members write at once, both texts stay in view."""

from datetime import date
from html import escape

import streamlit as st

from api.client import ApiConflict
from api.schemas import BoardCase, SectionText
from ui import backend
from ui.board import drafts
from ui.board.drafts import field_of
from ui.board.head import EARLIEST, LATEST
from ui.board.moments import by
from ui.board.state import Draft
from ui.parts import heading, note, trouble
from ui.session import Session
from ui.shell import choose_language
from ui.wording import day
from ui.words import say, term

SECTION = 20_000
"""Most characters of a section, as the API has them."""
DECISION = "decision"


def notes(session: Session, case: BoardCase) -> None:
    """All sections, and the decision."""
    heading(say("board.notes"), level=2)
    note(say("board.no_names"))
    drafts.watch_typing()
    for stored in case.sections:
        with st.container(border=True, key=f"section-{stored.section.value}"):
            _section(session, case.case.case, stored)
            if stored.section.value == DECISION:
                _decision(session, case, stored)


def _section(session: Session, case: int, stored: SectionText) -> None:
    name, key = stored.section.value, (case, stored.section.value)
    draft = session.board.drafts.get(key)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=stored.revision > 1
    ):
        st.html(
            f'<h3 class="cl-h3">{escape(say(f"protocol.{name}"))}</h3>'
            f'<p class="cl-note">{escape(by(stored.who, stored.at) or say("board.nobody_wrote"))}</p>',
            width="content" if stored.revision > 1 else "stretch",
        )
        with st.container(horizontal=True, width="content", gap="small"):
            if stored.revision > 1:
                _earlier(session, case, stored)
            if draft is None:
                label = say("board.edit" if stored.text else "board.write")
                help = say("board.write_what", section=say(f"protocol.{name}"))
                st.button(label, key=f"write-{name}", help=help, on_click=_begin, args=(session, key, stored))
    with st.container():  # its own, so that the field below keeps its place on the page while offers come and go
        drafts.offered(session, key, stored.revision)
    if draft is not None:
        _editor(session, key, stored)
    elif stored.text:
        st.html(f'<p class="cl-text">{escape(stored.text)}</p>')


def _begin(session: Session, key: tuple[int, str], stored: SectionText) -> None:
    session.board.drafts[key] = Draft(stored.text, stored.revision)
    st.session_state[field_of(key)] = stored.text
    session.board.said = None


@st.fragment
def _editor(session: Session, key: tuple[int, str], stored: SectionText) -> None:
    """The field, drawn anew by itself while somebody types; all else of the page stays as it is."""
    choose_language()
    name, field, draft = key[1], field_of(key), session.board.drafts.get(key)
    if draft is None:
        return  # saved or thrown away meanwhile
    behind = stored.revision > draft.revision
    if behind:
        _meanwhile(key, stored, draft)
    if field not in st.session_state:
        st.session_state[field] = draft.text
    st.text_area(
        say("board.text_of", section=say(f"protocol.{name}")), key=field, height=170, max_chars=SECTION,
        label_visibility="collapsed", placeholder=say(f"protocol.{name}_what"), on_change=_typed, args=(key, draft),
    )  # fmt: skip
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        # a key of its own for each revision: a click on what stood there before others wrote does nothing
        label = say("board.save_mine" if behind else "board.save")
        if st.button(label, key=f"save-{name}-{stored.revision}", type="primary"):
            _save(session, key, draft, stored.revision)
        thrown = st.button(say("board.discard"), key=f"discard-{name}", type="tertiary")
        if thrown and (draft.kept is None or drafts.drop(draft.id)):
            session.board.drafts.pop(key, None)
            st.rerun()
    drafts.told(draft)


def _typed(key: tuple[int, str], draft: Draft) -> None:
    """For `on_change`: a script that a reload stops has kept the text by then."""
    draft.text = st.session_state[field_of(key)] or ""
    drafts.keep(key, draft)


def _meanwhile(key: tuple[int, str], stored: SectionText, draft: Draft) -> None:
    """What somebody else wrote while this was being written, and the way to put both together."""
    st.html(
        f'<div class="cl-meanwhile" role="alert"><p><strong>'
        f"{escape(say('board.meanwhile', who=by(stored.who, stored.at)))}</strong></p>"
        f'<p class="cl-text">{escape(stored.text) or escape(say("board.emptied"))}</p>'
        f'<p class="cl-note">{escape(say("board.merge_how"))}</p></div>'
    )

    field = field_of(key)

    def both() -> None:
        mine = st.session_state.get(field, draft.text)
        st.session_state[field] = "\n\n".join(part for part in (stored.text, mine) if part)
        draft.revision = stored.revision
        _typed(key, draft)

    st.button(say("board.both"), key=f"both-{field}-{stored.revision}", on_click=both)


def _save(session: Session, key: tuple[int, str], draft: Draft, revision: int) -> None:
    """Write it. revision: of the stored text that the member has in view; somebody else's newer one comes up beside."""
    try:
        backend.client().write_section(*key, draft.text, revision, draft.id)
    except ApiConflict:
        st.rerun()
    except backend.Trouble as error:
        draft.trouble = error  # the text stays, and what stands below it says so
    else:
        session.board.drafts.pop(key, None)
        session.board.said = None
        st.rerun()


def _earlier(session: Session, case: int, stored: SectionText) -> None:
    """All that the section ever said."""
    name = stored.section.value
    popover = st.popover(say("board.earlier"), type="tertiary", on_change="rerun", key=f"earlier-{name}")
    if not popover.open:
        return
    with popover:
        try:
            texts = backend.client().section_history(case, name).texts
        except backend.Trouble as error:
            trouble(error)
            return
        st.html(
            "".join(
                f'<div class="cl-earlier"><p class="cl-note">{escape(by(text.who, text.at))}</p>'
                f'<p class="cl-text">{escape(text.text) or escape(say("board.emptied"))}</p></div>'
                for text in texts
            )
        )


def _decision(session: Session, case: BoardCase, stored: SectionText) -> None:
    """The section as the board's decision, and an event of the patient."""
    made = case.decision
    if made is not None:
        where = "board.in_archive" if made.version is not None else "board.in_case"
        told = say("board.decided_on", day=day(date.fromisoformat(made.dated)), by=by(made.who, made.at))
        note(f"{told} {say(where)}")
        if made.revision != stored.revision:
            note(say("board.decided_before"), "caution")
    if not stored.text.strip() or (case.case.case, DECISION) in session.board.drafts:
        if made is None:
            note(say("board.decide_first"))
        return
    known = (made and made.dated) or case.case.day
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        when = st.date_input(
            say("board.decided_day"),
            value=date.fromisoformat(known) if known else "today",
            min_value=EARLIEST,
            max_value=LATEST,
            format="DD.MM.YYYY",
            key=f"decided-{case.case.case}",
            width=160,
        )
        again = made is not None and made.revision == stored.revision
        label = say("board.decide_again" if again else "board.decide")
        if st.button(label, key="decide", type="secondary" if again else "primary") and isinstance(when, date):
            _decide(session, case.case.case, stored.revision, when)
    if session.board.said:
        st.html(f'<p class="cl-told" role="status">{escape(session.board.said)}</p>')


def _decide(session: Session, case: int, revision: int, when: date) -> None:
    try:
        kept = backend.client().decide(case, revision, when)
    except backend.Trouble as error:
        trouble(error)
        return
    said = say("board.recorded")
    if not kept.recorded:
        why = term("not_recorded", kept.code.value) if kept.code else kept.reason
        said = say("board.not_recorded", why=why)
    session.board.said = said
    st.rerun()
