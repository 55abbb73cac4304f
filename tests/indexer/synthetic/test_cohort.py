"""The cohort's margins against Table 1 of Hinterwimmer et al., Eur Radiol 2024."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.synthetic.cohort import (
    ENTITIES,
    PAPER_FILMS,
    PAPER_PATIENTS,
    SITE_SHARES,
    EntityFacts,
    largest_remainder,
    plan_cohort,
    site_table,
)
from indexer.synthetic.placement import place, plan_queries

PAPER_ENTITIES = {
    "aneurysmal bone cyst": 49,
    "chondroblastoma": 18,
    "chondrosarcoma": 124,
    "enchondroma": 181,
    "Ewing sarcoma": 9,
    "fibrous dysplasia": 31,
    "giant cell tumour": 51,
    "non-ossifying fibroma": 33,
    "osteochondroma": 229,
    "osteosarcoma": 84,
}
COHORT = plan_cohort(240, 0)


def test_entities_have_the_papers_shares() -> None:
    counts = Counter(p.entity for p in COHORT)
    assert set(counts) == set(PAPER_ENTITIES)
    assert min(counts.values()) >= 2
    for entity, number in PAPER_ENTITIES.items():
        assert counts[entity] == pytest.approx(240 * number / PAPER_PATIENTS, abs=1)


@pytest.mark.parametrize("n_patients", [60, 61, 97, 240, 809])
def test_every_entity_is_there_twice_from_sixty_patients_on(n_patients: int) -> None:
    counts = Counter(p.entity for p in plan_cohort(n_patients, 5))
    assert len(counts) == 10
    assert min(counts.values()) >= 2
    assert sum(counts.values()) == n_patients


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_margins_hold_for_any_seed(seed: int) -> None:
    cohort = plan_cohort(240, seed)
    ages = np.array([p.age for p in cohort])
    assert np.mean([p.sex == "F" for p in cohort]) == pytest.approx(0.4524, abs=0.05)
    assert 28 <= ages.mean() <= 40
    assert 14 <= ages.std() <= 23
    assert ages.min() >= 3
    assert ages.max() <= 89
    films = sum(len(p.films) for p in cohort) / len(cohort)
    assert films == pytest.approx(PAPER_FILMS / PAPER_PATIENTS, abs=0.25)
    assert {len(p.films) for p in cohort} == {1, 2, 3, 4}


def test_sites_have_the_papers_shares() -> None:
    table = site_table()
    assert table.sum() == pytest.approx(1)
    np.testing.assert_allclose(100 * table.sum(axis=0), list(SITE_SHARES.values()), atol=0.4)
    counts = Counter(p.site for p in COHORT)
    for site, share in SITE_SHARES.items():
        assert 100 * counts[site] / 240 == pytest.approx(share, abs=4)


def test_ages_and_sites_follow_the_entity() -> None:
    cohort = plan_cohort(800, 1)

    def of(entity: str) -> tuple[float, Counter[str]]:
        members = [p for p in cohort if p.entity == entity]
        return float(np.median([p.age for p in members])), Counter(p.site for p in members)

    assert of("non-ossifying fibroma")[0] < 18 < of("giant cell tumour")[0] < of("chondrosarcoma")[0]
    assert of("osteosarcoma")[0] < 25
    hands = {entity: of(entity)[1]["hand"] for entity in ENTITIES}
    assert hands["enchondroma"] > 0.6 * sum(hands.values())
    assert of("osteosarcoma")[1]["hand"] == 0
    assert of("chondrosarcoma")[1]["ilium"] > of("enchondroma")[1]["ilium"]


def test_dates_and_proofs_are_coherent() -> None:
    for patient in COHORT:
        assert patient.malignancy == "benign" or patient.proof == "histology"
        for film in patient.films:
            assert film.taken > patient.born
            if film.stage == "after operation":
                assert patient.surgery is not None
                assert film.taken > patient.surgery
                assert film is patient.films[-1]
            elif film.stage == "after therapy":
                assert patient.surgery is not None
                assert patient.proven < film.taken < patient.surgery
            else:
                assert film.taken <= patient.proven
        days = [film.taken for film in patient.films]
        assert days == sorted(days)


def test_stages_are_all_there() -> None:
    stages = Counter(film.stage for p in COHORT for film in p.films)
    assert set(stages) == {"before treatment", "after operation", "after therapy", "unknown"}
    assert stages["before treatment"] > 0.7 * sum(stages.values())


def test_queries_are_nobody_of_the_archive() -> None:
    known = {p.patient_id for p in COHORT}
    assert len(known) == 240
    queries = plan_queries(0)
    assert not known & {p.patient_id for p in queries}
    assert [p.entity for p in queries] == ["osteosarcoma", "enchondroma"]
    assert {p.films[0].stage for p in queries} == {"before treatment"}
    assert place(queries[0]).end == "end", "the knee end of the femur"


@given(st.lists(st.floats(0.1, 50), min_size=1, max_size=12), st.integers(0, 500))
def test_largest_remainder_sums_up_and_is_near(shares: list[float], total: int) -> None:
    counts = largest_remainder(shares, total)
    assert sum(counts) == total
    for count, share in zip(counts, shares, strict=True):
        assert abs(count - share / sum(shares) * total) < 1 + 1e-9


def test_a_malignant_entity_is_never_proven_by_board_alone() -> None:
    with pytest.raises(ValueError, match="histology"):
        EntityFacts(1, 50, "malignant", 10, ((1, 20, 5, 1, 40),), {"femur": 1})
