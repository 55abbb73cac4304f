from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from indexer.evaluation import Cohort, entity_rows, evaluate, markdown, rows


@pytest.fixture
def found(make_cohort: Callable[..., Cohort]) -> dict[str, Any]:
    return evaluate(make_cohort(0, n=60, patients=30), None, ks=(1, 5), by="centre", resamples=30).to_dict()


def test_rows_hold_each_measure_beside_its_baselines(found: dict[str, Any]) -> None:
    header, *body = rows(found)
    assert header == ["measure", "neighbours by", "k = 1", "k = 5", "any k"]
    assert all(len(row) == len(header) for row in body)
    assert [row[1] for row in body if row[0] == "vote accuracy"] == [
        "images", "age, sex, site only", "what is missing only", "most common entity",
    ]  # fmt: skip
    assert [row[1] for row in body if row[0] == "hit"] == ["images", "age, sex, site only", "what is missing only"]


def test_cells_are_the_figures_in_per_cent(found: dict[str, Any]) -> None:
    given = found["groups"]["centre=2"]["precision"]["5"]
    [row] = [row for row in rows(found, "centre=2") if row[:2] == ["precision", "images"]]
    assert row[3] == f"{100 * given['value']:.1f} ({100 * given['low']:.1f}–{100 * given['high']:.1f})"
    assert row[4] == ""
    [row] = [row for row in rows(found) if row[:2] == ["mAP", "images"]]
    assert row[2:4] == ["", ""]
    assert row[4].startswith(f"{100 * found['groups']['all']['map']['value']:.1f} (")


def test_no_interval_leaves_the_figure_alone(make_cohort: Callable[..., Cohort]) -> None:
    found = evaluate(make_cohort(0), None, ks=(1,), resamples=0).to_dict()
    assert "(" not in rows(found)[1][2]


def test_entities_come_with_their_numbers_most_frequent_first(found: dict[str, Any]) -> None:
    header, *body = entity_rows(found)
    assert header == ["entity", "films", "patients", "recall, k = 1", "recall, k = 5"]
    films = [int(row[1]) for row in body]
    assert films == sorted(films, reverse=True)
    assert sum(films) == found["groups"]["all"]["n_films"]


def test_markdown_is_whole_tables_for_every_group(make_cohort: Callable[..., Cohort]) -> None:
    entity = np.array(["a|b", "c"] * 15, dtype=object)
    found = evaluate(make_cohort(0, entity=entity), None, by="sex", resamples=5).to_dict()
    text = markdown(found)
    for name, figures in found["groups"].items():
        assert f"### {name} ({figures['n_films']} films, {figures['n_patients']} patients" in text
    assert "a\\|b" in text
    for table in text.split("\n\n"):
        lines = [line.replace("\\|", "") for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
