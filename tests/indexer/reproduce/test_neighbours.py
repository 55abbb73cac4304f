from collections.abc import Callable

import numpy as np
import pytest

from indexer.evaluation import Cohort
from indexer.reproduce.neighbours import Search, Votes, neighbours, neighbours_by_metadata

Make = Callable[..., Cohort]


@pytest.fixture
def archive(cohort: Make) -> Cohort:
    """Near the query (1, 0): three films of one sarcoma patient, then two cyst patients with one film each."""
    angles = np.radians([2, 4, 6, 10, 12, 80])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    entities = ["sarcoma"] * 3 + ["cyst"] * 2 + ["sarcoma"]
    return cohort(rows, ["A", "A", "A", "B", "C", "D"], entities)


@pytest.fixture
def query(cohort: Make) -> Cohort:
    return cohort([[1.0, 0.0]], ["Q"], ["cyst"])


def test_a_patient_with_three_films_outvotes_others_only_by_films(archive: Cohort, query: Cohort) -> None:
    films = neighbours(archive, query, (1, 3, 5), Votes.films, Search.exact)
    assert films.film[0].tolist() == [0, 1, 2, 3, 4]
    assert films.voted[0].tolist() == ["sarcoma"] * 3
    assert films.figures["precision"] == pytest.approx((0, 0, 2 / 5))
    assert films.figures["hit"] == (0, 0, 1)
    patients = neighbours(archive, query, (1, 3), Votes.patients, Search.exact)
    assert patients.film[0].tolist() == [0, 3, 4]
    assert patients.voted[0].tolist() == ["sarcoma", "cyst"]
    assert patients.figures["precision"] == pytest.approx((0, 2 / 3))
    assert patients.figures["accuracy"] == (0, 1)


def test_films_of_the_querys_own_patient_or_group_never_vote(archive: Cohort, cohort: Make) -> None:
    own = cohort([[1.0, 0.0]], ["A"], ["cyst"])
    for votes in Votes:
        found = neighbours(archive, own, (3,), votes, Search.exact)
        assert found.film[0].tolist() == [3, 4, 5]


def test_a_long_hash_finds_what_exact_search_finds(cohort: Make) -> None:
    rng = np.random.default_rng(0)
    entities = [("cyst", "sarcoma")[k % 2] for k in range(40)]
    centres = np.array([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    rows = [centres[k % 2] + rng.normal(0, 0.2, 4) for k in range(40)]
    archive = cohort(rows[:30], [f"p{k}" for k in range(30)], entities[:30])
    queries = cohort(rows[30:], [f"q{k}" for k in range(10)], entities[30:])
    exact, hashed = (neighbours(archive, queries, (1, 5), Votes.films, how) for how in (Search.exact, Search.hash))
    assert exact.figures["accuracy"] == hashed.figures["accuracy"] == (1, 1)
    same = neighbours(archive, queries, (1,), Votes.films, Search.hash, bits=4096)
    assert (same.film[:, 0] == exact.film[:, 0]).mean() >= 0.7
    short = neighbours(archive, queries, (1,), Votes.films, Search.hash, bits=8)
    assert (short.film[:, 0] == exact.film[:, 0]).mean() < (same.film[:, 0] == exact.film[:, 0]).mean()


def test_equal_hashes_go_by_archive_row(cohort: Make) -> None:
    archive = cohort([[1, 0.001], [1, 0.0], [1, 0.002]], ["B", "A", "C"], ["x", "y", "z"])
    found = neighbours(archive, cohort([[1, 0]], ["Q"], ["y"]), (3,), Votes.films, Search.hash, bits=8)
    assert found.film[0].tolist() == [0, 1, 2]


def test_metadata_that_says_nothing_is_chance(cohort: Make) -> None:
    rng = np.random.default_rng(1)
    names = rng.choice(["a", "b"], 400)
    archive = cohort(np.ones((300, 2)), [f"p{k}" for k in range(300)], names[:300])
    queries = cohort(np.ones((100, 2)), [f"q{k}" for k in range(100)], names[300:])
    for votes in Votes:
        figures = neighbours_by_metadata(archive, queries, (1, 3), votes, seed=0)
        assert figures["precision"] == pytest.approx((0.5, 0.5), abs=0.1)
        assert figures == neighbours_by_metadata(archive, queries, (1, 3), votes, seed=0)
