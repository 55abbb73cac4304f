"""The figures of one group of queries, as a tree whose leaves are estimates."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from indexer.evaluation import votes
from indexer.evaluation.bootstrap import Clusters, Estimate, Ints
from indexer.evaluation.pooled import Figures, Pooled
from indexer.evaluation.promises import Promise, kept
from indexer.evaluation.settings import Settings
from indexer.evaluation.trees import Tree
from indexer.evaluation.trial import MODEL
from indexer.evaluation.votes import MalignantVote


def group(
    films: Pooled,
    chosen: Ints,
    clusters: Clusters,
    malignant: Mapping[int, MalignantVote],
    promise: Promise | None,
    settings: Settings,
    *,
    detail: bool,
) -> Tree:
    """Figures of the chosen rows of all films; `clusters` holds these rows. detail: with the tables behind figures."""
    asked, promised = films.take(chosen), promise and promise.take(chosen)
    model, ks = asked.found[MODEL], settings.ks
    baselines = {
        name: _figures(figures, asked.truth, clusters, ks) for name, figures in asked.found.items() if name != MODEL
    }
    tree: Tree = {
        "n_films": len(asked),
        "n_patients": len(set(asked.queries.patient)),
        "n_groups": len(set(asked.queries.group)),
        **_figures(model, asked.truth, clusters, ks),
        "common": votes.common(asked, model.correct, clusters, ks),
        "calibration": votes.calibration(asked, clusters, settings.vote_k, promised, detail=detail),
        "prediction_set": promised and kept(promised, asked, clusters),
        "malignancy": votes.malignancy(malignant, chosen, clusters),
        "per_entity": _per_entity(asked, clusters, ks),
        "confusion": votes.confusion(asked, settings.vote_k),
        "baselines": {"majority": _majority(asked, clusters), **baselines},
    }
    if settings.merge:
        tree["merged"] = votes.merged(asked, clusters, settings)
    return tree


def as_json(tree: Any) -> Any:
    """A tree as JSON values: estimates become value, low and high."""
    if isinstance(tree, Estimate):
        return tree.to_dict()
    if isinstance(tree, Mapping):
        return {name: as_json(value) for name, value in tree.items()}
    return tree


def _figures(figures: Figures, truth: Ints, clusters: Clusters, ks: tuple[int, ...]) -> Tree:
    return {
        "precision": _by_k(clusters.mean(figures.precision), ks),
        "hit": _by_k(clusters.mean(figures.hit), ks),
        "vote_accuracy": _by_k(clusters.mean(figures.correct), ks),
        "macro_recall": _by_k(clusters.macro_recall(figures.correct, truth), ks),
        "map": clusters.mean(figures.average_precision[:, None])[0],
    }


def _by_k(estimates: list[Estimate], ks: tuple[int, ...]) -> Tree:
    return {str(k): estimate for k, estimate in zip(ks, estimates, strict=True)}


def _per_entity(films: Pooled, clusters: Clusters, ks: tuple[int, ...]) -> Tree:
    queries, correct = films.queries, films.found[MODEL].correct
    found = {}
    for entity in sorted(set(queries.entity)):
        rows = queries.entity == entity
        recall = dict(zip(map(str, ks), clusters.take(rows).mean(correct[rows]), strict=True))
        found[entity] = {
            "n_films": int(rows.sum()),
            "n_patients": len(set(queries.patient[rows])),
            "recall": {k: one.value for k, one in recall.items()},
            "interval": {k: None if one.low is None else [one.low, one.high] for k, one in recall.items()},
        }
    return found


def _majority(films: Pooled, clusters: Clusters) -> Tree:
    """The archive's most common entity as the answer to every query, whatever k."""
    correct = (films.queries.entity == films.majority).astype(np.float64)[:, None]
    return {
        "entity": " / ".join(sorted(set(films.majority))),
        "vote_accuracy": clusters.mean(correct)[0],
        "macro_recall": clusters.macro_recall(correct, films.truth)[0],
    }
