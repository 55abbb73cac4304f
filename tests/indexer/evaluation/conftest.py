"""Cohorts with many ties, and a slow plain evaluation to hold the fast one against."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from indexer.evaluation import Cohort


def make_cohort(seed: int, n: int = 30, patients: int = 12, **given: Any) -> Cohort:
    """Vectors of four numbers, each +-0.5: unit length, five cosines, all exact in float32, so many ties."""
    rng = np.random.default_rng(seed)
    patient = rng.integers(patients, size=n)
    columns: dict[str, Any] = {
        "vectors": rng.choice([-0.5, 0.5], size=(n, 4)).astype(np.float32),
        "film": 1000 + rng.permutation(n),
        "patient": np.array([f"p{number}" for number in patient], dtype=object),
        "group": np.array([f"g{number // 2}" for number in patient], dtype=object),
        "entity": rng.choice(
            np.array(["osteosarcoma", "enchondroma", "bone cyst", None], dtype=object), n, p=[0.4, 0.3, 0.2, 0.1]
        ),
        "age": np.where(rng.random(n) < 0.2, np.nan, rng.integers(1, 90, n)),
        "sex": rng.choice(np.array(["F", "M", None], dtype=object), n),
        "site": rng.choice(np.array(["tibia", "tibia;fibula", "femur", None], dtype=object), n),
        "centre": rng.choice(np.array(["1", "2", None], dtype=object), n),
        "view": rng.choice(np.array(["frontal", "lateral"], dtype=object), n),
        "region": rng.choice(np.array(["mask", "whole"], dtype=object), n),
    }
    return Cohort(**{**columns, **given})


@pytest.fixture(scope="session", name="make_cohort")
def _make_cohort() -> Callable[..., Cohort]:
    return make_cohort


def plain_ranking(
    archive: Cohort, queries: Cohort, i: int, similarity: Callable[[int, int], float]
) -> list[tuple[float, int]]:
    """(similarity, archive row) of each patient's best film, the most similar first, equals by archive row."""
    best: dict[str, tuple[float, int]] = {}
    for j in range(len(archive)):
        own = archive.patient[j] == queries.patient[i] or archive.group[j] == queries.group[i]
        if own or archive.entity[j] is None:
            continue
        found = similarity(i, j)
        if archive.patient[j] not in best or found > best[archive.patient[j]][0]:
            best[archive.patient[j]] = (found, j)
    return sorted(best.values(), key=lambda pair: (-pair[0], pair[1]))


def plain_vote(nearest: list[tuple[float, str]]) -> str | None:
    """One vote each; ties by summed similarity, then by the nearer."""
    votes: dict[str, list[float]] = {}
    for position, (found, entity) in enumerate(nearest):
        score = votes.setdefault(entity, [0.0, 0.0, float(-position)])
        score[0] += 1
        score[1] += found
    return max(votes, key=lambda entity: votes[entity]) if votes else None


@pytest.fixture(scope="session")
def plain() -> dict[str, Callable[..., Any]]:
    return {"ranking": plain_ranking, "vote": plain_vote}
