from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, recall_score

from engine.errors import ModelMismatch, QueryError
from indexer.evaluation import Cohort, evaluate, load_schema

KS = (1, 3, 5, 7)


def plain_evaluation(plain: dict[str, Callable[..., Any]], archive: Cohort, queries: Cohort) -> tuple[Any, ...]:
    """Every figure of the images by loops, scikit-learn for average precision and macro recall."""
    rows = [i for i in range(len(queries)) if queries.entity[i] is not None]
    measures: list[dict[int, list[Any]]] = [{k: [] for k in KS} for _ in range(3)]
    precision, hit, predicted = measures
    ap, films = [], []
    for i in rows:
        found = plain["ranking"](archive, queries, i, lambda i, j: float(queries.vectors[i] @ archive.vectors[j]))
        labelled = [(similarity, archive.entity[j]) for similarity, j in found]
        right = [entity == queries.entity[i] for _, entity in labelled]
        for k in KS:
            precision[k].append(np.mean(right[:k]) if right else 0)
            hit[k].append(any(right[:k]))
            predicted[k].append(plain["vote"](labelled[:k]))
        ap.append(average_precision_score(right, -np.arange(len(right))) if any(right) else 0)
        films.append([archive.film[j] for _, j in found[: max(KS)]])
    return rows, precision, hit, predicted, ap, films


@settings(max_examples=40)
@given(st.integers(0, 2000), st.booleans())
def test_all_figures_agree_with_plain_loops(
    make_cohort: Callable[..., Cohort], plain: dict[str, Callable[..., Any]], seed: int, inside: bool
) -> None:
    archive = make_cohort(seed)
    queries = archive if inside else make_cohort(seed + 1, n=10, patients=16)
    found = evaluate(archive, None if inside else queries, resamples=0)
    rows, precision, hit, predicted, ap, films = plain_evaluation(plain, archive, queries)
    figures, truth = found.groups["all"], list(queries.entity[rows])
    for column, k in enumerate(KS):
        assert list(found.films.predicted[:, column]) == predicted[k]
        assert figures["precision"][str(k)]["value"] == pytest.approx(np.mean(precision[k]))
        assert figures["hit"][str(k)]["value"] == pytest.approx(np.mean(hit[k]))
        right = [one == other for one, other in zip(truth, predicted[k], strict=True)]
        assert figures["vote_accuracy"][str(k)]["value"] == pytest.approx(np.mean(right))
        named = [name or "nobody" for name in predicted[k]]
        macro = recall_score(truth, named, labels=sorted(set(truth)), average="macro", zero_division=0)
        assert figures["macro_recall"][str(k)]["value"] == pytest.approx(macro)
        for entity, given_ in figures["per_entity"].items():
            assert given_["n_films"] == truth.count(entity)
            expected = recall_score(truth, named, labels=[entity], average="macro", zero_division=0)
            assert given_["recall"][str(k)] == pytest.approx(expected)
            assert given_["interval"][str(k)] is None
    assert figures["map"]["value"] == pytest.approx(np.mean(ap))
    for at, nearest in enumerate(films):
        assert found.films.neighbour[at].tolist() == nearest + [-1] * (max(KS) - len(nearest))
    assert figures["n_films"] == len(rows)
    assert figures["n_patients"] == len(set(queries.patient[rows]))
    assert figures["n_groups"] == len(set(queries.group[rows]))


