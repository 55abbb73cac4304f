"""The lesion's box on a film of the visitor's own: drawn with the mouse in the viewer, or typed as four edges."""

import streamlit as st

from ui.boxes import EDGES, Box, from_edges
from ui.figures import Shown
from ui.marks import on_film, own_key, side_mark
from ui.proposals import proposed_box
from ui.session import QueryFilm, Session
from ui.viewer import Drawn, Viewed, viewer
from ui.wording import film_line
from ui.words import say


def show(session: Session, film: QueryFilm, picture: bytes) -> None:
    """The film to look at; a drag on it sets its box."""
    described = film_line(film.view, film.side, film.taken) or say("film.unknown")
    shown = Shown(
        picture,
        film.rows,
        film.columns,
        say("draw.alt", name=film.name, film=described),
        session.boxes.get(film.key),
        side=side_mark(film.side),
        key=on_film(own_key(film), film.taken),
        spacing_mm=film.spacing_mm,
    )

    def take(drawn: Drawn) -> None:
        set_box(session, film, drawn.box)

    viewed = Viewed(film.key, shown, proposed=proposed_box(session, film))
    viewer([viewed], key=f"viewer-{film.key[:12]}", on_draw=take)


def set_box(session: Session, film: QueryFilm, box: Box | None) -> None:
    """Set or clear a film's box, in the session and in the typed edges."""
    if box is None:
        session.boxes.pop(film.key, None)
    else:
        session.boxes[film.key] = box
    for edge, value in zip(_edge_keys(film), box or (None,) * len(EDGES), strict=True):
        st.session_state[edge] = value


def _edge_keys(film: QueryFilm) -> list[str]:
    return [f"edge-{film.key[:12]}-{edge}" for edge in EDGES]


def edges(session: Session, film: QueryFilm) -> str | None:
    """The four edges to type, in film pixels; returns why they make no box, None where they do or are not all there."""
    keys = _edge_keys(film)
    with st.container(key="edges"):
        for column, edge, key in zip(st.columns(4, gap="xsmall", wrap=False), EDGES, keys, strict=True):
            column.number_input(
                say(f"draw.{edge}"),
                value=None,
                step=1,
                key=key,
                placeholder=say("draw.pixels"),
                persist_state="session",
                on_change=lambda: _typed(session, film),
            )
    return from_edges([st.session_state.get(key) for key in keys], film.rows, film.columns).error


def _typed(session: Session, film: QueryFilm) -> None:
    typed = from_edges([st.session_state.get(key) for key in _edge_keys(film)], film.rows, film.columns)
    if typed.box is None:
        session.boxes.pop(film.key, None)
    else:
        session.boxes[film.key] = typed.box
