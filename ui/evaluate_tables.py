"""Tables of runs: two beside each other, differences, recall by entity, figures by centre."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from api.schemas import TwoRuns
from ui.evaluate_votes import missing
from ui.parts import heading, note
from ui.runs import ALL, ANY, MEASURES, Estimate, Evaluation, at, at_k, cell, columns, difference, estimate, ks, vote_k
from ui.tables import table
from ui.wording import capital, entity_name, joined
from ui.words import say, term, whole

Named = Mapping[str, Evaluation]
LEAF = "above_zero"
SHOWN = (*MEASURES, "map")


def differences(two: TwoRuns, group: str) -> None:
    """Every figure of both runs, and the second minus the first."""
    heading(say("evaluate.differences"), say("evaluate.differences_are"), level=2)
    found = [each for each in two.differences if each.group == group]
    if not found:
        note(say("evaluate.no_differences"))
        return
    known = [*(str(k) for k in sorted({each.k for each in found if each.k})), ANY]
    by_measure: dict[str, dict[str, str]] = {}
    for each in found:
        told = difference(each.difference, each.low, each.high)
        by_measure.setdefault(each.measure, {})[str(each.k) if each.k else ANY] = told
    rows = [
        [say(f"measure.{measure}"), *(by_measure[measure].get(k, "") for k in known)]
        for measure in SHOWN
        if measure in by_measure
    ]
    header = [say("evaluate.measure"), *(at_k(k) for k in known)]
    st.html(table(say("evaluate.differences"), header, rows))
    if all(each.low is None for each in found):
        note(say("evaluate.unpaired"))


def paired(named: Named, group: str) -> None:
    """The paired differences that each run stores, to the run that it was measured against."""
    for name, run in named.items():
        known = [*ks(run, group), ANY]
        rows = _paired_rows(at(run, "paired", "groups", group), known)
        if not rows:
            continue
        against = at(run, "paired", "against") or {}
        told = joined([str(against[each]) for each in ("model", "archive", "roi") if against.get(each)])
        title = say("evaluate.paired", run=name)
        heading(title, say("evaluate.paired_is", other=told or say("word.unknown")), level=2)
        header = [say("evaluate.measure"), "", *(at_k(k) for k in known)]
        st.html(table(title, header, rows, words=2))


def _paired_rows(found: Any, known: Sequence[str]) -> list[list[str]]:
    """Two lines for each measure: the other run's figures, and the differences to them."""
    rows = []
    for measure in SHOWN:
        held = at(found, measure) or {}
        leaves = {ANY: held} if LEAF in held else held
        others = {k: estimate(at(leaves, k, "other")) for k in known}
        between = {k: estimate(at(leaves, k)) for k in known}
        if any(others.values()):
            cells = [cell(others[k]) if others[k] else "" for k in known]
            rows.append([say(f"measure.{measure}"), say("evaluate.other"), *cells])
            gaps = [difference(one.value, one.low, one.high) if (one := between[k]) else "" for k in known]
            rows.append([say(f"measure.{measure}"), say("evaluate.difference"), *gaps])
    return rows


def entities(named: Named, group: str) -> None:
    """Recall of the usual vote by entity, the runs beside each other, the most frequent entity first."""
    heading(capital(say("evaluate.entities")), say("evaluate.entities_are"), level=2)
    held = {name: at(run, "groups", group, "per_entity") or {} for name, run in named.items()}
    for name in (name for name, figures in held.items() if not figures):
        missing(say("evaluate.entities"), name)
    films = {
        entity: (at(figures, entity, "n_films") or 0, at(figures, entity, "n_patients") or 0)
        for figures in reversed(held.values())
        for entity in figures
    }
    if not films:
        return
    rows = [
        [
            capital(entity_name(entity)), whole(films[entity][0]), whole(films[entity][1]),
            *(cell(recall(at(held[name], entity), vote_k(run))) for name, run in named.items()),
        ]
        for entity in sorted(films, key=lambda entity: (-films[entity][0], entity))
    ]  # fmt: skip
    header = [say("evaluate.entity"), say("evaluate.n_films"), say("evaluate.n_patients")]
    header += [say("evaluate.recall_of", run=name, k=vote_k(run)) for name, run in named.items()]
    st.html(table(say("evaluate.entities"), header, rows))
    every = [each for figures in held.values() for each in figures.values()]
    if any(at(each, "interval") is None for each in every):
        note(say("evaluate.no_interval"))


def recall(found: Any, k: str | None) -> Estimate | None:
    """An entity's recall at k with its interval, where the run stores one."""
    one = None if k is None else estimate(at(found, "recall", k))
    between = None if k is None else at(found, "interval", k)
    if one is None or not isinstance(between, list) or len(between) != 2:
        return one
    return estimate({"value": one.value, "low": between[0], "high": between[1]})


def groups(named: Named, column: str) -> None:
    """Figures of each value of a column, such as the centre."""
    title = say("evaluate.groups", column=term("column", column))
    heading(title, level=2)
    rows = []
    for name, run in named.items():
        found = columns(run).get(column, [])
        if not found:
            note(say("evaluate.no_groups", run=name, column=column, name=term("column", column)))
        for group in (ALL, *found) if found else ():
            figures, k = at(run, "groups", group), vote_k(run) or ""
            value = say("evaluate.all") if group == ALL else term(column, group.partition("=")[2])
            counts = [str(at(figures, each)) for each in ("n_films", "n_patients")]
            told = [("precision", "1"), ("vote_accuracy", k), ("macro_recall", k)]
            rows.append([value, name, *counts, *(cell(estimate(at(figures, each, at_k))) for each, at_k in told)])
    if rows:
        header = [capital(term("column", column)), say("evaluate.run")]
        header += [say("evaluate.n_films"), say("evaluate.n_patients")]
        k = vote_k(next(iter(named.values()))) or ""
        shown = (("precision", "1"), ("vote_accuracy", k), ("macro_recall", k))
        header += [joined([say(f"measure.{each}"), say("evaluate.at", k=n)]) for each, n in shown]
        st.html(table(title, header, rows, words=2))
