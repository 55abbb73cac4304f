from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from indexer.evaluation.calibration import bin_of, brier, calibration_error, reliability


def drawn(seed: int, q: int = 60) -> tuple[Any, Any, Any]:
    """Shares of k votes as often as any share, whether the vote was right, weights of a bootstrap."""
    rng = np.random.default_rng(seed)
    confidence = np.where(rng.random(q) < 0.5, rng.integers(0, 8, q) / 7, rng.random(q))
    return confidence, rng.integers(2, size=q).astype(float), rng.integers(0, 4, size=(5, q)).astype(float)


def plain_error(confidence: Any, correct: Any, weights: Any, bins: int) -> float:
    error = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [i for i, c in enumerate(confidence) if (low < c <= high) or (number == 0 and c == 0)]
        gap = sum(weights[i] * (correct[i] - confidence[i]) for i in inside)
        error += abs(gap)
    return error / float(sum(weights))


@given(st.integers(0, 500), st.integers(1, 15))
def test_error_is_that_of_plain_loops_under_any_weights(seed: int, bins: int) -> None:
    confidence, correct, weights = drawn(seed)
    found = calibration_error(confidence, correct, bins)(weights)
    # 3 / 7 is on no border, 2 / 10 is: by the plain comparison of fractions as well, as both are rounded alike
    assert found == pytest.approx([plain_error(confidence, correct, row, bins) for row in weights], abs=1e-9)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 7, 10, 20])
def test_shares_on_a_border_belong_to_the_bin_below(k: int) -> None:
    votes = np.arange(1, k + 1)
    assert bin_of(votes / k).tolist() == [-(-10 * vote // k) - 1 for vote in votes]


def test_a_sure_and_right_vote_has_no_error_and_a_sure_and_wrong_one_all() -> None:
    ones = np.ones((1, 4))
    assert calibration_error(np.ones(4), np.ones(4))(ones).tolist() == [0]
    assert calibration_error(np.ones(4), np.zeros(4))(ones).tolist() == [1]
    assert calibration_error(np.full(4, 0.75), np.array([1.0, 1, 1, 0]))(ones).tolist() == [0]


@given(st.integers(0, 500))
def test_brier_score_is_that_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares, truth = rng.dirichlet(np.ones(4), size=30), np.r_[np.arange(4), rng.integers(4, size=26)]
    found = brier(shares, truth)
    assert found.mean() == pytest.approx(brier_score_loss(truth, shares, labels=[0, 1, 2, 3], scale_by_half=False))


def test_brier_score_is_0_for_the_truth_2_for_another_and_1_for_nobody() -> None:
    shares = np.array([[1.0, 0], [0, 1], [0, 0]])
    assert brier(shares, np.array([0, 0, 0])).tolist() == [0, 2, 1]


def test_the_table_is_scikit_learns_calibration_curve() -> None:
    rng = np.random.default_rng(3)
    confidence, correct = rng.random(300), rng.integers(2, size=300).astype(float)
    accuracy, mean = calibration_curve(correct, confidence, n_bins=10)
    table = reliability(confidence, correct)
    assert [row["accuracy"] for row in table] == pytest.approx(accuracy)
    assert [row["confidence"] for row in table] == pytest.approx(mean)
    assert sum(row["n_films"] for row in table) == 300
    assert [row["low"] for row in table] == pytest.approx(np.arange(10) / 10)
