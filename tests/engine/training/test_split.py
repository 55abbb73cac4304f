"""Splits keep groups whole; retrieval counts one vote per patient."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.errors import TrainingError
from engine.training.films import TrainingSet
from engine.training.recipe import Recipe
from engine.training.retrieval import nearest_patients, retrieval_scores
from engine.training.split import Role, some, split

Films = Callable[..., TrainingSet]
MakeRecipe = Callable[..., Recipe]


@pytest.mark.parametrize("seed", range(4))
def test_no_group_has_two_roles_and_every_film_has_one(seed: int, drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    films = drawn_films(90, 3)
    for changes, roles in (({}, 2), ({"early_stopping": 1}, 3), ({"early_stopping": 1, "folds": 5}, 2)):
        made = split(films, tiny_recipe(**changes), seed)
        groups = {role: set(films.column("group")[made.rows(role)]) for role in Role}
        assert sum(map(len, groups.values())) == 30 == len(set.union(*groups.values()))
        assert sum(bool(group) for group in groups.values()) == roles
        assert len(groups[Role.calibration]) == 6
        assert len(set(films.column("entity")[made.rows(Role.calibration)])) == 3


def test_one_group_cannot_be_split(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(TrainingError, match="1 split group; a fit needs 5"):
        split(drawn_films(12, 12), tiny_recipe(), 0)
    with pytest.raises(TrainingError, match="4 split groups; a fit needs 5"):
        split(drawn_films(8), tiny_recipe(), 0)


def test_fewer_films_are_whole_groups(drawn_films: Films) -> None:
    films = drawn_films(90, 3)
    fewer = some(films, 32, 0)
    assert len(fewer) == 30
    assert all(list(fewer.column("group")).count(group) == 3 for group in set(fewer.column("group")))
    assert some(films, None, 0) is films and some(films, 90, 0) is films
    assert set(some(films, 32, 1).column("group")) != set(fewer.column("group"))


def test_neighbours_match_a_plain_search(drawn_films: Films) -> None:
    rng = np.random.default_rng(3)
    films = drawn_films(40)
    gallery, queries = (rng.standard_normal((n, 4)).astype(np.float32) for n in (40, 6))
    found = nearest_patients(queries, gallery, films)
    assert found.label.shape == (6, 5)
    for query, labels, near in zip(queries, found.label, found.similarity, strict=True):
        best: dict[str, tuple[float, str]] = {}
        for vector, film in zip(gallery, films.films, strict=True):
            alike = float(vector @ query) / float(query @ query)
            if film.patient not in best or alike > best[film.patient][0]:
                best[film.patient] = (alike, str(film.entity))
        ranked = sorted(best.values(), reverse=True)[:5]
        assert labels.tolist() == [entity for _, entity in ranked]
        np.testing.assert_allclose(near, [alike for alike, _ in ranked], rtol=1e-5)


def test_scores_of_a_perfect_and_of_a_blind_search(drawn_films: Films) -> None:
    films = drawn_films(60)
    truth = films.column("entity")
    perfect = np.stack([(truth == entity) for entity in ("bright", "rings", "dark")], axis=1).astype(np.float32)
    scores = retrieval_scores(nearest_patients(perfect, perfect, films), films, 0)
    assert scores["precision_at_1"] == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 60}
    assert scores["vote_at_5"]["value"] == 1 == scores["macro_recall_at_5"]["value"]
    assert (scores["films"], scores["patients"], scores["groups"]) == (60, 30, 30)
    blind = np.tile(np.eye(1, 3, dtype=np.float32), (60, 1))
    scores = retrieval_scores(nearest_patients(blind, blind, films), films, 0)
    assert scores["macro_recall_at_5"]["value"] == pytest.approx(1 / 3)
    shown = scores["precision_at_1"]
    assert shown["low"] <= shown["value"] <= shown["high"] and shown["high"] - shown["low"] > 0.1
    assert {entity["n"] for entity in scores["recall_at_5"].values()} == {20}


def test_fewer_patients_than_voters(drawn_films: Films) -> None:
    films = drawn_films(6)
    vectors = np.eye(6, dtype=np.float32)
    assert nearest_patients(vectors, vectors, films).label.shape == (6, 3)
