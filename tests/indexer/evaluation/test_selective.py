from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.evaluation.selective import COVERAGES, curve, risk_area


def drawn(seed: int, q: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 6, size=q) / 5, rng.integers(2, size=q).astype(float)


def plain_area(confidence: Any, correct: Any, weights: Any, slices: int = 4000) -> float:
    """Mean risk over a fine grid of coverages, equals shared out evenly."""
    levels = sorted(set(confidence), reverse=True)
    films = [weights[confidence == level].sum() for level in levels]
    wrong = [(weights * (1 - correct))[confidence == level].sum() for level in levels]
    total, risks = sum(films), []
    for place in (np.arange(slices) + 0.5) / slices * total:
        before = errors = 0.0
        for m, e in zip(films, wrong, strict=True):
            part = min(m, place - before)
            errors += e * part / m if m else 0
            before += part
            if before >= place:
                break
        risks.append(errors / place)
    return float(np.mean(risks))


@settings(max_examples=15)
@given(st.integers(0, 500))
def test_area_is_that_of_a_fine_grid_under_any_weights(seed: int) -> None:
    confidence, correct = drawn(seed, 25)
    weights = np.random.default_rng(seed + 1).integers(0, 3, size=(3, 25)).astype(float)
    weights[:, 0] = 1  # somebody is drawn
    found = risk_area(confidence, correct)(weights)
    assert found == pytest.approx([plain_area(confidence, correct, row) for row in weights], abs=2e-3)


def test_equal_confidence_says_nothing_and_the_area_is_the_error() -> None:
    correct = np.array([1.0, 0, 0, 1, 1])
    assert risk_area(np.full(5, 0.4), correct)(np.ones((1, 5)))[0] == pytest.approx(0.4)
    assert all(row["accuracy"] == pytest.approx(0.6) for row in curve(np.full(5, 0.4), correct))


def test_confidence_that_knows_is_better_than_one_that_does_not() -> None:
    correct = np.array([1.0] * 50 + [0.0] * 50)
    knows, misled = np.linspace(1, 0, 100), np.linspace(0, 1, 100)
    one, other = (risk_area(confidence, correct)(np.ones((1, 100)))[0] for confidence in (knows, misled))
    assert one == pytest.approx(0.5 + 0.5 * np.log(0.5), abs=0.01)  # integral of (c - 1/2) / c from 1/2 to 1
    assert other > 0.8 > 0.2 > one


def test_curve_is_the_accuracy_of_the_surest_films() -> None:
    rng = np.random.default_rng(0)
    confidence, correct = rng.permutation(200) / 200, rng.integers(2, size=200).astype(float)
    order = np.argsort(-confidence)
    rows = curve(confidence, correct)
    assert [row["coverage"] for row in rows] == list(COVERAGES)
    for row in rows:
        films = order[: row["n_films"]]
        assert row["n_films"] == round(200 * row["coverage"])
        assert row["accuracy"] == pytest.approx(correct[films].mean())
        assert row["confidence"] == pytest.approx(confidence[films[-1]])


@given(st.integers(0, 500))
def test_curve_over_ties_is_the_mean_over_their_orders(seed: int) -> None:
    confidence, correct = drawn(seed, 12)
    rng, rows = np.random.default_rng(seed), curve(confidence, correct)
    orders = [sorted(range(12), key=lambda i: (-confidence[i], luck[i])) for luck in rng.random((400, 12))]
    for row in rows[::4]:
        mean = np.mean([correct[order[: row["n_films"]]].mean() for order in orders])
        assert row["accuracy"] == pytest.approx(mean, abs=0.13)
    assert rows[-1]["accuracy"] == pytest.approx(correct.mean())
