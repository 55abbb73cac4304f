from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import QueryError
from engine.region import Origin, View
from engine.training.films import TrainingFilm, TrainingSet
from indexer.reproduce.splits import folds, shuffles, sides

NO_CUTS = np.zeros((1, 1, 1), np.uint8)


def films(groups: list[tuple[int, int, int]]) -> TrainingSet:
    """groups: patients, films of each, entity's number."""
    made = []
    for number, (patients, each, entity) in enumerate(groups):
        for patient in range(patients):
            for _ in range(each):
                sha = f"{len(made):064x}"
                made.append(TrainingFilm(NO_CUTS, sha, Origin.mask, f"p{number}-{patient}", f"g{number}", f"e{entity}"))
    return TrainingSet(tuple(made), (View.region,), 32, "films")


GROUPS = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2)), min_size=5, max_size=40)


@given(GROUPS, st.integers(0, 2**20))
def test_no_patient_and_no_group_on_both_sides(groups: list[tuple[int, int, int]], seed: int) -> None:
    made = films(groups)
    for split in (*shuffles(made, 3, seed), *folds(made, 5, seed)):
        taught, asked = sides(made, split)
        assert len(taught) and len(asked)
        for column in ("patient", "group", "sha256"):  # near-duplicates are of one group
            assert not set(taught.column(column)) & set(asked.column(column))
        assert sorted([*split.taught, *split.asked]) == list(range(len(made)))


def test_each_shuffle_asks_a_fifth_of_every_entity() -> None:
    made = films([(1, 1, 0)] * 200 + [(1, 1, 1)] * 100 + [(1, 2, 2)] * 25)
    for split in shuffles(made, 3, seed=1):
        assert Counter(made.take(split.asked).column("entity")) == {"e0": 40, "e1": 20, "e2": 10}


def test_shuffles_differ_and_come_again_by_seed() -> None:
    made = films([(1, 1, k % 3) for k in range(90)])
    asked = [tuple(split.asked) for split in shuffles(made, 3, seed=5)]
    assert len(set(asked)) == 3
    assert asked == [tuple(split.asked) for split in shuffles(made, 3, seed=5)]
    assert asked != [tuple(split.asked) for split in shuffles(made, 3, seed=6)]


def test_the_largest_group_does_not_always_ask() -> None:
    made = films([(1, 9, 0)] + [(1, 1, k % 3) for k in range(60)])
    asks = [0 in split.asked for split in shuffles(made, 40, seed=0)]
    assert 0 < sum(asks) < 20


def test_folds_ask_about_each_film_once() -> None:
    made = films([(1, 2, k % 3) for k in range(30)])
    assert sorted(np.concatenate([split.asked for split in folds(made, 5)])) == list(range(60))


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(QueryError, match="5 folds need as many split groups"):
        shuffles(films([(1, 5, 0), (1, 5, 1)]))
