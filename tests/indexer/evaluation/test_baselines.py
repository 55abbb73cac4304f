import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.evaluation import Cohort, evaluate
from indexer.evaluation.trial import most_common


def test_majority_goes_by_patients_not_films(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(0, n=5, patient=["a", "a", "a", "b", "c"], entity=["x", "x", "x", "y", "y"])
    assert most_common(archive) == "y"
    queries = make_cohort(1, n=4, patient=list("defg"), group=list("defg"), entity=["y", "x", "x", "z"])
    majority = evaluate(archive, queries, resamples=0).groups["all"]["baselines"]["majority"]
    assert majority["entity"] == "y"
    assert majority["vote_accuracy"]["value"] == 0.25
    assert majority["macro_recall"]["value"] == pytest.approx(1 / 3)


def test_majority_of_equals_is_the_first_by_name(make_cohort: Callable[..., Cohort]) -> None:
    assert most_common(make_cohort(0, n=2, patient=["a", "b"], entity=["y", "x"])) == "x"


def told_by(make_cohort: Callable[..., Cohort], n: int = 200, **columns: object) -> Any:
    """Vectors say nothing; what `columns` say may tell entity x (even rows) from y."""
    patient = np.array([f"p{i}" for i in range(n)], dtype=object)
    plainly = {
        "age": [30] * n,
        "sex": ["F"] * n,
        "site": ["tibia"] * n,
        "centre": ["1"] * n,
        "view": ["frontal"] * n,
        "region": ["mask"] * n,
    }
    vectors = np.random.default_rng(0).normal(size=(n, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    given = {
        **plainly,
        **columns,
        "vectors": vectors,
        "patient": patient,
        "group": patient,
        "entity": ["x", "y"] * (n // 2),
    }
    return evaluate(make_cohort(0, n=n, **given), None, resamples=0).groups["all"]["baselines"]


@pytest.mark.parametrize(
    "column", [{"age": [10, 40] * 100}, {"sex": ["F", "M"] * 100}, {"site": ["tibia", "femur"] * 100}]
)
def test_metadata_finds_what_age_sex_or_site_tell_alone(
    make_cohort: Callable[..., Cohort], column: dict[str, Any]
) -> None:
    found = told_by(make_cohort, **column)
    assert found["metadata"]["vote_accuracy"]["7"]["value"] == 1
    assert "shortcut" not in found


@pytest.mark.parametrize(
    "column", [{"region": ["mask", "whole"] * 100}, {"view": ["frontal", None] * 100}, {"centre": [None, "1"] * 100}]
)
def test_shortcut_finds_what_presence_tells_and_metadata_does_not(
    make_cohort: Callable[..., Cohort], column: dict[str, Any]
) -> None:
    found = told_by(make_cohort, **column)
    assert found["shortcut"]["map"]["value"] == 1
    assert found["metadata"]["vote_accuracy"]["1"]["value"] == pytest.approx(0.5, abs=0.07)


def test_baselines_that_say_nothing_score_chance_at_any_k(make_cohort: Callable[..., Cohort]) -> None:
    found = told_by(make_cohort, n=1000, age=[np.nan] + [30] * 999)
    for name in ("metadata", "shortcut"):
        assert found[name]["precision"]["3"]["value"] == pytest.approx(0.5, abs=0.04)


def test_metadata_on_real_records_tells_much_and_is_what_images_must_beat(real_data: Callable[[str], Path]) -> None:
    with (real_data("btxrd") / "cases.csv").open(encoding="utf-8", newline="") as lines:
        cases = [case for case in csv.DictReader(lines) if case["entity"] != "no tumour"]
    text = {name: np.array([case[name] for case in cases], dtype=object) for name in cases[0]}
    archive = Cohort(
        vectors=np.ones((len(cases), 1), dtype=np.float32), film=np.arange(len(cases)), patient=text["patient_id"],
        group=text["split_group"], entity=text["entity"], age=text["age"].astype(float), sex=text["sex"],
        site=text["site"], centre=text["centre"], view=text["view"],
        region=np.array(["mask"] * len(cases), dtype=object),
    )  # fmt: skip
    figures = evaluate(archive, None, resamples=100).groups["all"]
    assert (figures["n_films"], figures["n_patients"], figures["n_groups"]) == (1334, 786, 620)
    found, majority = figures["baselines"]["metadata"], figures["baselines"]["majority"]
    assert "shortcut" not in figures["baselines"]
    assert 0.44 < found["precision"]["1"]["value"] < 0.56
    assert 0.25 < found["macro_recall"]["5"]["value"] < 0.42
    assert found["vote_accuracy"]["5"]["value"] > majority["vote_accuracy"]["value"] + 0.03
    assert majority["entity"] == "osteochondroma"
