"""What embeddings of held-out patients find among training patients: one vote per patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors, as_queries
from engine.training.films import TrainingSet

VOTERS = 5
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Found:
    """For each query film its nearest patients, best first.

    label: object (q, k), the entity of each patient's best film. similarity: float32 (q, k), see `as_queries`.
    """

    label: npt.NDArray[np.object_]
    similarity: npt.NDArray[np.float32]

    def votes(self) -> npt.NDArray[np.object_]:
        """The entity that most patients have, object (q,); ties go to the larger summed similarity."""
        return np.array([_vote(labels, near) for labels, near in zip(self.label, self.similarity, strict=True)], object)


def nearest_patients(queries: Vectors, gallery: Vectors, films: TrainingSet, k: int = VOTERS) -> Found:
    """The k nearest patients of each query; films: the gallery's, in the order of its vectors."""
    alike = as_queries(queries) @ gallery.T
    order = np.argsort(-alike, axis=1, kind="stable")
    patients, entity = films.column("patient"), films.column("entity")
    places = [_first_of_each(patients[row], k) for row in order]
    k = min(map(len, places), default=0)
    rows = np.stack([row[place[:k]] for row, place in zip(order, places, strict=True)])
    return Found(entity[rows], np.take_along_axis(alike, rows, axis=1).astype(np.float32))


def retrieval_scores(found: Found, films: TrainingSet, seed: int) -> dict[str, Any]:
    """Precision at 1, vote of five and macro recall of the vote, with n and 95 % intervals over split groups."""
    truth = films.column("entity")
    right = {"precision_at_1": found.label[:, 0] == truth, "vote_at_5": found.votes() == truth}
    groups = np.unique(films.column("group").astype(str), return_inverse=True)[1]
    scores: dict[str, Any] = {name: _interval(hits.astype(float), groups, seed) for name, hits in right.items()}
    recall = {str(entity): float(right["vote_at_5"][truth == entity].mean()) for entity in sorted(set(truth))}
    scores["macro_recall_at_5"] = {"value": float(np.mean([*recall.values()]))}
    scores["recall_at_5"] = {
        entity: {"value": value, "n": int((truth == entity).sum())} for entity, value in recall.items()
    }
    return scores | {
        "films": len(films),
        "patients": len(set(films.column("patient"))),
        "groups": int(groups.max()) + 1,
    }


def _first_of_each(patients: Sequence[Any] | npt.NDArray[np.object_], k: int) -> npt.NDArray[np.int64]:
    first = np.sort(np.unique(np.asarray(patients).astype(str), return_index=True)[1])
    return np.asarray(first[:k], np.int64)


def _vote(labels: npt.NDArray[np.object_], similarity: npt.NDArray[np.float32]) -> object:
    tally: dict[object, tuple[int, float]] = {}
    for label, near in zip(labels, similarity, strict=True):
        count, total = tally.get(label, (0, 0.0))
        tally[label] = count + 1, total + float(near)
    return max(tally, key=lambda label: tally[label])


def _interval(hits: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], seed: int) -> dict[str, float]:
    """A share and its 95 % interval, drawing whole groups."""
    films, sums = np.bincount(groups), np.bincount(groups, hits)
    drawn = np.random.default_rng(seed).integers(0, len(films), (DRAWS, len(films)))
    shares = sums[drawn].sum(axis=1) / films[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return {"value": float(hits.mean()), "low": float(low), "high": float(high), "n": len(hits)}
