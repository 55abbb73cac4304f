"""The unlike bench on invented vectors: its AUROC, and who is held against whom."""

import numpy as np
import pytest

from benchmarks.unlike import Films, auroc, figure


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_auroc_counts_pairs() -> None:
    assert auroc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)


def test_outsiders_are_told_by_vectors_and_not_by_marks() -> None:
    rng = np.random.default_rng(0)
    inside = Films(unit(np.array([1.0, 0, 0, 0]) + 0.1 * rng.normal(size=(60, 4))), rng.normal(size=(60, 6)))
    outside = Films(unit(np.array([0, 1.0, 0, 0]) + 0.1 * rng.normal(size=(30, 4))), rng.normal(size=(30, 6)))
    found = figure("others", inside, np.arange(60), outside)
    assert (found.films, found.archive, found.auroc, found.flagged) == (30, 60, 1.0, 1.0)
    assert 0.3 < found.control < 0.7


def test_own_films_are_not_held_against_one_another() -> None:
    """Twins within a patient must not make insiders look nearer than they are."""
    rng = np.random.default_rng(1)
    once = unit(rng.normal(size=(40, 8)))
    marks = rng.normal(size=(40, 6))
    inside = Films(np.repeat(once, 2, axis=0), np.repeat(marks, 2, axis=0))
    fresh = Films(unit(rng.normal(size=(40, 8))), rng.normal(size=(40, 6)))
    found = figure("same", inside, np.repeat(np.arange(40), 2), fresh)
    assert 0.3 < found.auroc < 0.7
    assert 0.3 < found.control < 0.7
