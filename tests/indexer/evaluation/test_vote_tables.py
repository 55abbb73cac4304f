from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from indexer.evaluation import Cohort, cross_validation, evaluate, evaluate_folds, markdown, merging, paired
from indexer.evaluation.vote_tables import (
    confidence_rows,
    coverage_rows,
    fold_rows,
    label_rows,
    malignancy_rows,
    merged_labels,
    paired_rows,
    reliability_rows,
    value_rows,
)

NEW = ("common", "merged", "calibration", "malignancy")


@pytest.fixture(scope="module")
def found(make_cohort: Callable[..., Cohort]) -> dict[str, Any]:
    kinds = np.array(["malignant", "benign"] * 60, dtype=object)
    cohort = make_cohort(0, n=120, patients=60, extra={"malignancy": kinds})
    folds = [part.of(cohort) for part in cross_validation(cohort, 3)]
    merge = merging(["enchondroma=bone cyst"])
    one, other = (evaluate_folds(folds, ks=(1, 5), by="site", resamples=20, merge=merge) for _ in range(2))
    return {**one.to_dict(), "paired": paired(one, other)}


def test_every_table_is_whole_and_names_its_figures(found: dict[str, Any]) -> None:
    tables = [confidence_rows(found), label_rows(found), malignancy_rows(found), fold_rows(found), paired_rows(found)]
    tables += [reliability_rows(found), coverage_rows(found), value_rows(found, "site")]
    for table in tables:
        assert len(table) > 1
        assert {len(row) for row in table} == {len(table[0])}
        assert all(row[0] for row in table)
    firsts = [row[0] for row in paired_rows(found)]
    assert len(firsts) == len(set(firsts))
    assert "precision, k = 5" in firsts
    assert "weighted by similarity, ECE" in firsts


def test_cells_are_the_figures(found: dict[str, Any]) -> None:
    group = found["groups"]["all"]
    brier = group["calibration"]["votes"]["brier"]
    [row] = [row for row in confidence_rows(found) if row[0].startswith("Brier")]
    assert row[1] == f"{brier['value']:.2f} ({brier['low']:.2f}–{brier['high']:.2f})"
    [row] = [row for row in malignancy_rows(found) if row[0] == "AUROC"]
    assert row[1].startswith(f"{100 * group['malignancy']['1']['auroc']['value']:.1f} (")
    assert sum(int(row[1]) for row in reliability_rows(found)[1:]) == group["n_films"]
    assert sum(int(row[1]) for row in fold_rows(found)[1:]) == group["n_films"]
    assert coverage_rows(found)[-1][:2] == ["100.0", str(group["n_films"])]
    assert [row[0] for row in value_rows(found, "site")] == ["site", "femur", "fibula", "tibia", "unknown"]


def test_a_difference_says_where_its_interval_lies(found: dict[str, Any]) -> None:
    assert {row[4] for row in paired_rows(found)[1:]} == {"holds 0"}
    leaf = {"this": 0.5, "other": 0.4, "value": 0.1, "low": 0.02, "high": 0.2, "above_zero": True}
    worse = {"paired": {"groups": {"all": {"map": leaf, "calibration": {"votes": {"ece": leaf}}}}}}
    one, other = paired_rows(worse)[1:]
    assert one == ["mAP", "50.0", "40.0", "+10.0 (+2.0 to +20.0)", "above 0"]
    assert other[4] == "above 0 (worse)"


def test_only_the_asked_ks_are_compared(found: dict[str, Any]) -> None:
    assert not any("k = 5" in row[0] for row in paired_rows(found, ks=["1"]))


def test_merging_is_said(found: dict[str, Any]) -> None:
    assert merged_labels(found) == "Merged: bone cyst as enchondroma."
    assert merged_labels(found) in markdown(found)


def test_stored_runs_without_these_figures_still_render(make_cohort: Callable[..., Cohort]) -> None:
    old = evaluate(make_cohort(0), None, resamples=5).to_dict()
    for name in NEW:
        old["groups"]["all"].pop(name, None)
    del old["manifest"]["vote_k"]
    text = markdown(old)
    assert text.count("\n\n") == 3
    assert "vote of k" not in text


def test_columns_of_many_values_are_one_table(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(0, n=60, patients=30, site=[f"bone {i % 6}" for i in range(60)])
    text = markdown(evaluate(cohort, None, by=["site", "sex"], resamples=5).to_dict())
    assert "### By site" in text
    assert "### site=bone 1" not in text
    assert "### sex=F" in text


def test_the_confusion_matrix_counts_every_film_once(make_cohort: Callable[..., Cohort]) -> None:
    found = evaluate(make_cohort(0, n=120, patients=60), None, resamples=0, by="site")
    told, films = found.groups["all"]["confusion"], found.films
    predicted = films.predicted[:, list(found.manifest["ks"]).index(found.manifest["vote_k"])]
    slow = {
        (truth, voted): sum(a == truth and b == voted for a, b in zip(films.entity, predicted, strict=True))
        for truth in told["entities"]
        for voted in (*told["entities"], None)
    }
    assert told["k"] == found.manifest["vote_k"]
    assert told["entities"] == sorted(told["entities"])
    for truth, row in zip(told["entities"], told["counts"], strict=True):
        assert row == [slow[truth, voted] for voted in (*told["entities"], None)]
    for name, group in found.groups.items():
        assert sum(map(sum, group["confusion"]["counts"])) == group["n_films"], name


def test_the_interval_of_an_entitys_recall_holds_it(make_cohort: Callable[..., Cohort]) -> None:
    found = evaluate(make_cohort(0, n=120, patients=60), None, resamples=50).groups["all"]["per_entity"]
    for one in found.values():
        for k, recall in one["recall"].items():
            low, high = one["interval"][k]
            assert 0 <= low <= recall <= high <= 1
