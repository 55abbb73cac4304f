"""The figures of one group of queries, as JSON values."""

from collections import Counter
from typing import Any

import numpy as np

from indexer.evaluation.bootstrap import Clusters, Estimate
from indexer.evaluation.cohort import Cohort
from indexer.evaluation.ranking import Ints
from indexer.evaluation.scores import Reals, Scores


def group(
    queries: Cohort, archive: Cohort, found: dict[str, Scores], rows: Ints, clusters: Clusters, ks: tuple[int, ...]
) -> dict[str, Any]:
    """Figures of `queries`, which are the given rows of every Scores; `found` holds "model" and the baselines."""
    truth = np.unique(queries.entity.astype(str), return_inverse=True)[1]
    baselines = {name: _figures(scores, rows, truth, clusters, ks) for name, scores in found.items() if name != "model"}
    return {
        "n_films": len(queries),
        "n_patients": len(set(queries.patient)),
        "n_groups": len(set(queries.group)),
        **_figures(found["model"], rows, truth, clusters, ks),
        "per_entity": _per_entity(queries, found["model"].correct[rows], ks),
        "baselines": {"majority": _majority(queries, archive, truth, clusters), **baselines},
    }


def most_common(archive: Cohort) -> str:
    """The entity that most patients of the archive have; the first by name among equals."""
    counts = Counter(entity for _, entity in set(zip(archive.patient, archive.entity, strict=True)))
    return str(min(counts, key=lambda entity: (-counts[entity], entity)))


def _figures(scores: Scores, rows: Ints, truth: Ints, clusters: Clusters, ks: tuple[int, ...]) -> dict[str, Any]:
    return {
        "precision": _by_k(clusters.mean(scores.precision[rows]), ks),
        "hit": _by_k(clusters.mean(scores.hit[rows]), ks),
        "vote_accuracy": _by_k(clusters.mean(scores.correct[rows]), ks),
        "macro_recall": _by_k(clusters.macro_recall(scores.correct[rows], truth), ks),
        "map": clusters.mean(scores.average_precision[rows, None])[0].to_dict(),
    }


def _by_k(estimates: list[Estimate], ks: tuple[int, ...]) -> dict[str, Any]:
    return {str(k): estimate.to_dict() for k, estimate in zip(ks, estimates, strict=True)}


def _per_entity(queries: Cohort, correct: Reals, ks: tuple[int, ...]) -> dict[str, Any]:
    found = {}
    for entity in sorted(set(queries.entity)):
        films = queries.entity == entity
        recall = correct[films].mean(axis=0)
        found[entity] = {
            "n_films": int(films.sum()),
            "n_patients": len(set(queries.patient[films])),
            "recall": {str(k): float(value) for k, value in zip(ks, recall, strict=True)},
        }
    return found


def _majority(queries: Cohort, archive: Cohort, truth: Ints, clusters: Clusters) -> dict[str, Any]:
    """The archive's most common entity as the answer to every query, whatever k."""
    entity = most_common(archive)
    correct = (queries.entity == entity).astype(np.float64)[:, None]
    return {
        "entity": entity,
        "vote_accuracy": clusters.mean(correct)[0].to_dict(),
        "macro_recall": clusters.macro_recall(correct, truth)[0].to_dict(),
    }
