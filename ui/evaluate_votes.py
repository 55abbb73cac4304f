"""What votes are worth: shares against accuracy, answering the surest only, confusion, malignancy, prediction sets."""

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from ui.parts import heading, note
from ui.plots import Axes, Line, Point, draw, legend, plot
from ui.runs import ALL, BALLOTS, PLAIN, Evaluation, at, cell, estimate, figure
from ui.tables import framed, table
from ui.wording import capital, entity_name, joined
from ui.words import counted, say

Named = Mapping[str, Evaluation]
TENS = tuple(range(0, 101, 20))
MOST_SHADE = 0.45
"""Of the confusion matrix: darker, and words could not be read on it."""
FIGURES = ("vote_accuracy", "macro_recall", "ece", "brier", "risk_area")
SETS = ("coverage", "coverage_of_patients", "size", "single")


def missing(what: str, name: str) -> None:
    """Say that a run does not store something, and how a run that does is made."""
    note(say("evaluate.missing_in", what=what, run=name))


def reliability(named: Named) -> None:
    """Is a share of votes a probability? A diagram for each run."""
    heading(capital(say("evaluate.reliability")), say("evaluate.reliability_is"), level=2)
    _diagrams(named, "reliability", ("confidence", "accuracy"), diagonal=True)


def risk_coverage(named: Named) -> None:
    """Accuracy when only the surest are answered; a diagram for each run."""
    heading(capital(say("evaluate.risk_coverage")), say("evaluate.risk_coverage_is"), level=2)
    _diagrams(named, "risk_coverage", ("coverage", "accuracy"), diagonal=False)


def _diagrams(named: Named, kind: str, axes: tuple[str, str], *, diagonal: bool) -> None:
    found = {name: _lines(run, kind, axes) for name, run in named.items()}
    most = max(found.values(), key=len)
    if most:
        st.html(legend(most))
    places = st.columns(2, gap="medium")
    frame = Axes(say(f"evaluate.{kind}_x"), say("evaluate.accuracy"), (0, 100), TENS, diagonal)
    for place, (name, lines) in zip(places, found.items(), strict=False):
        with place:
            if not lines:
                missing(say(f"evaluate.{kind}"), name)
                continue
            told = "; ".join(f"{line.name}: {joined([p.told for p in line.points])}" for line in lines)
            draw(plot(name, lines, frame, f"{say(f'evaluate.{kind}')}, {name}. {told}"), key=f"{kind}-{name}")
    if most:
        with st.expander(say("evaluate.as_table")):
            rows = [
                [name, line.name, point.told]
                for name, lines in found.items()
                for line in lines
                for point in line.points
            ]
            header = [say("evaluate.run"), say("evaluate.ballot"), say("evaluate.figure")]
            st.html(table(say(f"evaluate.{kind}"), header, rows, words=3))


def _lines(run: Evaluation, kind: str, axes: tuple[str, str]) -> list[Line]:
    found = []
    for look, ballot in enumerate(BALLOTS):
        rows = at(run, "groups", ALL, "calibration", ballot, kind)
        points = [_point(row, axes) for row in rows] if isinstance(rows, list) else []
        known = tuple(point for point in points if point is not None)
        if known:
            found.append(Line(say(f"ballot.{ballot}"), look, known))
    return found


def _point(row: Any, axes: tuple[str, str]) -> Point | None:
    x, y = (estimate(at(row, name)) for name in axes)
    films = at(row, "n_films")
    if x is None or y is None:
        return None
    told = say(
        "evaluate.point", x=figure(x.value), y=figure(y.value),
        films=counted("film", films) if isinstance(films, int) else say("word.unknown"),
    )  # fmt: skip
    return Point(100 * x.value, 100 * y.value, None, None, told)


