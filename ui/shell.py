"""What stands around every page: the notice, the ways to the other pages, language and dark room."""

from collections.abc import Mapping
from html import escape
from json import dumps
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from ui import words
from ui.session import Place, Session
from ui.words import say

STYLE, DARK_ROOM = (Path(__file__).with_name(name) for name in ("style.css", "dark_room.css"))
LANGUAGE, DARK = "language", "dark-room"
"""Keys of the two switches, and their names in the page's address."""
ON = "on"


def choose_language() -> None:
    """Speak the language that was chosen; in a visit's first run the address's, or else the browser's."""
    if LANGUAGE not in st.session_state:
        st.session_state[LANGUAGE] = words.spoken_by(st.query_params.get(LANGUAGE) or st.context.locale)
    words.use(st.session_state[LANGUAGE] or words.USUAL)


def _keep_in_address() -> None:
    """The switches stand in the page's address where they are not at their defaults, so that a reload keeps them.

    Streamlit could bind them to it, but then no script may turn to another page (`st.switch_page`).
    """
    chosen = words.language()
    usual = words.spoken_by(st.context.locale)
    for key, value in ((LANGUAGE, None if chosen == usual else chosen), (DARK, ON if st.session_state[DARK] else None)):
        if value is not None:
            st.query_params[key] = value
        elif key in st.query_params:
            del st.query_params[key]


def dress(session: Session) -> None:
    """The style sheet and the bar that every page carries: research use only, and SYNTHETIC where that is so."""
    st.html(STYLE)
    if DARK not in st.session_state:
        st.session_state[DARK] = st.query_params.get(DARK) == ON
    if st.session_state[DARK]:
        st.html(DARK_ROOM)
    tag = f'<span class="cl-tag">{escape(say("shell.synthetic"))}</span>' if session.synthetic else ""
    st.html(
        f'<div class="cl-bar-top" role="banner"><span class="cl-mark">{escape(say("shell.name"))}</span>'
        f'<span class="cl-notice"><strong>{escape(say("shell.research"))}</strong> {escape(say("shell.notice"))}</span>'
        f"{tag}</div>"
    )


def _foreign_words(place: str) -> None:
    """Streamlit's own English in fields for films and days, and what a screen reader is told: language and page."""
    drop, choose = (dumps(say(f"shell.{name}"), ensure_ascii=False) for name in ("drop", "choose"))
    empty = "".join(
        f"[data-type={part}][data-placeholder]::after{{content:{dumps(say(f'shell.{part}_part'))};font-size:0.9375rem}}"
        for part in ("day", "month", "year")
    )
    st.html(f"<style>[role=spinbutton][data-placeholder]{{font-size:0}}{empty}</style>")
    st.html(
        "<style>[data-testid=stFileUploaderDropzoneInstructions]>*{display:none}"
        f"[data-testid=stFileUploaderDropzoneInstructions]::after{{content:{drop}}}"
        "[data-testid=stFileUploaderDropzone] button p{font-size:0}"
        f"[data-testid=stFileUploaderDropzone] button p::after{{content:{choose};font-size:0.9375rem}}</style>"
    )
    st.html(
        f"<script>document.documentElement.lang = {dumps(words.language())};"
        "setTimeout(() => { const bar = document.querySelector('.st-key-pages');"
        f"bar?.setAttribute('role', 'navigation'); bar?.setAttribute('aria-label', {dumps(say('shell.pages'))});"
        "bar?.querySelectorAll('a').forEach((link) => {"
        f"const here = (link.getAttribute('href') || 'search').endsWith({dumps(place)});"
        "if (here) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current'); });"
        "}, 150);</script>",
        unsafe_allow_javascript=True,
    )


def navigation(pages: Mapping[Place, StreamlitPage], chosen: StreamlitPage) -> None:
    """The ways to the pages, and the two switches. chosen: the page that is shown."""
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", gap="small", key="shell"
    ):
        with st.container(horizontal=True, width="content", gap="small", key="pages"):
            for place, page in pages.items():
                st.page_link(page, label=say(f"page.{place}"))
        with st.container(horizontal=True, width="content", gap="medium", vertical_alignment="center", key="switches"):
            st.toggle(say("shell.dark_room"), key=DARK, persist_state="session", help=say("shell.dark_room_help"))
            st.segmented_control(
                say("shell.language"),
                list(words.LANGUAGES),
                required=True,
                format_func=lambda code: code.upper(),
                key=LANGUAGE,
                label_visibility="collapsed",
                persist_state="session",
            )
    _keep_in_address()
    _foreign_words(next((place for place, page in pages.items() if page == chosen), Place.search))
