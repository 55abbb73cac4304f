"""The film to draw on: a Plotly chart whose data coordinates are the pixels of the full film."""

import plotly.graph_objects as go
import streamlit as st

from ui.boxes import EDGES, Box, from_drag, from_edges
from ui.figures import data_uri
from ui.proposals import proposed_box
from ui.session import QueryFilm, Session
from ui.wording import film_line

TALL, WIDE = 600, 460
"""Height of the chart in screen pixels, for upright and for wide films."""
BOX_COLOUR = "#f5b942"
_CONFIG = {"displayModeBar": False, "doubleClick": False, "scrollZoom": False, "showTips": False}


def chart(film: QueryFilm, picture: bytes, box: Box | None, proposed: Box | None = None) -> go.Figure:
    """The film on black with its box, or a proposed one, which nobody drew, dashed.

    Columns run right from 0, rows down from 0; edges lie between pixels.
    """
    figure = go.Figure(
        # selections need a trace; this one cannot be seen
        go.Scatter(
            x=[0, film.columns], y=[0, film.rows], mode="markers", marker={"opacity": 0}, hoverinfo="skip",
            selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        )
    )  # fmt: skip
    figure.add_layout_image(
        source=data_uri(picture), xref="x", yref="y", x=0, y=0, sizex=film.columns, sizey=film.rows,
        xanchor="left", yanchor="top", sizing="stretch", layer="below",
    )  # fmt: skip
    figure.update_xaxes(visible=False, range=[0, film.columns], constrain="domain", fixedrange=True)
    figure.update_yaxes(
        visible=False, range=[film.rows, 0], constrain="domain", fixedrange=True, scaleanchor="x", scaleratio=1
    )
    line = {"color": BOX_COLOUR, "width": 2, "dash": "solid"}
    figure.update_layout(
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=TALL if film.rows * 1.15 > film.columns else WIDE,
        paper_bgcolor="#000",
        plot_bgcolor="#000",
        dragmode="select",
        showlegend=False,
        newselection={"line": line, "mode": "immediate"},
    )
    if box is not None:
        figure.add_shape(type="rect", x0=box[0], y0=box[1], x1=box[2], y1=box[3], line=line)
    elif proposed is not None:
        x0, y0, x1, y1 = proposed
        figure.add_shape(type="rect", x0=x0, y0=y0, x1=x1, y1=y1, line=line | {"dash": "dash"})
    return figure


def show(session: Session, film: QueryFilm, picture: bytes) -> None:
    """The chart; a drag on it sets the film's box."""
    key = f"chart-{film.key[:12]}-{session.charts.get(film.key, 0)}"
    described = film_line(film.view, film.side) or "view and side not known"
    st.plotly_chart(
        chart(film, picture, session.boxes.get(film.key), proposed_box(session, film)),
        key=key,
        theme=None,
        config=_CONFIG,
        on_select=lambda: _take(session, film, key),
        selection_mode="box",
        alt=f"Your film {film.name}, {described}. Drag across it to mark the lesion, or type the region below it.",
    )


def _take(session: Session, film: QueryFilm, key: str) -> None:
    drawn = st.session_state[key]["selection"]["box"]
    box = from_drag(drawn[-1]["x"], drawn[-1]["y"], film.rows, film.columns) if drawn else None
    set_box(session, film, box or session.boxes.get(film.key))


def set_box(session: Session, film: QueryFilm, box: Box | None) -> None:
    """Set or clear a film's box, in the session and in the typed edges; the chart is drawn anew."""
    if box is None:
        session.boxes.pop(film.key, None)
    else:
        session.boxes[film.key] = box
    for edge, value in zip(_edge_keys(film), box or (None,) * len(EDGES), strict=True):
        st.session_state[edge] = value
    _redraw(session, film)


def _redraw(session: Session, film: QueryFilm) -> None:
    session.charts[film.key] = session.charts.get(film.key, 0) + 1


def _edge_keys(film: QueryFilm) -> list[str]:
    return [f"edge-{film.key[:12]}-{edge}" for edge in EDGES]


def edges(session: Session, film: QueryFilm) -> str | None:
    """The four edges to type, in film pixels; returns why they make no box, None where they do or are not all there."""
    keys = _edge_keys(film)
    with st.container(key="edges"):
        for column, edge, key in zip(st.columns(4, gap="xsmall", wrap=False), EDGES, keys, strict=True):
            column.number_input(
                edge,
                value=None,
                step=1,
                key=key,
                placeholder="px",
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
    _redraw(session, film)
