"""Trees on metadata: what they learn, what they answer without it, and figures counted by hand."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import QueryError, TrainingError
from engine.region import Origin
from engine.training.films import TrainingFilm, TrainingSet
from engine.training.tabular import WITHHELD, Trees, reproduce_metadata

CUTS = np.zeros((0, 1, 1), np.uint8)
ENTITIES = ("child", "femoral", "tibial")


def patient(number: int, rng: np.random.Generator) -> TrainingFilm:
    """The young have one entity; among adults the bone decides; sex decides nothing."""
    entity = ENTITIES[number % 3]
    age = rng.uniform(1, 9) if entity == "child" else rng.uniform(21, 80)
    site = str(rng.choice(["femur", "tibia"])) if entity == "child" else "femur" if entity == "femoral" else "tibia"
    sex = "F" if rng.random() < 0.5 else "M"
    name = f"{number:03d}"
    return TrainingFilm(CUTS, name, Origin.mask, f"p{name}", f"g{name}", entity, age=age, sex=sex, site=(site,))


def archive(n: int = 90) -> TrainingSet:
    rng = np.random.default_rng(0)
    return TrainingSet(tuple(patient(number, rng) for number in range(n)), (), 0, "made up")


@pytest.fixture(scope="module")
def trees() -> Trees:
    return Trees.fit(archive(), ENTITIES, seed=0)


def test_trees_learn_what_metadata_tell(trees: Trees) -> None:
    asked = [patient(number, np.random.default_rng(1)) for number in range(30)]
    shares = trees.shares(asked)
    assert shares.shape == (30, 3) and shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    assert [ENTITIES[place] for place in shares.argmax(axis=1)] == [film.entity for film in asked]


def test_nothing_is_required_and_new_words_are_no_error(trees: Trees) -> None:
    empty = replace(archive().films[0], age=None, sex=None, site=(), position=None)
    new = replace(empty, site=("tail",), position="tip")
    shares = trees.shares([empty, new])
    np.testing.assert_array_equal(shares[0], shares[1])
    assert shares[0].max() < 0.5  # it does not know


def test_without_an_age_the_site_still_counts_and_nobody_becomes_an_infant(trees: Trees) -> None:
    adults = [film for film in archive().films if film.entity != "child"]
    told = trees.shares([replace(film, age=None) for film in adults])
    assert (told.argmax(axis=1) == [ENTITIES.index(str(film.entity)) for film in adults]).mean() > 0.7


def test_shap_adds_up_to_the_answers(trees: Trees) -> None:
    films = archive().films[:12]
    values = trees.shap(films)
    assert values.shape == (12, 3, trees.metadata.width)
    log_odds = np.log(trees.shares(films))
    ratios = values.sum(axis=2) - log_odds  # less a constant per entity, and one per film that softmax takes away
    ratios -= ratios.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(ratios - ratios.mean(axis=0), 0, atol=1e-3)


def test_entities_missing_from_a_fold_are_still_columns() -> None:
    young = archive().take([0, 1, 3, 4])
    shares = Trees.fit(young, ENTITIES, seed=0).shares(young.films)
    assert shares.shape == (4, 3) and (shares.argmax(axis=1) != 2).all()


# ---- the figures


def test_figures_of_an_easy_archive() -> None:
    figures = reproduce_metadata(archive(), seed=0)
    assert json.loads(json.dumps(figures)) == figures
    assert figures["films"] == figures["patients"] == figures["groups"] == 90
    assert figures["accuracy"]["value"] > 0.95 and figures["majority"]["value"] <= 0.34
    confusion = np.array(figures["confusion"])
    assert confusion.sum() == 90 and confusion.trace() / 90 == pytest.approx(figures["accuracy"]["value"])
    recalls = confusion.diagonal() / confusion.sum(axis=1)
    assert figures["macro_recall"]["value"] == pytest.approx(recalls.mean())
    assert [figures["recall"][entity]["value"] for entity in ENTITIES] == pytest.approx(recalls.tolist())
    for score in ("accuracy", "macro_recall", "majority"):
        assert figures[score]["low"] <= figures[score]["value"] <= figures[score]["high"]


def test_figures_tell_which_fact_counts() -> None:
    figures = reproduce_metadata(archive(), seed=0)
    by_fact = figures["shap_by_fact"]
    assert by_fact["age"] > 10 * by_fact["sex"] and by_fact["site"] > 10 * by_fact["sex"]
    assert by_fact["position"] == 0
    withheld = figures["withheld"]
    assert set(withheld) == set(WITHHELD)
    assert withheld["sex"] == withheld["position"]
    assert withheld["site"]["accuracy"] < 0.8 and withheld["everything"]["accuracy"] < 0.6


def test_figures_are_those_of_chance_where_metadata_say_nothing() -> None:
    rng = np.random.default_rng(3)
    films = archive(120)
    shuffled = [films.films[place].entity for place in rng.permutation(120)]
    mixed = tuple(replace(film, entity=entity) for film, entity in zip(films.films, shuffled, strict=True))
    figures = reproduce_metadata(replace(films, films=mixed), seed=0)
    assert figures["accuracy"]["value"] < 0.5


def test_no_film_is_answered_by_its_own_group() -> None:
    # each group of two has an entity and a site of its own: only a leak could answer
    films = []
    for number in range(40):
        film = patient(number % 3, np.random.default_rng(0))
        group, entity = f"g{number // 2}", ENTITIES[number // 2 % 3]
        films.append(replace(film, age=None, sex=None, site=(group,), group=group, entity=entity, patient=group))
    figures = reproduce_metadata(TrainingSet(tuple(films), (), 0, "telling sites"), seed=0)
    assert figures["accuracy"]["value"] < 0.6


def test_same_seed_same_figures() -> None:
    assert reproduce_metadata(archive(45), seed=4) == reproduce_metadata(archive(45), seed=4)


def test_films_without_an_entity_or_a_tumour_count_for_nothing() -> None:
    films = archive(45)
    more = (replace(films.films[0], entity=None, group="x"), replace(films.films[0], entity="no tumour", group="y"))
    assert reproduce_metadata(replace(films, films=films.films + more), seed=0) == reproduce_metadata(films, seed=0)


def test_too_little_to_learn_from_is_refused() -> None:
    with pytest.raises(TrainingError, match="name 1 entities"):
        reproduce_metadata(archive().take([0, 3, 6, 9, 12]), seed=0)
    with pytest.raises(QueryError, match="ask for fewer folds"):
        reproduce_metadata(archive(3), seed=0)


@pytest.mark.slow
def test_real_films_are_above_the_majority(real_data: Callable[[str], Path]) -> None:
    with (real_data("btxrd") / "cases.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["entity"] != "no tumour"]
    films = tuple(
        TrainingFilm(
            CUTS,
            row["image"],
            Origin.mask,
            row["patient_id"],
            row["split_group"],
            row["entity"],
            age=float(row["age"]) if row["age"] else None,
            sex=row["sex"] or None,
            site=tuple(row["site"].split(";")),
        )
        for row in rows
    )
    figures = reproduce_metadata(TrainingSet(films, (), 0, "btxrd"), seed=0, weighting="none")
    assert figures["accuracy"]["low"] > figures["majority"]["value"]
