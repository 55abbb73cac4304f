"""Shares and kinds of neighbours, held against plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluation.voting import NOBODY
from indexer.votes.neighbours import kinds, voters
from indexer.votes.shares import malignant_shares, shares

PRIOR = np.array([0.5, 0.3, 0.2])
places = st.lists(st.tuples(st.integers(0, 2), st.floats(-1, 1, width=32)), max_size=6)
knob = st.floats(0.02, 2)


def arrays(given_places: list[tuple[int, float]], k: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """One query's row: labels and similarities, nearest first, NOBODY in empty places."""
    near = sorted(given_places, key=lambda place: -place[1])
    labels = [label for label, _ in near] + [NOBODY] * (k - len(near))
    similarity = [value for _, value in near] + [0.0] * (k - len(near))
    return np.array([labels], np.int64), np.array([similarity], np.float32)


def by_hand(near: list[tuple[int, float]], h: float, smoothing: float, temperature: float) -> list[float]:
    nearest = max((value for _, value in near), default=0.0)
    sums = [smoothing * float(share) for share in PRIOR]
    for label, value in near:
        sums[label] += math.exp((value - nearest) / h)
    logs = [math.log(max(total, 1e-12)) / temperature for total in sums]
    powers = [math.exp(value - max(logs)) for value in logs]
    return [power / sum(powers) for power in powers]


@given(places, knob, knob, st.floats(0.5, 3))
def test_shares_agree_with_a_loop(near: list[tuple[int, float]], h: float, smoothing: float, t: float) -> None:
    found = shares(*arrays(near), PRIOR, h, smoothing, t)[0]
    assert found.tolist() == pytest.approx(by_hand(near, h, smoothing, t), abs=1e-6)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()  # an entity without a neighbour may still enter a set


def test_without_voters_the_prior_stands() -> None:
    assert shares(*arrays([]), PRIOR, 0.1, 0.5, 1.0)[0].tolist() == pytest.approx(PRIOR.tolist())


def test_a_narrow_bandwidth_asks_the_nearest_only() -> None:
    row = arrays([(2, 0.9), (0, 0.8), (0, 0.7)])
    assert shares(*row, PRIOR, 1e-3, 1e-3, 1.0)[0].argmax() == 2
    assert shares(*row, PRIOR, 2.0, 1e-3, 1.0)[0].argmax() == 0


def test_malignant_share_leaves_out_whom_nobody_knows() -> None:
    label, similarity = arrays([(1, 0.5), (0, 0.5), (1, 0.5)])
    assert malignant_shares(label, similarity, 0.0, 0.1, 1e-12)[0] == pytest.approx(2 / 3)
    label[0, 1] = NOBODY
    assert malignant_shares(label, similarity, 0.0, 0.1, 1e-12)[0] in (pytest.approx(0.5), pytest.approx(1.0))


def test_kinds() -> None:
    column = np.array(["malignant", "benign", None, "", "none"], dtype=object)
    assert kinds(column).tolist() == [1, 0, NOBODY, NOBODY, 0]


def test_patients_who_share_a_film_cast_one_vote() -> None:
    people = np.array([0, 0, 1, 1, 2, 3])
    near = np.array([None, 7, 7, 9, None, 9], dtype=object)
    found = voters(people, near)
    assert found[0] == found[1] == found[2] == found[3] == found[5] != found[4]
    assert voters(people, None).tolist() == people.tolist()
    assert len(set(voters(people, np.full(6, None)).tolist())) == 4
