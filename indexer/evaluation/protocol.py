"""The evaluation itself: unseen patients against an archive, every patient against all others, or folds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.errors import QueryError
from indexer.evaluation import report
from indexer.evaluation.bootstrap import Clusters
from indexer.evaluation.cohort import UNKNOWN, Cohort, Column, named, natural
from indexer.evaluation.malignancy import malignant_share, threshold_for
from indexer.evaluation.pooled import Floats, Pooled, pool
from indexer.evaluation.promises import Promise, promises
from indexer.evaluation.ranking import Ints
from indexer.evaluation.settings import KS, Settings, settings
from indexer.evaluation.trial import MODEL, Trial, ask, differs, make_trial, malignancy, malignant_or_benign
from indexer.evaluation.trial import trial_scores as scores_of
from indexer.evaluation.votes import malignant_votes
from indexer.evaluation.voting import TIE_RULE, weights
from indexer.votes.calibration import Calibration

CROSS_VALIDATION = "grouped cross-validation"
LEAVE_OUT = "leave one value out"
INSIDE, UNSEEN = "leave one patient out", "unseen queries"
_BOOTSTRAP = 0  # its stream of random numbers
Folds = Sequence[tuple[Cohort, Cohort]]


@dataclass(frozen=True, eq=False)
class FilmResults:
    """What each query film met, for looking at errors and for calibrating votes.

    film, fold: int64 (q,). group, entity: object (q,). predicted: object (q, K), the vote at each k, None without
    neighbours. Of the nearest patients' best films, (q, max k): neighbour: int64, film ids, -1 in empty places;
    neighbour_entity: object, None if empty; similarity: float32, 0 if empty.
    """

    film: Ints
    fold: Ints
    group: Column
    entity: Column
    predicted: Column
    neighbour: Ints
    neighbour_entity: Column
    similarity: Floats


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures by group of queries, how they came about, and what each film met.

    tree: the figures with estimates (and their resamples) as leaves; `groups` are the same as JSON values.
    """

    manifest: Mapping[str, Any]
    tree: Mapping[str, Any]
    films: FilmResults

    @cached_property
    def groups(self) -> Mapping[str, Any]:
        """Figures by group of queries, "all" first, as in schema.json."""
        found: Mapping[str, Any] = report.as_json(self.tree)
        return found

    def to_dict(self, manifest: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """JSON as in schema.json; `manifest` adds the caller's facts (model, archive version), never replaces ours."""
        return {"manifest": {**(manifest or {}), **self.manifest}, "groups": dict(self.groups)}


def evaluate(
    archive: Cohort,
    queries: Cohort | None,
    *,
    ks: Sequence[int] = KS,
    by: str | Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    merge: Mapping[str, str] | None = None,
    malignant_at: float | None = None,
    calibration: Calibration | None = None,
    fixing: Cohort | None = None,
) -> Evaluation:
    """Measure how well nearest patients tell a film's entity.

    queries None: every film of the archive asks, without the films of its own patient and split group (leave one
    patient out). Else the queries ask, and archive films of their patient or group are left out likewise. A film with
    an entity is a query; its neighbours are patients, each as near as their best film and with that film's entity,
    ties by archive row. Films without an entity neither ask nor answer; the manifest counts them. `by` reports the
    queries of each value of a column (of several columns) apart, against the whole archive; a film of several sites
    counts under each. `merge`: see `Settings`. The malignant threshold, unless given as `malignant_at`, is fixed on
    other patients: inside an archive on the other parts of a random split of the groups, for unseen queries on the
    archive's patients, each against the others. fixing: those of its films that may do so, where the encoder learnt
    from the others; None = all. If none of them is malignant, other parts of the queries fix it. calibration: of the
    archive's votes, for unseen queries; None = films of other split groups calibrate a film's shares and its prediction
    set. Raises QueryError where there is nothing to ask or to find, ModelMismatch where vectors differ in dimension.
    """
    wanted = settings(by, ks=tuple(ks), resamples=resamples, seed=seed, merge=merge or {}, malignant_at=malignant_at)
    asked = archive if queries is None else queries
    _check(asked, wanted)
    trial = make_trial(archive, asked)
    films = _pooled([trial], wanted)
    inside = bool(np.isin(trial.asked.patient, trial.gallery.patient).any())
    fixed = {} if inside or malignant_at is not None else _fixed_on(archive, fixing, films, wanted)
    facts = {
        "protocol": INSIDE if inside else UNSEEN,
        "n_unlabelled": len(archive) - len(trial.archive),
        "n_queries_unlabelled": len(asked) - len(trial.queries),
    }
    promise = promises(films, None if inside else calibration, seed)
    return _evaluation([trial], films, fixed, promise, wanted, by, facts)


def evaluate_folds(
    folds: Folds,
    *,
    names: Sequence[str] | None = None,
    protocol: str = CROSS_VALIDATION,
    ks: Sequence[int] = KS,
    by: str | Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    merge: Mapping[str, str] | None = None,
    malignant_at: float | None = None,
) -> Evaluation:
    """Measure each fold's queries against its own archive and report all queries together.

    folds: (archive, queries) of each; their vectors may come of another encoder in each fold, and only films of one
    fold are compared. A film is a query of one fold, and no split group is on both sides of one. The malignant
    threshold of a fold, its shares and its prediction sets are fixed on the queries of the others. All else as
    `evaluate`; intervals are over all groups.
    Raises QueryError for folds that share what they must not, and else as `evaluate`.
    """
    wanted = settings(by, ks=tuple(ks), resamples=resamples, seed=seed, merge=merge or {}, malignant_at=malignant_at)
    names = [f"{number + 1}" for number in range(len(folds))] if names is None else list(names)
    _check_folds(folds, names, protocol)
    for _, queries in folds:
        _check(queries, wanted)
    trials = [make_trial(archive, queries) for archive, queries in folds]
    films = _pooled(trials, wanted)
    archive_films = {film: known for archive, _ in folds for film, known in _labelled(archive)}
    facts = {
        "protocol": protocol,
        "n_unlabelled": sum(not known for known in archive_films.values()),
        "n_queries_unlabelled": sum(not known for _, queries in folds for _, known in _labelled(queries)),
        "folds": [_fold(name, trial) for name, trial in zip(names, trials, strict=True)],
    }
    return _evaluation(trials, films, {}, promises(films, None, seed), wanted, by, facts)


def _evaluation(
    trials: Sequence[Trial],
    films: Pooled,
    fixed: Mapping[int, float | None],
    promise: Promise | None,
    wanted: Settings,
    by: str | Sequence[str] | None,
    facts: Mapping[str, Any],
) -> Evaluation:
    malignant = malignant_votes(films, wanted, fixed)
    tree = {}
    for name, rows in _groups(films.queries, wanted.by).items():
        clusters = Clusters.draw(
            films.queries.group[rows], wanted.resamples, np.random.default_rng([wanted.seed, _BOOTSTRAP])
        )
        tree[name] = report.group(films, rows, clusters, malignant, promise, wanted, detail=name == "all")
    manifest = {
        "protocol": facts["protocol"],
        "ks": list(wanted.ks),
        "by": by if by is None or isinstance(by, str) else list(wanted.by),
        "resamples": wanted.resamples,
        "seed": wanted.seed,
        **_facts(trials, films, wanted),
        **facts,
    }
    return Evaluation(manifest, tree, _films(films, max(wanted.ks)))


def _pooled(trials: Sequence[Trial], wanted: Settings) -> Pooled:
    shortcut = any(differs(trial) for trial in trials)
    films = pool([ask(trial, wanted, shortcut=shortcut, stream=fold) for fold, trial in enumerate(trials)])
    if not films.found[MODEL].patients.any():
        raise QueryError("No query has a patient of another group to compare with; give an archive of more patients.")
    known = {*films.entities, *(entity for trial in trials for entity in trial.entities)}
    strange = ({*wanted.merge} | {*wanted.merge.values()}) - known
    if strange:
        raise QueryError(f"No film has the entity {min(strange)!r} that is to be merged; name those of the archive.")
    return films


def _check(queries: Cohort, wanted: Settings) -> None:
    for name in wanted.by:
        queries.column(name)


def _check_folds(folds: Folds, names: Sequence[str], protocol: str) -> None:
    if protocol not in (CROSS_VALIDATION, LEAVE_OUT):
        raise QueryError(f"Folds are no {protocol!r}; call them {CROSS_VALIDATION!r} or {LEAVE_OUT!r}.")
    if not folds or len(names) != len(folds):
        raise QueryError(
            f"{len(names)} names were given for {len(folds)} folds; give at least one fold, one name each."
        )
    seen: set[int] = set()
    for name, (archive, queries) in zip(names, folds, strict=True):
        if set(archive.group) & set(queries.group):
            raise QueryError(f"Fold {name} has a split group among its queries and in its archive; keep groups whole.")
        films = set(queries.film.tolist())
        if len(films) < len(queries) or films & seen:
            raise QueryError(f"A film of fold {name} asks twice; give each query film to one fold.")
        seen |= films


def _fixed_on(archive: Cohort, fixing: Cohort | None, films: Pooled, wanted: Settings) -> dict[int, float | None]:
    """By k the threshold that finds enough malignant films of the archive, each asked against the others.

    None where none of those that may fix it is malignant.
    """
    fixing = archive if fixing is None else fixing
    if not (malignant_or_benign(fixing) == 1).any():
        return {}
    if not ((films.malignant_query == 1).any() and (films.malignant_query == 0).any()):
        return {}
    trial = make_trial(archive, fixing)
    found = scores_of(trial, wanted)
    malignant = np.where(found.film < 0, -1, malignancy(trial.archive)[np.maximum(found.film, 0)])
    kinds, fixed = malignant_or_benign(trial.queries), {}
    for k in wanted.malignant_ks:
        share = malignant_share(malignant[:, :k], weights(found.label[:, :k], found.similarity[:, :k]))
        rows = (kinds >= 0) & ~np.isnan(share)
        fixed[k] = threshold_for(share[rows], kinds[rows] == 1)
    return fixed


def _groups(queries: Cohort, by: Sequence[str]) -> dict[str, Ints]:
    """Rows of the queries in each group, "all" first, then by value, unknown last."""
    groups = {"all": np.arange(len(queries))}
    for column in by:
        members: dict[str, list[int]] = {}
        for row, value in enumerate(queries.column(column)):
            for name in _names(column, value):
                members.setdefault(name, []).append(row)
        groups |= {f"{column}={name}": np.array(members[name]) for name in sorted(members, key=natural)}
    return groups


def _names(column: str, value: Any) -> set[str]:
    """The groups that a value puts a film in: a film of several sites in each."""
    if column != "site" or not value:
        return {named(value)}
    return {word.strip() for word in str(value).split(";")} - {""} or {UNKNOWN}


def _facts(trials: Sequence[Trial], films: Pooled, wanted: Settings) -> dict[str, Any]:
    archive = {film: region for trial in trials for film, region in _regions(trial)}
    return {
        "neighbours": "one per patient, by their best film; films of the query's patient or split group left out",
        "vote": TIE_RULE,
        "vote_k": wanted.vote_k,
        "intervals": "95 % percentile bootstrap over split groups",
        "n_archive_films": len(archive),
        "n_archive_patients": len({patient for trial in trials for patient in trial.archive.patient}),
        "n_fewer_than_k": {str(k): int((films.found[MODEL].patients < k).sum()) for k in wanted.ks},
        "archive_regions": dict(sorted(Counter(archive.values()).items())),
        "query_regions": dict(sorted(Counter(films.queries.region).items())),
    }


def _regions(trial: Trial) -> list[tuple[int, str]]:
    return list(zip(trial.archive.film.tolist(), trial.archive.region, strict=True))


def _labelled(cohort: Cohort) -> list[tuple[int, bool]]:
    return [(film, entity is not None) for film, entity in zip(cohort.film.tolist(), cohort.entity, strict=True)]


def _fold(name: str, trial: Trial) -> dict[str, Any]:
    return {
        "name": name,
        "n_films": len(trial.queries),
        "n_groups": len(set(trial.queries.group)),
        "n_archive_films": len(trial.archive),
        "n_archive_patients": len(trial.gallery.starts),
    }


def _films(films: Pooled, most: int) -> FilmResults:
    names = np.array([*films.entities, None], dtype=object)
    return FilmResults(
        films.queries.film,
        films.fold,
        films.queries.group,
        films.queries.entity,
        films.predicted,
        films.neighbour[:, :most],
        names[films.label[:, :most]],
        films.similarity[:, :most],
    )
