"""What calibrated votes promise, on invented patients whose truth is known."""

from collections.abc import Callable

import jsonschema
import numpy as np
import pytest

from indexer.evaluation import Cohort, cross_validation, evaluate, evaluate_folds, load_schema, markdown
from indexer.evaluation.promises import ON_ARCHIVE, ON_FOLDS
from indexer.votes import LEAST_PATIENTS, calibrate
from indexer.votes.calibration import Calibration, Conformal

ENTITIES = np.array(["osteosarcoma", "enchondroma", "bone cyst"], dtype=object)


def invented(patients: int, seed: int, name: str = "P") -> Cohort:
    """Two films of each patient in eight dimensions: entities overlap, so that some votes are wrong."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), 2)
    entity = rng.choice(3, patients, p=[0.5, 0.3, 0.2])[patient]
    own = rng.normal(0, 0.55, (patients, 8))[patient]
    vectors = 1.2 * np.eye(8)[:3][entity] + own + rng.normal(0, 0.2, (len(patient), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = np.array([f"{name}{code}" for code in patient], dtype=object)
    nothing = np.full(len(patient), None)
    unknown = np.full(len(patient), np.nan), nothing, nothing, nothing, nothing
    region = np.full(len(patient), "mask", dtype=object)
    ids = 10_000 * seed + np.arange(len(patient))
    digests = {"sha256": np.array([f"{name}{row}" for row in range(len(patient))], dtype=object)}
    return Cohort(vectors.astype(np.float32), ids, names, names, ENTITIES[entity], *unknown, region, extra=digests)


@pytest.fixture(scope="module")
def archive() -> Cohort:
    return invented(400, 1)


def check(found: dict[str, object]) -> None:
    jsonschema.Draft202012Validator(load_schema()).validate(found)


@pytest.mark.parametrize("folded", [False, True])
def test_films_of_other_groups_calibrate(archive: Cohort, folded: bool) -> None:
    if folded:
        found = evaluate_folds([fold.of(archive) for fold in cross_validation(archive, 4)], resamples=50)
    else:
        found = evaluate(archive, None, resamples=50)
    check(found.to_dict())
    told, votes = found.groups["all"]["prediction_set"], found.groups["all"]["calibration"]
    assert (told["wanted"], told["calibrated_on"]) == (0.9, ON_FOLDS)
    assert 0.87 <= told["coverage_of_patients"]["value"] <= 0.95
    assert 1 <= told["size"]["value"] < 3 and 0 < told["single"]["value"] < 1
    assert votes["calibrated"]["ece"]["value"] < votes["votes"]["ece"]["value"]
    assert votes["calibrated"]["brier"]["value"] < votes["votes"]["brier"]["value"]
    assert f"calibrated on {ON_FOLDS}" in markdown(found.to_dict())


def test_an_archive_brings_its_own_calibration(archive: Cohort) -> None:
    queries, calibration = invented(300, 2, "new "), calibrate(archive, frozenset())
    assert calibration is not None and calibration.conformal is not None
    found = evaluate(archive, queries, resamples=50, calibration=calibration)
    check(found.to_dict())
    told = found.groups["all"]["prediction_set"]
    assert (told["wanted"], told["calibrated_on"]) == (calibration.conformal.coverage, ON_ARCHIVE)
    assert 0.85 <= told["coverage_of_patients"]["value"] <= 0.96
    assert evaluate(archive, queries, resamples=0).groups["all"]["prediction_set"]["calibrated_on"] == ON_FOLDS


def test_sets_hold_what_the_quantile_says(archive: Cohort) -> None:
    """Everything under a quantile of one, the likeliest alone under one of nothing."""
    queries = invented(20, 3, "new ")

    def told(quantile: float) -> dict[str, dict[str, float]]:
        fixed = Calibration(
            30, 0.1, 0.5, 1.0, Conformal(0.9, quantile, 100), None, None, (), 100, 100, "films", "archive", ""
        )  # fmt: skip
        found: dict[str, dict[str, float]] = evaluate(archive, queries, resamples=0, calibration=fixed).groups["all"]
        return found

    everything, one = told(1.0), told(0.0)
    assert everything["prediction_set"]["coverage"]["value"] == 1  # type: ignore[index]
    assert everything["prediction_set"]["size"]["value"] == 3  # type: ignore[index]
    assert one["prediction_set"]["single"]["value"] == 1  # type: ignore[index]
    right = one["calibration"]["calibrated"]["vote_accuracy"]["value"]  # type: ignore[index]
    assert one["prediction_set"]["coverage"]["value"] == right  # type: ignore[index]


def test_too_few_patients_promise_nothing(make_cohort: Callable[..., Cohort]) -> None:
    few = invented(LEAST_PATIENTS, 1)  # four fifths of them are under the least
    for cohort in (few, make_cohort(0)):
        found = evaluate(cohort, None, resamples=0)
        check(found.to_dict())
        assert found.groups["all"]["prediction_set"] is None
        assert "calibrated" not in found.groups["all"]["calibration"]


def test_values_of_a_column_are_told_by_the_same_calibration(archive: Cohort) -> None:
    found = evaluate(archive, None, by="entity", resamples=0).groups
    whole = found["all"]["prediction_set"]["coverage"]["value"]
    parts = [found[f"entity={name}"] for name in ENTITIES]
    films = sum(part["n_films"] for part in parts)
    assert np.isclose(
        whole, sum(part["n_films"] * part["prediction_set"]["coverage"]["value"] for part in parts) / films
    )
