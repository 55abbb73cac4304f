"""The rows themselves, at a size of seconds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import TrainingError
from engine.training.films import TrainingFilm, TrainingSet
from engine.training.recipe import Recipe
from indexer.reproduce.neighbours import Search, Votes
from indexer.reproduce.r1 import COMMONEST, TREES, UNTRAINED, Model, floors, measure, way
from indexer.reproduce.r1_tables import differ, entity_table, hash_note, main_table, significance_table
from indexer.reproduce.r2 import FLOOR, cross_validate, r2_table
from indexer.reproduce.r7 import ENSEMBLE, FUSED, IMAGE, METADATA, compare, r7_tables
from indexer.reproduce.report import Table
from indexer.reproduce.splits import Split, folds, shuffles

Drawn = Callable[..., TrainingSet]
Tiny = Callable[..., Recipe]
MISSING = {"name": "resnet10t", "start": "no-such-weights.safetensors"}


def row(table: Table, name: str, after: str) -> tuple[str, ...]:
    """The row of a name under a heading."""
    start = next(place for place, cells in enumerate(table.rows) if len(cells) == 1 and cells[0].startswith(after))
    return next(cells for cells in table.rows[start + 1 :] if cells[0] == name)


def models(films: TrainingSet, *recipes: Recipe) -> list[Model]:
    return [Model(recipe.name, recipe, films) for recipe in recipes]


def test_r1_measures_every_way_beside_its_floors(drawn: Drawn, tiny: Tiny) -> None:
    films = drawn(90)
    one, gone = models(films, tiny(), tiny(name="gone", backbone=MISSING))
    said: list[str] = []
    found = measure(one, [one, gone], shuffles(films, 3, 0), 0, bits=128, say=said.append)
    assert len(said) == 3
    assert set(found.failed) == {"gone"}
    paper = way(Votes.films, Search.hash)
    assert [len(each) for each in found.votes.values()] == [3] * 8
    # what an entity looks like shows: any of these must beat chance by far, and the commonest entity is chance
    for who in (paper, way(Votes.patients, Search.exact), f"{UNTRAINED}, {Votes.patients}"):
        assert found.vote(who, "accuracy")[1].mean > 0.6
    assert found.classifier(COMMONEST)["accuracy"].mean < 0.45
    for measure_name in ("precision", "accuracy", "hit", "macro_recall"):
        first = found.vote(paper, measure_name)[0]
        assert first.values == found.vote(paper, "precision")[0].values or measure_name == "macro_recall"
    hits = [spread.mean for spread in found.vote(paper, "hit")]
    assert hits == sorted(hits)
    assert 0 < found.kept[0] <= 1
    recalls = found.recalls(paper, 3)
    assert sum(n for n, _ in recalls.values()) == sum(len(each) for each in found.truth)
    assert all(data.startswith(b"\x89PNG") for data in found.pictures.values())
    assert len(found.pictures) == 3


def test_r1_tables_hold_what_was_measured(drawn: Drawn, tiny: Tiny) -> None:
    films = drawn(60)
    one, gone = models(films, tiny(epochs=1), tiny(name="gone", backbone=MISSING))
    found = measure(one, [one, gone], shuffles(films, 3, 0), 0, ks=(1, 3))
    table = main_table(found, ["tiny", "gone"])
    assert table.header[1:3] == ("k = 1", "k = 3")
    for measure_name, heading in (
        ("precision", "precision-at-k"),
        ("accuracy", "accuracy"),
        ("macro_recall", "macro r"),
    ):
        cells = row(table, "patient votes, exact", heading)
        assert cells[1:3] == tuple(str(one) for one in found.vote("patient votes, exact", measure_name))
    assert row(table, "film votes, hash", "accuracy")[-1].endswith("*")
    assert row(table, "film votes, exact", "accuracy")[-1] == ""
    assert row(table, "gone", "accuracy")[3] == "not run"
    assert row(table, TREES, "macro precision")[3] == str(found.classifier(TREES)["macro_precision"])
    assert entity_table(found).rows[0][:2] == ("bright", str(found.recalls("film votes, hash", 3)["bright"][0]))
    assert f"{100 * np.mean(found.kept):.0f} %" in hash_note(found, 256)
    assert differ(found, ["tiny", "gone"], Votes.films) == {}  # a model that was not run cannot be tested
    results = differ(found, ["tiny", TREES], Votes.films)
    assert set(results) == {"accuracy", "macro_precision", "macro_recall"}
    assert {"ANOVA: all means are one"} <= {cells[0] for cells in significance_table(results, Votes.films).rows}
    pair = results["accuracy"].pairs
    if pair:
        means = found.vote("film votes, hash", "accuracy")[1].mean, found.classifier("tiny")["accuracy"].mean
        assert pair[0].difference == pytest.approx(means[0] - means[1])


def test_floors_learn_from_training_films_alone(drawn: Drawn) -> None:
    films = drawn(60)
    ages = {"bright": 10.0, "dark": 40.0, "rings": 70.0}
    told = replace(films, films=tuple(replace(film, age=ages[str(film.entity)]) for film in films.films))
    rows = np.arange(60)
    answered = floors(told.take(rows[:40]), told.take(rows[40:]), 0)
    assert (answered[TREES] == told.take(rows[40:]).column("entity")).all()
    assert set(answered[COMMONEST]) == {"bright"}  # 14 of the first 40 films


def test_r2_scores_training_and_test_films_of_each_fold(drawn: Drawn, tiny: Tiny) -> None:
    films = drawn(60)
    one, gone = models(films, tiny(epochs=4), tiny(name="gone", backbone=MISSING))
    found = cross_validate([one, gone], folds(films, 2, 0), 0)
    assert set(found.failed) == {"gone"}
    assert len(found.asked["tiny"]) == len(found.taught["tiny"]) == len(found.asked[FLOOR]) == 2
    assert "gone" not in found.asked
    table = r2_table(found, ["tiny", "gone"])
    assert row(table, "gone", "accuracy")[1:3] == ("not run", "not run")
    assert row(table, COMMONEST, "accuracy")[1] == ""
    assert found.to_dict()["not_run"].keys() == {"gone"}
    assert found.to_dict()["test"]["tiny"]["accuracy"]["values"] == [one.accuracy for one in found.asked["tiny"]]


@pytest.fixture(scope="module")
def fused(tiny: Tiny) -> Recipe:
    return tiny(name="fused", metadata="fused", folds=5, epochs=2, early_stopping=1)


def told_by_sex(films: Sequence[TrainingFilm]) -> tuple[TrainingFilm, ...]:
    sexes = {"bright": "F", "dark": "M", "rings": None}
    return tuple(replace(film, sex=sexes[str(film.entity)], age=None) for film in films)


def test_r7_compares_all_models_on_patients_that_none_saw(drawn: Drawn, fused: Recipe) -> None:
    films = drawn(70)
    films = replace(films, films=told_by_sex(films.films))
    split: Split = shuffles(films, 1, 0)[0]
    found = compare(films, fused, split, 0)
    assert [len(found.answered[name]) for name in (METADATA, IMAGE, FUSED, ENSEMBLE)] == [1, 5, 5, 1]
    assert (found.answered[METADATA][0] == found.truth).all()
    assert found.confusion.sum() == len(split.asked)
    right = (found.answered[ENSEMBLE][0] == found.truth).sum()
    assert found.confusion.trace() == right
    low, high = found.interval(ENSEMBLE)
    assert low is not None and high is not None and low <= right / len(split.asked) <= high
    for name in ("network", "trees"):
        assert next(iter(found.shap_by_fact[name])) == "sex"  # the only fact that tells
        assert found.shap_by_fact[name]["position"] == 0
    accuracy, matrix, shap = r7_tables(found)
    assert accuracy.rows[0][0] == METADATA
    assert accuracy.rows[0][1].startswith("100.0")
    assert [sum(map(int, cells[1:])) for cells in matrix.rows] == [
        int((found.truth == name).sum()) for name in found.entities
    ]
    assert [cells[0] for cells in shap.rows[:2]] == ["whole facts", "sex"]


def test_r7_wants_a_recipe_that_joins_metadata(drawn: Drawn, tiny: Tiny) -> None:
    films = drawn(40)
    with pytest.raises(TrainingError, match="joins no metadata"):
        compare(films, tiny(), shuffles(films, 1, 0)[0], 0)
