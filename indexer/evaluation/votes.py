"""The votes of pooled films held against the truth: confidence, malignancy, labels merged."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from indexer.evaluation.bootstrap import Clusters, Estimate, Ints, Reals
from indexer.evaluation.calibration import BINS, brier, calibration_error, reliability
from indexer.evaluation.cohort import numbered
from indexer.evaluation.malignancy import (
    WANTED_SENSITIVITY,
    crossed_thresholds,
    malignant_share,
    roc_area,
    threshold_folds,
)
from indexer.evaluation.pooled import Pooled
from indexer.evaluation.promises import Promise
from indexer.evaluation.selective import curve, risk_area
from indexer.evaluation.settings import COMMON, Settings
from indexer.evaluation.trees import Tree
from indexer.evaluation.voting import leader, shares, vote, weights

HALF = 0.5


@dataclass(frozen=True, eq=False)
class Ballot:
    """One way to count votes. share: of each entity, (q, e). confidence: of the winner. correct: 0 or 1."""

    share: Reals
    confidence: Reals
    correct: Reals


@dataclass(frozen=True, eq=False)
class MalignantVote:
    """Malignant share at one k, and whether it reaches 0.5 and the operating point, of the films that are asked."""

    rows: Ints
    positive: np.typing.NDArray[np.bool_]
    score: Reals
    at: Reals


def ballot(films: Pooled, k: int, *, weighted: bool) -> Ballot:
    """The vote of k neighbours, every vote alike or weighted by similarity; ties of the first as `voting.vote`."""
    label, similarity = films.label[:, :k], films.similarity[:, :k]
    weight = weights(label, similarity) if weighted else np.ones(label.shape)
    share = shares(label, np.where(label < 0, 0.0, weight), len(films.entities))
    winner = leader(label, share) if weighted else vote(label, similarity)
    confidence = np.where(winner < 0, 0.0, share[np.arange(len(winner)), winner])
    return Ballot(share, confidence, (winner == films.truth).astype(np.float64))


def promised(films: Pooled, promise: Promise) -> Ballot:
    """The calibrated shares as a vote; the likeliest entity wins."""
    winner = promise.share.argmax(axis=1)
    return Ballot(promise.share, promise.share.max(axis=1), (winner == films.truth).astype(np.float64))


def calibration(films: Pooled, clusters: Clusters, k: int, promise: Promise | None, *, detail: bool) -> Tree:
    """Accuracy, ECE, Brier score and area under risk-coverage of each way to count votes; tables where asked for."""
    found: Tree = {"k": k, "bins": BINS}
    ways = {name: ballot(films, k, weighted=weighted) for name, weighted in (("votes", False), ("weighted", True))}
    if promise is not None:
        ways["calibrated"] = promised(films, promise)
    for name, one in ways.items():
        accuracy, score = clusters.mean(np.stack([one.correct, brier(one.share, films.truth)], axis=1))
        found[name] = {
            "vote_accuracy": accuracy,
            "macro_recall": clusters.macro_recall(one.correct[:, None], films.truth)[0],
            "ece": clusters.statistic(calibration_error(one.confidence, one.correct)),
            "brier": score,
            "risk_area": clusters.statistic(risk_area(one.confidence, one.correct)),
        }
        if detail:
            found[name]["reliability"] = reliability(one.confidence, one.correct)
            found[name]["risk_coverage"] = curve(one.confidence, one.correct)
    return found


def common(films: Pooled, correct: Reals, clusters: Clusters, ks: tuple[int, ...]) -> Tree | None:
    """Macro recall over the entities with at least COMMON patients among these films; None without any."""
    patients = set(zip(films.truth.tolist(), films.queries.patient, strict=True))
    counts = np.bincount([code for code, _ in patients], minlength=len(films.entities))
    rows = np.flatnonzero(counts[films.truth] >= COMMON)
    if not len(rows):
        return None
    found = clusters.take(rows).macro_recall(correct[rows], films.truth[rows])
    return {
        "least_patients": COMMON,
        "n_entities": int((counts >= COMMON).sum()),
        "n_films": len(rows),
        "macro_recall": dict(zip(map(str, ks), found, strict=True)),
    }


def confusion(films: Pooled, k: int) -> Tree:
    """How often films of each entity were voted to be each: counts[truth][voted], the last column for no vote."""
    voted = vote(films.label[:, :k], films.similarity[:, :k])
    held = sorted(set(films.truth.tolist()) | set(voted[voted >= 0].tolist()), key=lambda code: films.entities[code])
    counts = [[int(((films.truth == row) & (voted == column)).sum()) for column in (*held, -1)] for row in held]
    return {"k": k, "entities": [films.entities[code] for code in held], "counts": counts}


def merged(films: Pooled, clusters: Clusters, settings: Settings) -> Tree:
    """Vote accuracy and macro recall after entities are counted as another, in the votes and in the truth."""
    names = np.array([settings.merge.get(name, name) for name in films.entities], dtype=object)
    entities, code = numbered(names)
    label = np.where(films.label < 0, -1, code[films.label])
    as_merged = replace(films, label=label, truth=code[films.truth], entities=entities)
    votes = [vote(label[:, :k], films.similarity[:, :k]) for k in settings.ks]
    correct = (np.stack(votes, axis=1) == as_merged.truth[:, None]).astype(np.float64)
    accuracy, macro = clusters.mean(correct), clusters.macro_recall(correct, as_merged.truth)
    return {
        "labels": _labels(settings.merge),
        "vote_accuracy": dict(zip(map(str, settings.ks), accuracy, strict=True)),
        "macro_recall": dict(zip(map(str, settings.ks), macro, strict=True)),
        "common": common(as_merged, correct, clusters, settings.ks),
    }


def malignant_votes(films: Pooled, settings: Settings, fixed: Mapping[int, float | None]) -> dict[int, MalignantVote]:
    """For each of `malignant_ks` the malignant share of every film that is malignant or benign, with its threshold.

    fixed: the thresholds of each k where they were fixed outside these films; empty = fixed on the other folds, or,
    where all films are of one fold, on the other parts of a random split of the groups.
    """
    found = {}
    for k in settings.malignant_ks:
        label, similarity = films.label[:, :k], films.similarity[:, :k]
        score = malignant_share(films.malignant[:, :k], weights(label, similarity))
        rows = np.flatnonzero((films.malignant_query >= 0) & ~np.isnan(score))
        positive, score = films.malignant_query[rows] == 1, score[rows]
        found[k] = MalignantVote(
            rows, positive, score, _thresholds(films, rows, positive, score, settings, fixed.get(k))
        )
    return found


def malignancy(votes: Mapping[int, MalignantVote], chosen: Ints, clusters: Clusters) -> Tree | None:
    """By k: AUROC, sensitivity and specificity, of the chosen films (rows of all films, as `clusters` has them).

    None where these films are not of both kinds.
    """
    found: Tree = {}
    for k, given in votes.items():
        mine = np.isin(given.rows, chosen)
        positive, score, at = given.positive[mine], given.score[mine], given.at[mine]
        if not (positive.any() and (~positive).any()):
            return None
        own = clusters.take(np.searchsorted(chosen, given.rows[mine]))
        found[str(k)] = {
            "n_films": int(mine.sum()),
            "n_malignant": int(positive.sum()),
            "auroc": own.statistic(roc_area(score, positive)),
            "at_half": _rates(own, positive, score >= HALF),
            "operating_point": _operating(own, positive, score, at),
        }
    return found


def _operating(clusters: Clusters, positive: np.typing.NDArray[np.bool_], score: Reals, at: Reals) -> Tree | None:
    if np.isnan(at).any():
        return None
    thresholds = sorted({float(value) for value in at})
    return {
        "wanted_sensitivity": WANTED_SENSITIVITY,
        "thresholds": thresholds,
        **_rates(clusters, positive, score >= at),
    }


def _rates(
    clusters: Clusters, positive: np.typing.NDArray[np.bool_], called: np.typing.NDArray[np.bool_]
) -> dict[str, Estimate]:
    right = (called == positive).astype(np.float64)[:, None]
    return {
        "sensitivity": clusters.take(positive).mean(right[positive])[0],
        "specificity": clusters.take(~positive).mean(right[~positive])[0],
    }


def _thresholds(
    films: Pooled,
    rows: Ints,
    positive: np.typing.NDArray[np.bool_],
    score: Reals,
    settings: Settings,
    fixed: float | None,
) -> Reals:
    given = settings.malignant_at if settings.malignant_at is not None else fixed
    if given is not None:
        return np.full(len(rows), given)
    fold: Ints | None = films.fold[rows]
    if len(np.unique(films.fold)) < 2:
        fold = threshold_folds(films.queries.group[rows], positive, settings.seed) if len(rows) else None
    return np.full(len(rows), np.nan) if fold is None else crossed_thresholds(score, positive, fold)


def _labels(merge: Mapping[str, str]) -> dict[str, list[str]]:
    targets = sorted(set(merge.values()))
    return {into: sorted(name for name, other in merge.items() if other == into) for into in targets}
