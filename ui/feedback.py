"""The feedback page: what was said of answers, what past queries turned out to be, and pairs to train on."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape

import streamlit as st

from api.schemas import FeedbackEntry, FeedbackKind
from ui import backend
from ui.criteria import offered
from ui.marks import KEY_LENGTH, past_key
from ui.parts import heading, note, trouble
from ui.session import Session
from ui.wording import day, joined, proof
from ui.words import language, say, term

AT_ONCE = 100
"""Entries on the screen, and as many more at each wish."""
MOST = 1000
"""Entries that the API gives at once."""
PROOFS = ("histology", "tumour board", "follow-up")
FORMATS = {"csv": "text/csv", "jsonl": "application/jsonl"}
NAME, NOTE = 120, 2000
"""Most characters of an entity and of a note."""


def screen(session: Session) -> None:
    """What was said, newest first; a histology to add; an export."""
    heading(say("feedback.title"), say("feedback.lead"))
    shown = st.session_state.setdefault("feedback-shown", AT_ONCE)
    try:
        given = backend.client().feedback(limit=min(shown, MOST)).entries
    except backend.Trouble as error:
        trouble(error)
        st.button(say("word.retry"), key="retry-feedback")
        return
    left, right = st.columns([1.9, 1], gap="large")
    with right:
        _histology(session, given)
        _export(given)
    with left:
        heading(say("feedback.said"), level=2)
        _entries(session, given)
        if len(given) == shown < MOST:
            more = min(shown + AT_ONCE, MOST)
            st.button(say("feedback.older"), on_click=lambda: st.session_state.update({"feedback-shown": more}))


def names(session: Session) -> dict[str, str]:
    """The names of the films that the visitor asked about, by the sha256 of their bytes."""
    asked = session.answer.queries if session.answer else ()
    return {film.key: film.name for film in session.films} | {one.sha256: one.name for one in asked if one.sha256}


def query_name(session: Session, query: str) -> str:
    """What a query film is called: the start of its file's hash, and its name where the visitor has it open."""
    return joined([say("feedback.query", key=query[:KEY_LENGTH]), names(session).get(query)])


def by_query(entries: Sequence[FeedbackEntry]) -> dict[str, list[FeedbackEntry]]:
    """Entries of each query film, in the order given; first the film of the newest."""
    found: dict[str, list[FeedbackEntry]] = {}
    for entry in entries:
        found.setdefault(entry.query, []).append(entry)
    return found


def _entries(session: Session, given: Sequence[FeedbackEntry]) -> None:
    if not given:
        note(say("feedback.nothing"))
    for query, entries in by_query(given).items():
        latest = next((each.entity for each in entries if each.kind is FeedbackKind.histology), None)
        turned = f'<p class="cl-proof">{escape(say("feedback.turned", entity=latest))}</p>' if latest else ""
        st.html(
            f'<section class="cl-said"><h3 class="cl-h3">{escape(query_name(session, query))}</h3>{turned}'
            f"<ol>{''.join(map(_entry, entries))}</ol></section>"
        )


def _entry(entry: FeedbackEntry) -> str:
    kept = f'<p class="cl-remark">{escape(entry.note)}</p>' if entry.note else ""
    return (
        f'<li><div class="cl-said-what"><strong>{escape(term("kind", entry.kind.value))}</strong> '
        f"<span>{escape(about(entry))}</span></div>{kept}"
        f'<div class="cl-note"><time datetime="{escape(entry.at)}">{escape(when(entry.at))}</time>, '
        f"{escape(entry.who)}</div></li>"
    )


def about(entry: FeedbackEntry) -> str:
    """What an entry is of: the past film that was judged and its entity, or the entity found and how it was proven."""
    if entry.film is None or entry.patient is None:
        return joined([entry.entity, entry.proof and proof(entry.proof)])
    return joined([past_key(entry.patient, entry.film), entry.film_entity or say("word.no_entity")])


def when(at: str) -> str:
    """A moment, UTC and ISO, as people write it; as it is where it is no such."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return at
    return say("feedback.when", day=day(moment.date()), time=f"{moment:%H:%M}")


def _histology(session: Session, given: Sequence[FeedbackEntry]) -> None:
    """A form for what a past query turned out to be."""
    heading(say("feedback.later"), level=2)
    note(say("feedback.later_how"))
    queries = list(names(session)) + [query for query in by_query(given) if query not in names(session)]
    if not queries:
        note(say("feedback.no_query"))
        return
    form = f"histology-{st.session_state.setdefault('histologies', 0)}"  # another form, and so empty, after each
    with st.form(form):
        query = st.selectbox(
            say("feedback.of"), queries, format_func=lambda key: query_name(session, key), key=f"{form}-of-{language()}"
        )
        entity = st.selectbox(
            say("feedback.entity"),
            offered(session.facts, "entity") if session.facts else [],
            None,
            accept_new_options=True,
            key=f"{form}-entity",
            placeholder=say("feedback.entity_how"),
        )
        known = st.selectbox(
            say("feedback.proof"),
            PROOFS,
            None,
            format_func=lambda how: term("proof_name", how),
            key=f"{form}-proof-{language()}",
            placeholder=say("word.unknown"),
        )
        remark = st.text_area(say("feedback.note"), key=f"{form}-note", max_chars=NOTE, help=say("feedback.no_names"))
        if st.form_submit_button(say("feedback.keep"), type="primary"):
            _keep(str(query), entity, known, remark)


def _keep(query: str, entity: str | None, known: str | None, remark: str) -> None:
    if not entity or not entity.strip():
        note(say("feedback.needs_entity"), "caution")
        return
    try:
        backend.client().turned_out(query, entity, known, remark)
    except backend.Trouble as error:
        trouble(error)
    else:
        st.session_state["histologies"] += 1
        st.rerun()


def _export(given: Sequence[FeedbackEntry]) -> None:
    heading(say("feedback.export"), level=2)
    judged = any(entry.kind is not FeedbackKind.histology for entry in given)
    note(say("feedback.export_how") if judged else say("feedback.no_pairs"))
    api = backend.client()
    with st.container(horizontal=True, gap="small"):
        for form, media in FORMATS.items():
            st.download_button(
                say(f"feedback.{form}"),
                partial(api.feedback_pairs, form),
                file_name=f"caselink-pairs.{form}",
                mime=media,
                key=f"pairs-{form}",
                on_click="ignore",
                disabled=not judged,
            )