def confidence(named: Named, group: str) -> None:
    """Accuracy, calibration error, Brier score and area, by way of counting; and the prediction sets."""
    heading(capital(say("evaluate.confidence")), say("evaluate.confidence_is"), level=2)
    rows = []
    for name, run in named.items():
        held = at(run, "groups", group, "calibration")
        for ballot in BALLOTS:
            figures = at(held, ballot)
            if figures:
                cells = [cell(estimate(at(figures, each)), each not in PLAIN) for each in FIGURES]
                rows.append([name, say(f"ballot.{ballot}"), *cells])
    header = [say("evaluate.run"), say("evaluate.ballot"), *(say(f"figure.{each}") for each in FIGURES)]
    if rows:
        st.html(table(say("evaluate.confidence"), header, rows, words=2))
    for name, run in named.items():
        if not at(run, "groups", group, "calibration"):
            missing(say("evaluate.confidence"), name)
    _sets(named, group)


def _sets(named: Named, group: str) -> None:
    rows = []
    for name, run in named.items():
        held = at(run, "groups", group, "prediction_set")
        if held:
            wanted = estimate(at(held, "wanted"))
            cells = [cell(estimate(at(held, each)), each != "size") for each in SETS]
            rows.append([name, cell(wanted), *cells])
        else:
            missing(say("evaluate.sets"), name)
    if rows:
        header = [say("evaluate.run"), say("figure.wanted"), *(say(f"figure.{each}") for each in SETS)]
        heading(capital(say("evaluate.sets")), level=3)
        st.html(table(say("evaluate.sets"), header, rows))


def confusion(named: Named, group: str) -> None:
    """What films of each entity were voted to be; a table for each run."""
    heading(capital(say("evaluate.confusion")), say("evaluate.confusion_is"), level=2)
    for name, run in named.items():
        held = at(run, "groups", group, "confusion")
        if held is None:
            missing(say("evaluate.confusion"), name)
        else:
            heading(say("evaluate.vote_of", k=at(held, "k"), run=name), level=3)
            st.html(matrix(f"{say('evaluate.confusion')}, {name}", held))


def matrix(name: str, held: Any) -> str:
    """A confusion matrix as an HTML table, each row shaded by its shares. held: as a run stores it."""
    entities = [str(each) for each in at(held, "entities") or []]
    counts = at(held, "counts") or []
    head = "".join(
        f'<th scope="col"><span>{escape(capital(each))}</span></th>'
        for each in [*map(entity_name, entities), say("evaluate.no_vote")]
    )
    body = "".join(
        f'<tr><th scope="row">{escape(capital(entity_name(entity)))}</th>{_shaded(row, place)}</tr>'
        for place, (entity, row) in enumerate(zip(entities, counts, strict=False))
    )
    corner = escape(say("evaluate.corner"))
    return framed(
        name,
        f'<table class="cl-table cl-matrix"><thead><tr><td>{corner}</td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>",
    )


def _shaded(row: list[int], place: int) -> str:
    films = sum(row) or 1
    return "".join(
        f'<td class="cl-number{" cl-right" if column == place else ""}" '
        f'style="background:rgb(143 193 227 / {MOST_SHADE * count / films:.3f})">{count}</td>'
        for column, count in enumerate(row)
    )


def malignancy(named: Named, group: str) -> None:
    """How well the votes tell malignant from benign."""
    heading(capital(say("evaluate.malignancy")), say("evaluate.malignancy_is"), level=2)
    rows = []
    for name, run in named.items():
        held = at(run, "groups", group, "malignancy")
        if not held:
            missing(say("evaluate.malignancy"), name)
            continue
        for k, figures in held.items():
            cells = [cell(estimate(at(figures, "auroc")))]
            for where in ("at_half", "operating_point"):
                cells += [cell(estimate(at(figures, where, rate))) for rate in ("sensitivity", "specificity")]
            of = say("evaluate.malignant_of", malignant=at(figures, "n_malignant"), films=at(figures, "n_films"))
            rows.append([name, say("evaluate.at", k=k), of, *cells])
    header = [say("evaluate.run"), say("evaluate.neighbours"), say("evaluate.malignant_films"), say("figure.auroc")]
    header += [say(f"figure.{where}_{rate}") for where in ("half", "point") for rate in ("sensitivity", "specificity")]
    if rows:
        st.html(table(say("evaluate.malignancy"), header, rows, words=3))
