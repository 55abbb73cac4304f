"""Calibration by leaving a patient out, on invented patients whose truth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ArchiveCorrupt
from indexer.evaluation.cohort import Cohort
from indexer.votes import LEAST_PATIENTS, Calibration, calibrate
from indexer.votes.calibrate import K, labels_of, prior_of
from indexer.votes.fit import conformal_quantile, operating_point
from indexer.votes.neighbours import kinds_of, neighbours, strangers, voters_of
from indexer.votes.shares import malignant_shares, shares

ENTITIES = np.array(["osteosarcoma", "enchondroma", "bone cyst"], dtype=object)


def invented(patients: int, seed: int = 0, spread: float = 1.0, films: int = 3) -> Cohort:
    """Films of patients in eight dimensions: entities lie apart, patients and films around them."""
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(0, patients, patients * films))
    entity = rng.choice(3, patients, p=[0.5, 0.3, 0.2])[patient]
    centres, own = 1.2 * np.eye(8)[:3], rng.normal(0, 0.4 * spread, (patients, 8))
    vectors = centres[entity] + own[patient] + rng.normal(0, 0.2 * spread, (len(patient), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    nothing = np.full(len(patient), None)
    names = np.array([f"P{code}" for code in patient])
    extra = {
        "malignancy": np.where(entity == 0, "malignant", "benign").astype(object),
        "sha256": np.array([f"{row:064x}" for row in range(len(patient))], dtype=object),
    }
    columns = (np.full(len(patient), np.nan), nothing, nothing, nothing, nothing, np.full(len(patient), "mask"))
    vectors = vectors.astype(np.float32)
    return Cohort(vectors, np.arange(len(patient)), names, names, ENTITIES[entity], *columns, extra=extra)


@pytest.fixture(scope="module")
def made() -> tuple[Cohort, Calibration]:
    cohort = invented(300)
    found = calibrate(cohort, frozenset(), encoder="e")
    assert found is not None
    return cohort, found


def test_says_what_it_rests_on(made: tuple[Cohort, Calibration]) -> None:
    cohort, found = made
    assert (found.origin, found.encoder, found.regions, found.k) == ("archive", "e", "lesion crops", K)
    assert found.patients == len(set(cohort.patient))
    assert found.films == len(cohort)
    assert found.entities == tuple(sorted(ENTITIES))
    assert found == calibrate(cohort, frozenset(), encoder="e")


def test_new_patients_are_covered_and_warned_of(made: tuple[Cohort, Calibration]) -> None:
    """Patients of the same kind that calibration never saw, against the archive it was made on."""
    archive, found = made
    assert found.conformal is not None and found.malignancy is not None and found.unlike is not None
    fresh = invented(600, seed=1)
    names = np.array([f"new {name}" for name in fresh.patient])
    both = Cohort(
        np.concatenate([archive.vectors, fresh.vectors]),
        np.arange(len(archive) + len(fresh)),
        *(np.concatenate([getattr(archive, n), names]) for n in ("patient", "group")),
        np.concatenate([archive.entity, fresh.entity]),
        *(np.concatenate([getattr(archive, n), getattr(fresh, n)]) for n in ("age", "sex", "site", "centre", "view")),
        np.concatenate([archive.region, fresh.region]),
        extra={"malignancy": np.concatenate([archive.extra["malignancy"], fresh.extra["malignancy"]])},
    )
    asked = np.arange(len(archive), len(both))
    labels, entities = labels_of(both.entity)
    truth, silent = labels[asked], labels.copy()
    silent[asked] = -1  # new patients ask and do not answer
    near = neighbours(both, asked, silent, found.k)
    prior = prior_of(voters_of(both), silent, len(entities))
    share = shares(near.label, near.similarity, prior, found.bandwidth, found.smoothing, found.temperature)
    held = 1 - share[np.arange(len(truth)), truth] <= found.conformal.quantile
    assert 0.86 < held.mean() < 0.95
    confidence, right = share.max(axis=1), share.argmax(axis=1) == truth
    assert confidence.mean() == pytest.approx(right.mean(), abs=0.05)
    score = malignant_shares(near.malignant, near.similarity, float(prior[entities.index("osteosarcoma")]),
                             found.bandwidth, found.smoothing)  # fmt: skip
    sick = kinds_of(both)[asked] == 1
    assert (score[sick] >= found.malignancy.threshold).mean() > 0.86
    unlike = (near.similarity[:, 0] < found.unlike.similarity).mean()
    assert unlike < 0.03


def test_too_few_patients_give_none() -> None:
    assert calibrate(invented(LEAST_PATIENTS - 20), frozenset()) is None
    cohort = invented(300)
    assert calibrate(cohort.take(np.zeros(len(cohort), dtype=bool)), frozenset()) is None
    nobody = replace(cohort, entity=np.full(len(cohort), None))
    assert calibrate(nobody, frozenset()) is None


def test_patients_that_the_encoder_saw_are_not_asked() -> None:
    cohort = invented(300)
    names = sorted(set(cohort.patient))
    seen = frozenset(
        cohort.extra["sha256"][cohort.patient == name][0] for name in names[:80]
    )  # one film of a patient taints all of them
    found = calibrate(cohort, seen)
    assert found is not None and found.patients == len(names) - 80
    assert calibrate(cohort, frozenset(cohort.extra["sha256"])) is None


def test_own_patient_group_and_near_duplicates_do_not_answer() -> None:
    cohort = invented(40)
    near = np.full(len(cohort), None)
    near[[0, len(cohort) - 1]] = 5
    cohort = replace(cohort, extra=dict(cohort.extra) | {"near_group": near})
    kin = strangers(cohort)
    assert kin[0] == kin[-1]
    vectors = cohort.vectors.copy()
    vectors[-1] = vectors[0]
    cohort = replace(cohort, vectors=vectors)
    found = neighbours(cohort, np.array([0]), labels_of(cohort.entity)[0], 5)
    assert found.similarity[0, 0] < 0.9999


scored = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(scored, st.sampled_from([0.5, 0.8, 0.9]))
def test_quantile_of_single_films_is_the_textbook_one(scores: list[float], coverage: float) -> None:
    place = math.ceil((len(scores) + 1) * coverage - 1e-9)
    expected = sorted(scores)[place - 1] if place <= len(scores) else 1.0
    assert conformal_quantile(np.array(scores), np.ones(len(scores)), coverage) == expected


def test_a_patient_with_many_films_is_one_point() -> None:
    scores = np.r_[np.full(300, 0.99), np.linspace(0, 0.5, 29)]
    mass = np.r_[np.full(300, 1 / 300), np.ones(29)]
    assert conformal_quantile(scores, mass, 0.9) < 0.5
    assert conformal_quantile(scores, np.ones(329), 0.9) == 0.99


def test_operating_point_keeps_the_wanted_sensitivity() -> None:
    rng = np.random.default_rng(0)
    positive = np.arange(500) < 200
    score = np.where(positive, rng.beta(4, 2, 500), rng.beta(2, 4, 500))
    found = operating_point(score, positive, np.ones(500), 0.9)
    assert found.sensitivity == (score[positive] >= found.threshold).mean() >= 0.9
    assert found.specificity == pytest.approx((score[~positive] < found.threshold).mean())
    assert (found.malignant, found.others) == (200, 300)


def test_json_brings_everything_back(made: tuple[Cohort, Calibration]) -> None:
    found = made[1].of_run()
    assert Calibration.from_json(found.to_json()) == found
    bare = replace(found, conformal=None, malignancy=None, unlike=None)
    assert Calibration.from_json(bare.to_json()) == bare


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"k": 3}'])
def test_json_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArchiveCorrupt, match=r"calibration\.json is no calibration"):
        Calibration.from_json(text)


@pytest.mark.parametrize("change", [{"bandwidth": 0}, {"temperature": float("nan")}, {"origin": "air"}, {"k": -1}])
def test_values_out_of_range_are_refused(made: tuple[Cohort, Calibration], change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(made[1], **change)  # type: ignore[arg-type]


def test_patients_unlike_those_who_taught_calibrate_nothing() -> None:
    """An encoder of tumours has seen no healthy film; healthy films, all told rightly, would promise too much."""
    cohort = invented(400)
    kind = cohort.entity == ENTITIES[2]
    taught = frozenset(cohort.extra["sha256"][~kind])
    healthy = replace(cohort, entity=np.where(kind, "no tumour", cohort.entity))
    wide = invented(1200)
    rare = wide.entity == ENTITIES[2]
    assert len(set(wide.patient[rare])) >= LEAST_PATIENTS
    assert calibrate(wide, frozenset(wide.extra["sha256"][~rare])) is None
    assert calibrate(healthy, taught) is None
    mixed = np.isin(wide.patient, np.unique(wide.patient)[:300])
    assert calibrate(wide, frozenset(wide.extra["sha256"][~mixed])) is not None
