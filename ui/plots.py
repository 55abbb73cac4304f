"""Curves as Vega-Lite, which Streamlit draws in the browser: no library of the page's own, and no other host."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from ui.words import say

INK, SOFT, RULE = "#e7eaec", "#a9b4bd", "#323b43"
COLOURS = ("#b4e2ff", "#f08a4b", "#f7e986", "#e79ab0", "#9b80ea", "#a9b4bd")
DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (1, 0), (8, 4), (2, 3), (6, 3, 1, 3), (4, 4))
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "stroke")
"""A line is told from others by its colour, its dashes and its marks."""
HEIGHT = 330


@dataclass(frozen=True)
class Point:
    """A point in per cent, or any x. low, high: of its interval, None for none. told: its words, shown on hovering."""

    x: float
    y: float
    low: float | None
    high: float | None
    told: str


@dataclass(frozen=True)
class Line:
    """A curve. look: number of its colour, dashes and marks."""

    name: str
    look: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Axes:
    """x, y: titles. across: lowest and highest x. ticks: on x. diagonal: whether to draw y = x."""

    x: str
    y: str
    across: tuple[float, float]
    ticks: Sequence[float]
    diagonal: bool = False


def plot(title: str, lines: Sequence[Line], axes: Axes, alt: str) -> dict[str, Any]:
    """A chart for `st.vega_lite_chart`. alt: what it shows, in words."""
    names = [line.name for line in lines]
    rows = [
        {"line": line.name, "x": p.x, "y": p.y, "low": p.low, "high": p.high, "told": p.told}
        for line in lines
        for p in line.points
    ]
    x = {
        "field": "x", "type": "quantitative", "scale": {"domain": list(axes.across), "nice": False},
        "axis": {"title": axes.x, "values": list(axes.ticks), "format": "d", "grid": False},
    }  # fmt: skip
    y = {"field": "y", "type": "quantitative", "scale": {"domain": [0, 100]}, "axis": {"title": axes.y, "format": "d"}}
    look = {"field": "line", "type": "nominal", "legend": None, "sort": None}
    colour = look | {"scale": {"domain": names, "range": [COLOURS[line.look] for line in lines]}}
    dash = look | {"scale": {"domain": names, "range": [list(DASHES[line.look]) for line in lines]}}
    shape = look | {"scale": {"domain": names, "range": [SHAPES[line.look] for line in lines]}}
    hover = [{"field": "line", "title": say("evaluate.curve")}, {"field": "told", "title": say("evaluate.figure")}]
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "isValid(datum.low)"}],
            "mark": {"type": "rule", "opacity": 0.6, "strokeWidth": 2},
            "encoding": {"x": x, "y": y | {"field": "low"}, "y2": {"field": "high"}, "color": colour},
        },
        {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash}},
        {
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "tooltip": hover},
        },
    ]
    if axes.diagonal:
        ends = [{"x": axes.across[0], "y": axes.across[0]}, {"x": axes.across[1], "y": axes.across[1]}]
        straight = {"mark": {"type": "line", "color": SOFT, "strokeDash": [3, 4], "strokeWidth": 1}}
        layers.insert(0, straight | {"data": {"values": ends}, "encoding": {"x": x, "y": y}})
    return {
        "title": {"text": title, "fontSize": 14, "fontWeight": 600, "color": INK, "anchor": "start"},
        "description": alt,
        "height": HEIGHT,
        "padding": dict.fromkeys(("top", "bottom", "left", "right"), 4),
        "data": {"values": rows},
        "layer": layers,
        "config": {
            "axis": {"labelColor": SOFT, "titleColor": SOFT, "gridColor": RULE, "domainColor": RULE, "tickColor": RULE}
            | {"titleFontWeight": 400, "labelFontSize": 12, "titleFontSize": 12},
            "view": {"stroke": None},
            "background": "transparent",
        },
    }


def draw(spec: dict[str, Any], key: str) -> None:
    """Show a chart; its words stand in the page for those who cannot see it."""
    st.vega_lite_chart(spec, width="stretch", key=key)
    st.html(f'<p class="cl-unseen">{escape(spec["description"])}</p>')


def legend(lines: Sequence[Line]) -> str:
    """The names of the curves beside their colours and dashes, as HTML."""
    kinds = ("solid", "solid", "dashed", "dotted", "dashed", "dashed")
    items = "".join(
        f'<span><i style="border-top:3px {kinds[line.look]} {COLOURS[line.look]}"></i>{escape(line.name)}</span>'
        for line in lines
    )
    return f'<div class="cl-lines">{items}</div>'
