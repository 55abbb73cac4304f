"""Evaluations as tables to read."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from indexer.evaluation.cells import percent, pipes
from indexer.evaluation.vote_tables import (
    BALLOTS,
    confidence_rows,
    coverage_rows,
    fold_rows,
    label_rows,
    malignancy_rows,
    merged_labels,
    paired_rows,
    reliability_rows,
    set_rows,
    value_rows,
)

MEASURES = {
    "precision": "precision",
    "hit": "hit",
    "vote_accuracy": "vote accuracy",
    "macro_recall": "macro recall",
}
BASELINES = {"metadata": "age, sex, site only", "shortcut": "what is missing only", "majority": "most common entity"}
MOST_SECTIONS = 4
"""Values of a column up to which each is shown in full."""
_MODEL = "images"
__all__ = [
    "BASELINES", "MEASURES", "against", "entity_rows", "load_schema", "long_columns", "markdown", "percent", "pipes",
    "rows", "sections",
]  # fmt: skip


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
    """Every group's figures beside their baselines, what its votes are worth and recall by entity, as Markdown.

    A column of more than MOST_SECTIONS values is one table instead, with a line for each value.
    """
    manifest = evaluation["manifest"]
    how = (
        f"Protocol: {manifest['protocol']}, archive of {manifest['n_archive_films']} films of "
        f"{manifest['n_archive_patients']} patients. Per cent; in brackets the {manifest['intervals']}. "
        f"Vote: one patient, one vote; {manifest['vote']}."
    )
    parts = [how, merged_labels(evaluation), _piped(fold_rows(evaluation))]
    for name in sections(evaluation):
        figures = evaluation["groups"][name]
        counts = f"{figures['n_films']} films, {figures['n_patients']} patients, {figures['n_groups']} split groups"
        parts += [f"### {name} ({counts})", pipes(rows(evaluation, name))]
        parts += [_piped(table(evaluation, name)) for table in (label_rows, confidence_rows, set_rows, malignancy_rows)]
        parts += _paired(evaluation, name)
        parts.append(pipes(entity_rows(evaluation, name)))
    parts += [
        text
        for column in long_columns(evaluation)
        for text in (f"### By {column}", pipes(value_rows(evaluation, column)))
    ]
    parts += _details(evaluation)
    return "\n\n".join(part for part in parts if part) + "\n"


def sections(evaluation: Mapping[str, Any]) -> list[str]:
    """The groups that are shown in full: all, and the values of columns that have few."""
    long = tuple(f"{column}=" for column in long_columns(evaluation))
    return [name for name in evaluation["groups"] if not name.startswith(long)] if long else list(evaluation["groups"])


def long_columns(evaluation: Mapping[str, Any]) -> list[str]:
    """The columns reported by that have more than MOST_SECTIONS values."""
    counts = Counter(name.split("=")[0] for name in evaluation["groups"] if name != "all")
    return [column for column, count in counts.items() if count > MOST_SECTIONS]


def against(evaluation: Mapping[str, Any]) -> str:
    """What the paired differences are between, as a sentence."""
    paired = evaluation["paired"]
    other = paired.get("against", {})
    name = f"{other['archive']} by {other['model']}, {other['roi']}" if other else "another run"
    return (
        f"Against {name}, the same {paired['n_films']} films: difference = this - other, 95 % interval over the same "
        "resampled split groups."
    )


def _paired(evaluation: Mapping[str, Any], name: str) -> list[str]:
    table = paired_rows(evaluation, name)
    return [against(evaluation), pipes(table)] if table else []


def _details(evaluation: Mapping[str, Any]) -> list[str]:
    found = []
    for ballot, title in BALLOTS.items():
        for what, table in (("Reliability", reliability_rows), ("Answering the surest only", coverage_rows)):
            if lines := table(evaluation, ballot):
                found += [f"### {what} ({title})", pipes(lines)]
    return found


def _piped(table: list[list[str]]) -> str:
    return pipes(table) if table else ""


def _ordered(sources: Mapping[str, Any]) -> list[tuple[str, Any]]:
    order = [_MODEL, *BASELINES.values()]
    return sorted(sources.items(), key=lambda item: order.index(item[0]))


def _cells(given: Mapping[str, Any], ks: Sequence[str]) -> list[str]:
    if "value" in given:
        return ["" for _ in ks] + [percent(given)]
    return [percent(given[k]) for k in ks] + [""]
