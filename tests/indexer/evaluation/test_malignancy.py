from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from indexer.evaluation import Cohort, cross_validation, evaluate, evaluate_folds
from indexer.evaluation.malignancy import (
    crossed_thresholds,
    malignant_share,
    roc_area,
    threshold_folds,
    threshold_for,
)


def drawn(seed: int, q: int = 40) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    positive = rng.random(q) < 0.3
    positive[:2] = [True, False]
    return rng.integers(0, 6, size=q) / 5 + 0.2 * positive, positive


@given(st.integers(0, 500))
def test_roc_area_is_that_of_scikit_learn_under_any_weights(seed: int) -> None:
    score, positive = drawn(seed)
    weights = np.random.default_rng(seed + 1).integers(0, 4, size=(4, 40)).astype(float)
    weights[:, :2] += 1
    expected = [roc_auc_score(positive, score, sample_weight=row) for row in weights]
    assert roc_area(score, positive)(weights) == pytest.approx(expected)


def test_roc_area_of_one_class_is_none() -> None:
    score, positive = drawn(0)
    assert np.isnan(roc_area(score, positive)(positive[None].astype(float))).all()


@given(st.integers(0, 500), st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_threshold_is_the_highest_that_finds_enough(seed: int, wanted: float) -> None:
    score, positive = drawn(seed)
    at = threshold_for(score, positive, wanted)
    assert at is not None
    assert (score[positive] >= at).mean() >= wanted - 1e-12
    assert all((score[positive] >= other).mean() < wanted - 1e-12 for other in score if other > at)
    assert threshold_for(score, np.zeros(40, dtype=bool)) is None


def test_a_fold_has_no_say_in_its_own_threshold() -> None:
    score, positive = drawn(7)
    fold = np.arange(40) % 4
    at = crossed_thresholds(score, positive, fold)
    for number in range(4):
        own = fold == number
        spoilt = np.where(own, 99.0, score)
        assert crossed_thresholds(spoilt, positive, fold)[own].tolist() == at[own].tolist()
        assert set(at[own]) == {threshold_for(score[~own], positive[~own])}
    one_sided = np.where(fold == 0, positive, False)
    assert np.isnan(crossed_thresholds(score, one_sided, fold)[fold == 0]).all()


def test_shares_count_votes_of_known_malignancy_by_weight() -> None:
    malignant = np.array([[1, 0, 1], [1, -1, 0], [-1, -1, -1]])
    found = malignant_share(malignant, np.array([[1.0, 1, 1], [1, 5, 3], [1, 1, 1]]))
    assert found[:2].tolist() == pytest.approx([2 / 3, 0.25])
    assert np.isnan(found[2])


def test_folds_for_thresholds_keep_groups_whole() -> None:
    groups = np.array([f"g{i // 3}" for i in range(30)], dtype=object)
    fold = threshold_folds(groups, np.arange(30) % 2 == 0, 0)
    assert fold is not None
    assert all(len(set(fold[groups == group])) == 1 for group in groups)
    assert threshold_folds(np.array(["a"] * 3, dtype=object), np.array([True, False, True]), 0) is None


def told(make_cohort: Callable[..., Cohort], **changed: Any) -> Cohort:
    """80 patients; half are malignant and look it (first number of the vector), but for every tenth."""
    kind = np.arange(80) % 2
    look = np.where(np.arange(80) % 10 == 0, 1 - kind, kind)
    angle = look * np.pi / 2 + np.random.default_rng(0).normal(0, 0.1, 80)
    names = np.array([f"p{i}" for i in range(80)], dtype=object)
    given = {
        "vectors": np.stack([np.cos(angle), np.sin(angle)], axis=1), "patient": names, "group": names,
        "entity": np.where(kind == 1, "osteosarcoma", "enchondroma").astype(object),
        "extra": {"malignancy": np.where(kind == 1, "malignant", "benign").astype(object)}, "film": np.arange(80),
    }  # fmt: skip
    return make_cohort(0, n=80, **{**given, **changed})


def test_figures_of_an_evaluation_by_hand(make_cohort: Callable[..., Cohort]) -> None:
    cohort = told(make_cohort)
    found = evaluate(cohort, None, ks=(5,), resamples=50)
    figures = found.groups["all"]["malignancy"]["5"]
    assert (figures["n_films"], figures["n_malignant"]) == (80, 40)
    called = []
    for entities, similarity in zip(found.films.neighbour_entity, found.films.similarity, strict=True):
        weight = np.exp((similarity - similarity[0]) / 0.07)
        called.append(weight[entities == "osteosarcoma"].sum() / weight.sum() >= 0.5)
    malignant = cohort.extra["malignancy"] == "malignant"
    assert figures["at_half"]["sensitivity"]["value"] == pytest.approx(np.array(called)[malignant].mean())
    assert figures["at_half"]["specificity"]["value"] == pytest.approx(1 - np.array(called)[~malignant].mean())
    assert 0.7 < figures["auroc"]["low"] < figures["auroc"]["value"] < figures["auroc"]["high"] <= 1
    assert set(found.groups["all"]["malignancy"]) == {"5", "25"}


def test_a_given_threshold_is_used(make_cohort: Callable[..., Cohort]) -> None:
    cohort = told(make_cohort)
    for at, expected in ((0.0, (1, 0)), (1.0, None)):
        point = evaluate(cohort, None, ks=(5,), resamples=0, malignant_at=at).groups["all"]["malignancy"]["5"]
        point = point["operating_point"]
        assert point["thresholds"] == [at]
        if expected:
            assert (point["sensitivity"]["value"], point["specificity"]["value"]) == expected


def test_unseen_queries_are_judged_by_a_threshold_of_the_archives_patients(make_cohort: Callable[..., Cohort]) -> None:
    archive = told(make_cohort)
    names = np.array([f"q{i}" for i in range(80)], dtype=object)
    queries = told(make_cohort, patient=names, group=names, film=100 + np.arange(80))
    point = evaluate(archive, queries, ks=(5,), resamples=0).groups["all"]["malignancy"]["25"]["operating_point"]
    flipped = {"malignancy": queries.extra["malignancy"][::-1]}
    other = evaluate(archive, told(make_cohort, patient=names, group=names, extra=flipped), ks=(5,), resamples=0)
    assert other.groups["all"]["malignancy"]["25"]["operating_point"]["thresholds"] == point["thresholds"]
    assert len(point["thresholds"]) == 1


def test_without_malignancy_or_with_one_kind_there_are_no_figures(make_cohort: Callable[..., Cohort]) -> None:
    assert evaluate(make_cohort(0), None, resamples=0).groups["all"]["malignancy"] is None
    benign = told(make_cohort, extra={"malignancy": ["benign"] * 40 + ["intermediate"] * 40})
    assert evaluate(benign, None, resamples=0).groups["all"]["malignancy"] is None


def test_folds_fix_each_others_thresholds(make_cohort: Callable[..., Cohort]) -> None:
    cohort = told(make_cohort)
    parts = cross_validation(cohort, 4)
    found = evaluate_folds([part.of(cohort) for part in parts], ks=(5,), resamples=0).groups["all"]["malignancy"]["25"]
    assert 1 <= len(found["operating_point"]["thresholds"]) <= 4
    assert found["operating_point"]["sensitivity"]["value"] > 0.75
