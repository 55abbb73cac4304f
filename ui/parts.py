"""What several pages share: headings, sentences on trouble, facts as a list, moving the view."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from ui.session import Session
from ui.spoken import refusal
from ui.words import say, term


def heading(title: str, below: str = "", level: int = 1) -> None:
    """A heading with a line under it."""
    line = f'<p class="cl-lead">{escape(below)}</p>' if below else ""
    st.html(f'<h{level} class="cl-h{level}">{escape(title)}</h{level}>{line}')


def note(text: str, kind: str = "note") -> None:
    """A quiet sentence. kind: note | caution."""
    st.html(f'<p class="cl-{kind}">{escape(text)}</p>')


def trouble(error: ApiProblem | ApiUnreachable) -> None:
    """Say what went wrong: what kind of trouble it is, then value, limit and cure."""
    kind = term("problem", error.title) if isinstance(error, ApiProblem) else say("word.unreachable")
    complaint(f"{kind}: {refusal(error)}")


def complaint(text: str) -> None:
    """One clear sentence on what went wrong."""
    st.html(f'<p class="cl-error" role="alert">{escape(sentence(text))}</p>')


def sentence(text: str) -> str:
    """A message as a sentence: with a full stop; its case stays, for it may start with a file's name."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else text + "."


def fact_list(facts: Iterable[tuple[str, str]]) -> str:
    """Names and values as an HTML list."""
    rows = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return f'<dl class="cl-facts">{rows}</dl>'


def move_view(session: Session) -> None:
    """Scroll once to where the session asks: a new screen is read from its top, not from where the last one was."""
    target, session.scroll_to = session.scroll_to, None
    if target is None:
        return
    place = f'document.getElementById("{target}")' if target.isidentifier() else "null"
    st.html(
        f"<script>setTimeout(() => {{ const at = {place};"
        "if (at) at.scrollIntoView({block: 'center'});"
        "else document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0); }, 60);</script>",
        unsafe_allow_javascript=True,
    )
