from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest

from engine.errors import QueryError
from indexer.evaluation import Cohort, Evaluation, aligned, evaluate, load_schema, over_baseline, paired
from indexer.evaluation.bootstrap import Clusters


@pytest.fixture
def cohort(make_cohort: Callable[..., Cohort]) -> Cohort:
    n = 80
    names = np.array([f"hash {i}" for i in range(n)], dtype=object)
    kinds = np.array(["malignant", "benign"] * (n // 2), dtype=object)
    return make_cohort(2, n=n, patients=40, extra={"sha256": names, "file": names, "malignancy": kinds})


def by_another(cohort: Cohort, seed: int = 5) -> Cohort:
    vectors = np.random.default_rng(seed).normal(size=(len(cohort), 7))
    return replace(cohort, vectors=vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def leaves(tree: Any) -> list[Any]:
    return [tree] if "above_zero" in tree else [leaf for value in tree.values() for leaf in leaves(value)]


def test_a_run_against_itself_differs_in_nothing(cohort: Cohort) -> None:
    one = evaluate(cohort, None, resamples=40)
    found = leaves(paired(one, one)["groups"]["all"])
    assert len(found) > 40
    for leaf in found:
        assert (leaf["value"], leaf["low"], leaf["high"], leaf["above_zero"]) == (0, 0, 0, False)


def test_a_run_beside_its_own_baseline(cohort: Cohort) -> None:
    one = evaluate(cohort, None, resamples=60)
    found = over_baseline(one, "metadata")["all"]
    assert {"precision", "vote_accuracy", "macro_recall"} <= set(found)
    for measure in ("precision", "macro_recall"):
        mine, theirs = (tree[measure]["5"] for tree in (one.tree["all"], one.tree["all"]["baselines"]["metadata"]))
        leaf, draws = found[measure]["5"], mine.draws - theirs.draws
        assert leaf["value"] == mine.value - theirs.value
        assert (leaf["low"], leaf["high"]) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])))
    with pytest.raises(QueryError, match="majority"):
        over_baseline(one, "dreams")


def test_differences_and_their_intervals_are_those_of_the_same_draws(cohort: Cohort) -> None:
    one, other = (evaluate(given, None, resamples=60, seed=4) for given in (cohort, by_another(cohort)))
    found = paired(one, other)["groups"]["all"]["vote_accuracy"]["5"]
    right = [(run.films.predicted[:, 2] == run.films.entity).astype(float) for run in (one, other)]
    clusters = Clusters.draw(one.films.group, 60, np.random.default_rng([4, 0]))
    means = []
    for times in clusters.times.astype(int):
        rows = np.repeat(np.arange(len(right[0])), times[clusters.code])
        means.append(right[0][rows].mean() - right[1][rows].mean())
    assert found["value"] == pytest.approx(right[0].mean() - right[1].mean())
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])))
    assert (found["this"], found["other"]) == pytest.approx((right[0].mean(), right[1].mean()))


def test_the_interval_is_narrower_than_of_independent_runs(cohort: Cohort) -> None:
    nearly = cohort.vectors + np.random.default_rng(0).normal(0, 0.02, cohort.vectors.shape)
    like = replace(cohort, vectors=nearly / np.linalg.norm(nearly, axis=1, keepdims=True))
    one, other = evaluate(cohort, None), evaluate(like, None)
    difference = paired(one, other)["groups"]["all"]["map"]
    alone = one.groups["all"]["map"]
    assert difference["high"] - difference["low"] < 0.7 * (alone["high"] - alone["low"])


def test_a_better_encoder_is_above_zero_and_the_worse_is_not(make_cohort: Callable[..., Cohort]) -> None:
    names = np.array([f"p{i}" for i in range(120)], dtype=object)
    entity = np.array(["abcd"[i % 4] for i in range(120)], dtype=object)
    good = make_cohort(0, n=120, vectors=np.eye(4)[np.arange(120) % 4], patient=names, group=names, entity=entity)
    bad = by_another(good)
    up, down = (paired(evaluate(a, None), evaluate(b, None))["groups"]["all"] for a, b in ((good, bad), (bad, good)))
    assert up["macro_recall"]["5"]["above_zero"] is True
    assert down["macro_recall"]["5"]["above_zero"] is False
    assert up["calibration"]["votes"]["brier"]["value"] < 0


@pytest.mark.parametrize("resamples", [0, 20])
def test_the_schema_holds_differences(cohort: Cohort, resamples: int) -> None:
    one, other = (evaluate(c, None, ks=(1,), resamples=resamples) for c in (cohort, by_another(cohort)))
    jsonschema.validate({**one.to_dict(), "paired": paired(one, other)}, load_schema())
    if not resamples:
        assert paired(one, other)["groups"]["all"]["map"]["above_zero"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: evaluate(c, None, resamples=9), "resamples is 10"),
        (lambda c: evaluate(c, None, resamples=10, seed=1), "seed is 0"),
        (lambda c: evaluate(c, None, resamples=10, by="sex"), "by is None"),
        (lambda c: evaluate(c.take(np.arange(70)), None, resamples=10), "asked different films"),
        (lambda c: evaluate(replace(c, group=c.group[::-1]), None, resamples=10), "grouped them otherwise"),
    ],
)
def test_runs_that_asked_otherwise_are_refused(
    cohort: Cohort, change: Callable[[Cohort], Evaluation], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        paired(evaluate(cohort, None, resamples=10), change(cohort))


def test_archives_pair_by_bytes_and_file_and_keep_one_archives_people(cohort: Cohort) -> None:
    order = np.random.default_rng(1).permutation(80)[:60]
    foreign = np.array([f"stranger {i}" for i in range(80)], dtype=object)
    other = replace(by_another(cohort), patient=foreign, group=foreign, film=np.arange(80)).take(order)
    one, two = aligned(cohort, other)
    assert len(one) == len(two) == 60
    for name in ("patient", "group", "entity", "film"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    of = {name: row for row, name in enumerate(other.extra["sha256"])}
    for row, name in enumerate(one.extra["sha256"]):
        np.testing.assert_array_equal(two.vectors[row], other.vectors[of[name]])
    assert paired(evaluate(one, None, resamples=5), evaluate(two, None, resamples=5))["n_films"] > 0


def test_a_file_of_two_patients_pairs_with_its_own(cohort: Cohort) -> None:
    same = replace(cohort, extra={**cohort.extra, "sha256": np.array(["one"] * 80, dtype=object)})
    one, two = aligned(same, by_another(same))
    assert one.film.tolist() == two.film.tolist() == cohort.film.tolist()


def test_archives_without_a_common_film_are_refused(cohort: Cohort) -> None:
    other = replace(cohort, extra={"sha256": np.array([f"x{i}" for i in range(80)], dtype=object)})
    with pytest.raises(QueryError, match="no film in common"):
        aligned(cohort, other)
    with pytest.raises(QueryError, match="without sha256"):
        aligned(cohort, replace(cohort, extra={}))
