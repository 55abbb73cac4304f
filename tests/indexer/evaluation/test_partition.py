from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

from engine.errors import ModelMismatch, QueryError
from indexer.evaluation import (
    LEAVE_OUT,
    Cohort,
    asking,
    cross_validation,
    evaluate,
    evaluate_folds,
    leave_out,
    load_schema,
)


def turned(cohort: Cohort, seed: int) -> Cohort:
    """The same films under another encoder: vectors of six numbers that no other fold knows."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(6, 4)))
    return replace(cohort, vectors=cohort.vectors @ axes.T)


def test_every_film_asks_once_and_only_other_folds(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(1, n=60, patients=24)
    parts = cross_validation(cohort, 4, seed=2)
    assert sorted(np.concatenate([part.queries for part in parts]).tolist()) == list(range(60))
    for part in parts:
        assert sorted([*part.queries, *part.archive]) == list(range(60))
        assert not set(cohort.group[part.queries]) & set(cohort.group[part.archive])


def test_pooled_figures_are_those_of_each_folds_own_evaluation(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(3, n=90, patients=40)
    parts = cross_validation(cohort, 3)
    found = evaluate_folds([part.of(cohort) for part in parts], resamples=0)
    alone = [evaluate(*part.of(cohort), resamples=0) for part in parts]
    films = [one.groups["all"]["n_films"] for one in alone]
    for measure in ("precision", "hit", "vote_accuracy"):
        for k, estimate in found.groups["all"][measure].items():
            each = [one.groups["all"][measure][k]["value"] for one in alone]
            assert estimate["value"] == pytest.approx(np.average(each, weights=films))
    for name in ("film", "predicted", "neighbour", "entity", "neighbour_entity", "similarity"):
        expected = np.concatenate([getattr(one.films, name) for one in alone])
        np.testing.assert_array_equal(getattr(found.films, name), expected)
    assert found.films.fold.tolist() == np.repeat(np.arange(3), films).tolist()
    assert found.manifest["n_archive_films"] == sum(films)
    assert [fold["n_films"] for fold in found.manifest["folds"]] == films


def test_each_fold_may_have_its_own_encoder(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(4, n=60, patients=30)
    folds = [part.of(cohort) for part in cross_validation(cohort, 3)]
    other = [(turned(archive, n), turned(queries, n)) for n, (archive, queries) in enumerate(folds)]
    one, two = evaluate_folds(folds, resamples=0), evaluate_folds(other, resamples=0)
    assert two.groups["all"]["map"]["value"] == pytest.approx(one.groups["all"]["map"]["value"], abs=0.1)
    mixed = [(folds[0][0], other[0][1]), *folds[1:]]
    with pytest.raises(ModelMismatch):
        evaluate_folds(mixed)


def test_one_encoder_of_a_rotation_gives_the_same_neighbours(make_cohort: Callable[..., Cohort]) -> None:
    vectors = np.random.default_rng(0).normal(size=(60, 4))  # without ties, which rounding would break
    cohort = make_cohort(4, n=60, patients=30, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    folds = [part.of(cohort) for part in cross_validation(cohort, 3)]
    other = [(turned(archive, n), turned(queries, n)) for n, (archive, queries) in enumerate(folds)]
    one, two = evaluate_folds(folds, resamples=0).films, evaluate_folds(other, resamples=0).films
    np.testing.assert_array_equal(one.neighbour, two.neighbour)


def test_a_centre_asks_all_others_and_unknown_ones_stay_out(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(5, n=90, patients=40)
    parts = leave_out(cohort, "centre")
    assert [part.name for part in parts] == ["centre=1", "centre=2"]
    for part, own, other in zip(parts, "12", "21", strict=True):
        assert set(cohort.centre[part.queries]) == {own}
        assert (cohort.centre[part.archive] == other).all()
        assert not set(cohort.group[part.queries]) & set(cohort.group[part.archive])
    split = set(cohort.group[cohort.centre == "1"]) & set(cohort.group[cohort.centre == "2"])
    assert split  # groups of both centres, whose films answer nobody
    found = evaluate_folds(
        [part.of(cohort) for part in parts], names=[part.name for part in parts], protocol=LEAVE_OUT, resamples=5
    ).to_dict()
    jsonschema.validate(found, load_schema())
    assert [fold["name"] for fold in found["manifest"]["folds"]] == ["centre=1", "centre=2"]


def test_nothing_can_be_left_out_of_one_value(make_cohort: Callable[..., Cohort]) -> None:
    with pytest.raises(QueryError, match="'centre' has one value, '1'"):
        leave_out(make_cohort(0, centre=["1", None, "1"] * 10), "centre")
    with pytest.raises(QueryError, match="'centre' has no value"):
        leave_out(make_cohort(0, centre=[None] * 30), "centre")
    with pytest.raises(QueryError, match="no column 'hospital'"):
        leave_out(make_cohort(0), "hospital")


def test_some_films_ask_the_folds_archives(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(6, n=60, patients=30)
    parts = cross_validation(cohort, 3)
    wanted = cohort.film[parts[0].queries[:2]]
    [part] = asking(parts, cohort, wanted)
    assert sorted(cohort.film[part.queries]) == sorted(wanted)
    assert len(part.archive) == len(parts[0].archive)
    with pytest.raises(QueryError, match="no film of the folds"):
        asking(parts, cohort, np.array([-5]))


def test_folds_that_share_what_they_must_not_are_refused(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(7, n=60, patients=30)
    folds: list[Any] = [part.of(cohort) for part in cross_validation(cohort, 3)]
    with pytest.raises(QueryError, match="Fold 1 has a split group among its queries and in its archive"):
        evaluate_folds([(cohort, folds[0][1])])
    with pytest.raises(QueryError, match="A film of fold 2 asks twice"):
        evaluate_folds([folds[0], folds[0]])
    with pytest.raises(QueryError, match="1 names were given for 3 folds"):
        evaluate_folds(folds, names=["a"])
    with pytest.raises(QueryError, match="0 names were given for 0 folds"):
        evaluate_folds([])
    with pytest.raises(QueryError, match="Folds are no 'tea leaves'"):
        evaluate_folds(folds, protocol="tea leaves")


def test_films_of_several_sites_count_under_each(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort(8, n=60, patients=30)
    groups = evaluate(cohort, None, by=["site", "centre"], resamples=0).groups
    labelled = cohort.take(cohort.entity != None)  # noqa: E711 - elementwise
    for site in ("tibia", "fibula", "femur"):
        expected = sum(site in (value or "").split(";") for value in labelled.site)
        assert groups[f"site={site}"]["n_films"] == expected
    assert groups["site=unknown"]["n_films"] == sum(value is None for value in labelled.site)
    assert "centre=1" in groups
    assert "site=tibia;fibula" not in groups
