"""Evaluations as tables to read."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

MEASURES = {
    "precision": "precision",
    "hit": "hit",
    "vote_accuracy": "vote accuracy",
    "macro_recall": "macro recall",
}
BASELINES = {"metadata": "age, sex, site only", "shortcut": "what is missing only", "majority": "most common entity"}
_MODEL = "images"


def load_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of Evaluation.to_dict()."""
    schema: dict[str, Any] = json.loads(files("indexer.evaluation").joinpath("schema.json").read_text("utf-8"))
    return schema


def rows(evaluation: Mapping[str, Any], group: str = "all") -> list[list[str]]:
    """Header and rows of one group: measure, what neighbours were chosen by, a column per k, and one for any k.

    Per cent, with the 95 % interval in brackets; "" where a measure has no such figure. evaluation: of to_dict().
    """
    figures = evaluation["groups"][group]
    ks = list(figures["precision"])
    sources = {_MODEL: figures, **{BASELINES[name]: given for name, given in figures["baselines"].items()}}
    table = [["measure", "neighbours by", *(f"k = {k}" for k in ks), "any k"]]
    for measure, title in {**MEASURES, "map": "mAP"}.items():
        for source, given in _ordered(sources):
            if measure in given:
                table.append([title, source, *_cells(given[measure], ks)])
    return table


def entity_rows(evaluation: Mapping[str, Any], group: str = "all") -> list[list[str]]:
    """Header and rows of recall by entity, in per cent, the most frequent first."""
    entities = evaluation["groups"][group]["per_entity"]
    ks = list(evaluation["groups"][group]["precision"])
    table = [["entity", "films", "patients", *(f"recall, k = {k}" for k in ks)]]
    for name, given in sorted(entities.items(), key=lambda item: (-item[1]["n_films"], item[0])):
        recall = [f"{100 * given['recall'][k]:.1f}" for k in ks]
        table.append([name, str(given["n_films"]), str(given["n_patients"]), *recall])
    return table


def markdown(evaluation: Mapping[str, Any]) -> str:
    """Every group's figures beside their baselines, then recall by entity, as Markdown."""
    manifest = evaluation["manifest"]
    how = (
        f"Protocol: {manifest['protocol']}, archive of {manifest['n_archive_films']} films of "
        f"{manifest['n_archive_patients']} patients. Per cent; in brackets the {manifest['intervals']}. "
        f"Vote: one patient, one vote; {manifest['vote']}."
    )
    parts = [how]
    for name, figures in evaluation["groups"].items():
        counts = f"{figures['n_films']} films, {figures['n_patients']} patients, {figures['n_groups']} split groups"
        parts += [f"### {name} ({counts})", pipes(rows(evaluation, name)), pipes(entity_rows(evaluation, name))]
    return "\n\n".join(parts) + "\n"


def _ordered(sources: Mapping[str, Any]) -> list[tuple[str, Any]]:
    order = [_MODEL, *BASELINES.values()]
    return sorted(sources.items(), key=lambda item: order.index(item[0]))


def _cells(given: Mapping[str, Any], ks: Sequence[str]) -> list[str]:
    if "value" in given:
        return ["" for _ in ks] + [percent(given)]
    return [percent(given[k]) for k in ks] + [""]


def percent(estimate: Mapping[str, float | None]) -> str:
    """An estimate in per cent with its interval, where it has one; "" where there is none."""
    value, low, high = estimate["value"], estimate["low"], estimate["high"]
    if value is None:
        return ""
    if low is None or high is None:
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def pipes(table: list[list[str]]) -> str:
    """A header and rows as a Markdown table."""
    header, *body = ([cell.replace("|", "\\|") for cell in row] for row in table)
    lines = [header, ["---" for _ in header], *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