def test_no_neighbour_is_of_the_querys_patient_or_group(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(5, n=60)
    films = evaluate(archive, None, resamples=0).films
    row_of = {int(film): row for row, film in enumerate(archive.film)}
    for film, neighbours in zip(films.film, films.neighbour, strict=True):
        for neighbour in neighbours[neighbours >= 0]:
            assert archive.patient[row_of[film]] != archive.patient[row_of[neighbour]]
            assert archive.group[row_of[film]] != archive.group[row_of[neighbour]]


@pytest.mark.parametrize("shared", ["patient", "group"])
def test_a_query_does_not_meet_itself_in_another_cohort(make_cohort: Callable[..., Cohort], shared: str) -> None:
    archive = make_cohort(5, n=20, entity=["enchondroma"] * 20)
    changed = ({"patient", "group"} - {shared}).pop()
    new: dict[str, Any] = {changed: np.array([f"new {value}" for value in getattr(archive, changed)], dtype=object)}
    same = replace(archive, **new)
    met = evaluate(archive, same, resamples=0).films
    key = dict(zip(archive.film.tolist(), getattr(archive, shared), strict=True))
    assert all(
        key[film] != key[other]
        for film, row in zip(met.film.tolist(), met.neighbour.tolist(), strict=True)
        for other in row
        if other >= 0
    )


def test_nothing_but_the_comparison_sees_the_querys_label(make_cohort: Callable[..., Cohort]) -> None:
    archive, queries = (
        make_cohort(1, n=50, patients=20),
        make_cohort(2, n=20, entity=["enchondroma"] * 10 + ["bone cyst"] * 10),
    )
    shuffled = replace(queries, entity=queries.entity[::-1])
    one, other = evaluate(archive, queries, resamples=0), evaluate(archive, shuffled, resamples=0)
    np.testing.assert_array_equal(one.films.predicted, other.films.predicted)
    np.testing.assert_array_equal(one.films.neighbour, other.films.neighbour)
    assert one.groups["all"]["vote_accuracy"] != other.groups["all"]["vote_accuracy"]


def test_a_querys_label_inside_the_archive_does_not_reach_its_own_vote(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(3, n=40, entity=["enchondroma"] * 20 + ["bone cyst"] * 20)
    changed = archive.entity.copy()
    changed[7] = "chordoma"
    one, other = evaluate(archive, None, resamples=0), evaluate(replace(archive, entity=changed), None, resamples=0)
    assert one.films.predicted[7].tolist() == other.films.predicted[7].tolist()


def balanced(vectors: object, n_patients: int = 120) -> dict[str, Any]:
    """Two films a patient, four entities as common."""
    n = 2 * n_patients
    patient = np.array([f"p{i // 2}" for i in range(n)], dtype=object)
    return {
        "n": n, "vectors": vectors, "patient": patient, "group": patient,
        "entity": np.array(["abcd"[i // 2 % 4] for i in range(n)], dtype=object),
    }  # fmt: skip


def test_random_vectors_score_chance(make_cohort: Callable[..., Cohort]) -> None:
    vectors = np.random.default_rng(0).normal(size=(2000, 16))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    figures = evaluate(make_cohort(0, **balanced(vectors, 1000)), None, resamples=200).groups["all"]
    for measure in ("precision", "vote_accuracy", "macro_recall"):
        for estimate in figures[measure].values():
            assert estimate["value"] == pytest.approx(0.25, abs=0.04)
    assert figures["hit"]["3"]["value"] == pytest.approx(1 - 0.75**3, abs=0.05)
    assert figures["map"]["value"] == pytest.approx(0.25, abs=0.02)


def test_perfect_vectors_score_one(make_cohort: Callable[..., Cohort]) -> None:
    vectors = np.eye(4)[np.arange(240) // 2 % 4]
    figures = evaluate(make_cohort(0, **balanced(vectors)), None).groups["all"]
    for measure in ("precision", "hit", "vote_accuracy", "macro_recall"):
        assert all(estimate == {"value": 1, "low": 1, "high": 1} for estimate in figures[measure].values())
    assert figures["map"]["value"] == 1
    assert all(set(entity["recall"].values()) == {1} for entity in figures["per_entity"].values())


def test_k_beyond_the_patients_votes_with_those_there_are_and_says_so(make_cohort: Callable[..., Cohort]) -> None:
    patients = ["a", "b", "c"]
    archive = make_cohort(0, n=3, patient=patients, group=patients, entity=["x", "x", "y"], vectors=np.eye(3))
    found = evaluate(archive, None, ks=(2, 50), resamples=0)
    assert found.manifest["n_fewer_than_k"] == {"2": 0, "50": 3}
    assert found.groups["all"]["precision"]["50"] == found.groups["all"]["precision"]["2"]
    assert found.films.neighbour.shape == (3, 50)


def test_one_patient_has_one_vote_however_many_films(make_cohort: Callable[..., Cohort]) -> None:
    vectors = np.array([[1, 0], [1, 0], [1, 0], [0.8, 0.6], [0.6, 0.8]])
    patients = ["loud", "loud", "loud", "b", "c"]
    archive = make_cohort(0, n=5, vectors=vectors, patient=patients, group=patients, entity=["x", "x", "x", "y", "y"])
    query = make_cohort(0, n=1, vectors=[[1, 0]], patient=["q"], group=["q"], entity=["y"])
    assert evaluate(archive, query, ks=(3,), resamples=0).films.predicted[0, 0] == "y"


def test_a_patient_with_two_lesions_answers_with_that_of_the_best_film(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(0, n=2, vectors=np.eye(2), patient=["a", "a"], group=["a", "a"], entity=["x", "y"])
    queries = make_cohort(
        0, n=2, vectors=[[0.8, 0.6], [0.6, 0.8]], patient=["q", "r"], group=["q", "r"], entity=["x", "x"]
    )
    assert evaluate(archive, queries, ks=(1,), resamples=0).films.predicted[:, 0].tolist() == ["x", "y"]


def test_a_single_entity_is_always_named(make_cohort: Callable[..., Cohort]) -> None:
    figures = evaluate(make_cohort(0, entity=["enchondroma"] * 30), None, resamples=10).groups["all"]
    assert figures["macro_recall"]["5"]["value"] == figures["baselines"]["majority"]["macro_recall"]["value"] == 1


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(8, n=80, patients=40)
    one, two, three = (evaluate(archive, None, seed=seed, resamples=50).to_dict() for seed in (4, 4, 5))
    assert one == two
    assert one["groups"]["all"]["precision"]["3"]["low"] != three["groups"]["all"]["precision"]["3"]["low"]
    assert one["groups"]["all"]["baselines"]["metadata"] != three["groups"]["all"]["baselines"]["metadata"]
    assert one["groups"]["all"]["precision"]["3"]["value"] == three["groups"]["all"]["precision"]["3"]["value"]


def test_by_restricts_the_queries_and_leaves_the_archive_whole(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(9, n=60, patients=25)
    found = evaluate(archive, None, by="centre", resamples=20)
    assert list(found.groups) == ["all", "centre=1", "centre=2", "centre=unknown"]
    assert found.groups["all"] == evaluate(archive, None, resamples=20).groups["all"]
    only = archive.take(archive.centre == "2")
    alone = evaluate(archive, only, resamples=20).groups["all"] | {
        "baselines": found.groups["centre=2"]["baselines"]  # random ties are drawn anew for other queries
    }
    for vote in ("votes", "weighted"):
        assert alone["calibration"][vote].pop("reliability")
        assert alone["calibration"][vote].pop("risk_coverage")  # tables are for all films alone
    assert found.groups["centre=2"] == alone
    assert (
        sum(figures["n_films"] for name, figures in found.groups.items() if name != "all")
        == found.groups["all"]["n_films"]
    )


def test_numbers_name_groups_plainly_and_in_order(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(
        9, n=4, age=[10, 9.5, np.nan, 9.5], patient=list("abcd"), group=list("abcd"), entity=["x"] * 4
    )
    assert list(evaluate(archive, None, by="age", resamples=0).groups) == ["all", "age=9.5", "age=10", "age=unknown"]


def test_films_without_an_entity_neither_ask_nor_answer(make_cohort: Callable[..., Cohort]) -> None:
    archive, queries = make_cohort(1, n=40), make_cohort(2, n=20)
    found = evaluate(archive, queries, resamples=0)
    unlabelled = {int(film) for film, entity in zip(archive.film, archive.entity, strict=True) if entity is None}
    assert found.manifest["n_unlabelled"] == len(unlabelled) > 0
    assert found.manifest["n_queries_unlabelled"] == sum(entity is None for entity in queries.entity) > 0
    assert not unlabelled & set(found.films.neighbour.ravel().tolist())


def test_the_callers_manifest_is_added_and_replaces_nothing(make_cohort: Callable[..., Cohort]) -> None:
    manifest = evaluate(make_cohort(0), None, resamples=0).to_dict({"model": "m", "seed": 99})["manifest"]
    assert (manifest["model"], manifest["seed"]) == ("m", 0)


@pytest.mark.parametrize("by", [None, "centre", "age", "malignancy"])
def test_output_fits_the_committed_schema(make_cohort: Callable[..., Cohort], by: str | None) -> None:
    archive = make_cohort(0, n=40, extra={"malignancy": ["benign", "malignant"] * 20})
    jsonschema.Draft202012Validator.check_schema(load_schema())
    jsonschema.validate(evaluate(archive, None, by=by, resamples=20).to_dict({"model": "m"}), load_schema())


@pytest.mark.parametrize(
    "spoil",
    [lambda g: g.pop("map"), lambda g: g["hit"]["1"].update(value=1.5), lambda g: g["hit"].update(x=g["hit"]["1"])],
)
def test_the_schema_refuses_wrong_output(
    make_cohort: Callable[..., Cohort], spoil: Callable[[dict[str, Any]], object]
) -> None:
    found = evaluate(make_cohort(0), None, resamples=5).to_dict()
    spoil(found["groups"]["all"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, load_schema())


def test_nothing_to_ask_or_to_find_is_said_clearly(make_cohort: Callable[..., Cohort]) -> None:
    archive, unlabelled = make_cohort(0), make_cohort(0, entity=[None] * 30)
    with pytest.raises(QueryError, match="None of the 30 films of the archive has an entity"):
        evaluate(unlabelled, None)
    with pytest.raises(QueryError, match="None of the 30 films of the queries has an entity"):
        evaluate(archive, unlabelled)
    with pytest.raises(QueryError, match="archive of more patients"):
        evaluate(make_cohort(0, patient=["a"] * 30), None)
    with pytest.raises(QueryError, match=r"k = \[0\]"):
        evaluate(archive, None, ks=(0,))
    with pytest.raises(QueryError, match="-1 bootstrap"):
        evaluate(archive, None, resamples=-1)
    with pytest.raises(QueryError, match="no column 'hospital'"):
        evaluate(archive, None, by="hospital")
    with pytest.raises(ModelMismatch, match="3 numbers per film and the archive 4"):
        evaluate(archive, make_cohort(0, vectors=np.eye(3)[[0] * 30]))


@pytest.mark.parametrize("seed", range(5))
def test_other_pseudonyms_give_the_same_numbers(make_cohort: Callable[..., Cohort], seed: int) -> None:
    # the key of an archive is drawn anew for each, so names may not decide which groups a resample draws
    cohort = make_cohort(seed)
    rename = np.random.default_rng(seed + 99).permutation(100)
    other = replace(
        cohort,
        patient=np.array([f"P{rename[int(name[1:])]}" for name in cohort.patient], dtype=object),
        group=np.array([f"G{rename[int(name[1:])]}" for name in cohort.group], dtype=object),
    )
    one, two = (evaluate(each, None, by="centre", resamples=50, seed=3).to_dict({}) for each in (cohort, other))
    assert one == two


def test_the_protocol_says_whether_the_archive_knows_the_patients(make_cohort: Callable[..., Cohort]) -> None:
    archive = make_cohort(1)
    strangers = replace(archive, patient=np.array([f"x{name}" for name in archive.patient], dtype=object))
    for queries, said in (
        (None, "leave one patient out"),
        (archive, "leave one patient out"),
        (strangers, "unseen queries"),
    ):
        assert evaluate(archive, queries, resamples=0).to_dict({})["manifest"]["protocol"] == said
