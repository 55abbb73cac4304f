from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluation.voting import NOBODY, vote

places = st.lists(st.tuples(st.integers(-8, 8).map(lambda n: n / 8), st.integers(0, 4)), max_size=9)


def ask(nearest: list[tuple[float, int]], k: int = 9) -> int:
    empty = k - len(nearest)
    labels = np.array([[label for _, label in nearest] + [NOBODY] * empty])
    similarity = np.array([[found for found, _ in nearest] + [0] * empty], dtype=np.float32)
    return int(vote(labels, similarity)[0])


@given(places)
def test_agrees_with_counting_by_hand(plain: dict[str, Callable[..., Any]], nearest: list[tuple[float, int]]) -> None:
    nearest.sort(key=lambda pair: -pair[0])
    expected = plain["vote"](nearest)
    assert ask(nearest) == (NOBODY if expected is None else expected)


def test_most_patients_win_over_the_nearest() -> None:
    assert ask([(0.9, 0), (0.2, 1), (0.1, 1)]) == 1


def test_a_tie_goes_to_the_larger_summed_similarity() -> None:
    assert ask([(0.75, 2), (0.5, 1), (0.5, 1), (0.0, 2)]) == 1


def test_an_even_tie_goes_to_the_nearer_patient() -> None:
    assert ask([(0.75, 3), (0.5, 0), (0.5, 0), (0.25, 3)]) == 3


def test_distances_as_negative_similarities_vote_alike() -> None:
    assert ask([(-0.1, 0), (-0.2, 1), (-0.3, 1), (-0.9, 0)]) == 1


def test_nobody_votes_for_nobody() -> None:
    assert ask([]) == NOBODY


def test_rows_do_not_influence_each_other() -> None:
    labels, similarity = (
        np.array([[0, 1, 1], [2, NOBODY, NOBODY]]),
        np.array([[0.9, 0.5, 0.1], [-0.5, 0, 0]], dtype=np.float32),
    )
    assert vote(labels, similarity).tolist() == [1, 2]
