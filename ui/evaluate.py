"""The evaluation page: results of stored runs, one by one or two side by side."""

from collections.abc import Mapping

import streamlit as st

from api.schemas import RunFacts, StoredRun, TwoRuns
from ui import backend, evaluate_tables, evaluate_votes
from ui.archive_card import moment
from ui.parts import heading, note, trouble
from ui.plots import Axes, Line, Point, draw, legend, plot
from ui.runs import ALL, ANY, MEASURES, Estimate, Evaluation, at, at_k, by_k, cell, columns, estimate, floors, ks
from ui.session import Session
from ui.tables import table
from ui.wording import joined, unknown
from ui.words import counted, say, term

FLOORS = ("metadata", "shortcut", "majority", "untrained")
"""In the order of their looks, after those of two runs."""


def screen(session: Session) -> None:
    """The runs that were chosen."""
    heading(say("evaluate.title"), say("evaluate.lead"))
    try:
        runs = backend.client().runs().runs
        if not runs:
            note(say("evaluate.none"), "caution")
            return
        one, other = _choice([run.run for run in runs])
        two = None if other is None else backend.client().two_runs(one, other)
        stored = [backend.client().run(one)] if two is None else [two.first, two.second]
    except backend.Trouble as error:
        trouble(error)
        st.button(say("word.retry"), key="retry")
        return
    st.html(about([run.facts for run in stored]))
    if two is not None and not two.same_films:
        note(say("evaluate.unlike"), "caution")
    note(say("evaluate.notice"))
    group = _group(stored)
    _show(stored, two, group)


def _choice(names: list[str]) -> tuple[str, str | None]:
    left, right = st.columns(2, gap="medium")
    one = left.selectbox(say("evaluate.run"), names, key="run", persist_state="session") or names[0]
    others = [name for name in names if name != one]
    other = right.selectbox(
        say("evaluate.beside"), others, None, key="beside", placeholder=say("evaluate.alone"), persist_state="session"
    )
    return one, other if other in others else None


def about(runs: list[RunFacts]) -> str:
    """What was run, a column for each run, as HTML."""
    told = {
        "model": [run.model or unknown() for run in runs],
        "archive": [run.archive or unknown() for run in runs],
        "protocol": [term("protocol", run.protocol) if run.protocol else unknown() for run in runs],
        "films": [joined([counted("film", run.films), counted("patient_asked", run.patients)]) for run in runs],
        "written": [moment(run.written) for run in runs],
    }
    if any(run.synthetic for run in runs):
        told["data"] = [say("evaluate.synthetic") if run.synthetic else say("evaluate.real") for run in runs]
    rows = [[say(f"evaluate.{name}"), *values] for name, values in told.items()]
    return table(say("evaluate.about"), ["", *(run.run for run in runs)], rows, words=1 + len(runs))


def _group(stored: list[StoredRun]) -> str:
    shared = [name for name in (ALL, *stored[0].facts.groups) if all(name in (ALL, *r.facts.groups) for r in stored)]
    if len(shared) < 2:
        return ALL
    chosen = st.selectbox(say("evaluate.group"), shared, format_func=group_name, key="group", persist_state="session")
    return chosen if chosen in shared else ALL


def group_name(group: str) -> str:
    """A group of films in words: all films, or centre = 1."""
    if group == ALL:
        return say("evaluate.all")
    column, _, value = group.partition("=")
    return f"{term('column', column)} = {term(column, value)}"


def _show(stored: list[StoredRun], two: TwoRuns | None, group: str) -> None:
    named = {run.facts.run: run.evaluation for run in stored}
    _curves(named, group)
    if two is not None:
        evaluate_tables.differences(two, group)
    evaluate_tables.paired(named, group)
    evaluate_votes.reliability(named)
    evaluate_votes.risk_coverage(named)
    evaluate_votes.confidence(named, group)
    evaluate_votes.confusion(named, group)
    evaluate_votes.malignancy(named, group)
    evaluate_tables.entities(named, group)
    for column in dict.fromkeys(["centre", *(name for run in named.values() for name in columns(run))]):
        evaluate_tables.groups(named, column)


def _curves(named: Mapping[str, Evaluation], group: str) -> None:
    heading(say("evaluate.curves"), say("evaluate.curves_are"), level=2)
    sources = [(name, look, at(run, "groups", group), run) for look, (name, run) in enumerate(named.items())]
    first = next(iter(named.values()))
    of = "" if len(named) < 2 else f" ({next(iter(named))})"
    sources += [
        (say(f"evaluate.{kind}") + of, 2 + FLOORS.index(kind), figures, first)
        for kind, figures in floors(first, group).items()
    ]
    st.html(legend([Line(name, look, ()) for name, look, _, _ in sources]))
    grid = [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]
    for place, measure in zip(grid, MEASURES, strict=True):
        lines = [
            Line(name, look, points)
            for name, look, figures, run in sources
            if (points := _points(by_k(figures, measure, ks(run, group)), intervals=look < 2))
        ]
        with place:
            _curve(measure, lines)
    known = [*sorted({k for run in named.values() for k in ks(run, group)}, key=int), ANY]
    rows = [
        [say(f"measure.{measure}"), name, *(cell(found[k]) if k in found else "" for k in known)]
        for measure in (*MEASURES, "map")
        for name, _, figures, _ in sources
        if (found := by_k(figures, measure, [ANY] if estimate(at(figures, measure)) else known))
    ]
    header = [say("evaluate.measure"), say("evaluate.by"), *(at_k(k) for k in known)]
    if rows:
        st.html(table(say("evaluate.curves"), header, rows, words=2))


def _points(found: dict[str, Estimate], *, intervals: bool) -> tuple[Point, ...]:
    return tuple(
        Point(
            int(k),
            100 * one.value,
            None if one.low is None or not intervals else 100 * one.low,
            None if one.high is None or not intervals else 100 * one.high,
            say("evaluate.told", k=k, figure=cell(one)),
        )
        for k, one in found.items()
    )


def _curve(measure: str, lines: list[Line]) -> None:
    title = say(f"measure.{measure}")
    if not lines:
        note(say("evaluate.missing", what=title))
        return
    ticks = sorted({point.x for line in lines for point in line.points})
    told = "; ".join(f"{line.name}: {joined([point.told for point in line.points])}" for line in lines)
    axes = Axes(say("evaluate.neighbours"), "%", (ticks[0] - 0.5, ticks[-1] + 0.5), ticks)
    draw(plot(title, lines, axes, f"{title}. {told}"), key=f"curve-{measure}")
    note(say(f"measure_is.{measure}"))
