from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import recall_score

from indexer.evaluation.bootstrap import Clusters


def setting(seed: int, q: int = 40, groups: int = 9) -> tuple[Any, Any, Any, Any]:
    rng = np.random.default_rng(seed)
    names = np.array([f"g{number}" for number in rng.integers(groups, size=q)], dtype=object)
    return names, rng.random((q, 2)), rng.integers(2, size=(q, 2)).astype(float), rng.integers(4, size=q)


def plain_resamples(clusters: Clusters) -> Iterator[Any]:
    """Film rows of each resample, group by group, as often as each was drawn."""
    for times in clusters.times.astype(int):
        yield np.concatenate([np.tile(np.flatnonzero(clusters.code == g), t) for g, t in enumerate(times)])


@given(st.integers(0, 1000))
def test_intervals_of_means_are_those_of_a_plain_loop_over_the_same_draws(seed: int) -> None:
    names, values, _, _ = setting(seed)
    clusters = Clusters.draw(names, 50, np.random.default_rng(seed))
    found = clusters.mean(values)
    for column, estimate in enumerate(found):
        means = [values[rows, column].mean() for rows in plain_resamples(clusters)]
        assert estimate.value == pytest.approx(values[:, column].mean())
        assert (estimate.low, estimate.high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_macro_recall_and_its_interval_are_those_of_scikit_learn(seed: int) -> None:
    names, _, correct, truth = setting(seed)
    clusters = Clusters.draw(names, 30, np.random.default_rng(seed))

    def macro(rows: Any, column: int) -> float:
        predicted = np.where(correct[rows, column] == 1, truth[rows], -1)
        return float(
            recall_score(truth[rows], predicted, labels=np.unique(truth[rows]), average="macro", zero_division=0)
        )

    for column, estimate in enumerate(clusters.macro_recall(correct, truth)):
        resampled = [macro(rows, column) for rows in plain_resamples(clusters)]
        assert estimate.value == pytest.approx(macro(np.arange(len(truth)), column))
        assert (estimate.low, estimate.high) == pytest.approx(tuple(np.percentile(resampled, [2.5, 97.5])))


def test_each_resample_draws_as_many_groups_as_there_are_and_each_group_as_often() -> None:
    names = np.array(list("aabbbcd"), dtype=object)
    times = Clusters.draw(names, 4000, np.random.default_rng(0)).times
    assert (times.sum(axis=1) == 4).all()
    assert times.mean(axis=0) == pytest.approx(1, abs=0.05)
    assert times.var(axis=0) == pytest.approx(3 / 4, abs=0.08)  # binomial: 4 draws, chance 1/4


def test_films_of_one_group_widen_the_interval() -> None:
    values = np.repeat(np.tile([0.0, 1.0], 20), 10)[:, None]
    apart = np.array([f"film{i}" for i in range(400)], dtype=object)
    together = np.array([f"patient{i // 10}" for i in range(400)], dtype=object)
    widths = []
    for groups in (apart, together):
        [estimate] = Clusters.draw(groups, 1000, np.random.default_rng(0)).mean(values)
        assert estimate.low is not None
        assert estimate.high is not None
        widths.append(estimate.high - estimate.low)
    assert widths[1] > 2.5 * widths[0]  # sqrt(10) in theory


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(1), 0
    for _ in range(200):
        values = (rng.random((80, 1)) < 0.6).astype(float)
        groups = np.array([str(i) for i in range(80)], dtype=object)
        [estimate] = Clusters.draw(groups, 200, rng).mean(values)
        assert estimate.low is not None
        assert estimate.high is not None
        covered += estimate.low <= 0.6 <= estimate.high
    assert 0.88 <= covered / 200 <= 0.99


@pytest.mark.parametrize(("groups", "resamples"), [(["a", "a"], 100), (["a", "b"], 0)])
def test_one_group_or_no_resampling_gives_no_interval(groups: list[str], resamples: int) -> None:
    clusters = Clusters.draw(np.array(groups, dtype=object), resamples, np.random.default_rng(0))
    [estimate] = clusters.mean(np.array([[0.0], [1.0]]))
    assert estimate.to_dict() == {"value": 0.5, "low": None, "high": None}
    [estimate] = clusters.macro_recall(np.array([[0.0], [1.0]]), np.array([0, 1]))
    assert estimate.to_dict() == {"value": 0.5, "low": None, "high": None}
