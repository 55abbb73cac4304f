"""The evaluation itself: unseen patients against an archive, or every patient against all others."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ModelMismatch, QueryError
from indexer.evaluation import report
from indexer.evaluation.bootstrap import Clusters
from indexer.evaluation.cohort import Cohort, Column, numbered
from indexer.evaluation.ranking import Asked, Gallery, Ints, Similarity, Ties, archive_order, random_order
from indexer.evaluation.scores import Scores, score
from indexer.evaluation.similarities import by_metadata, by_shortcut, by_vectors, has_shortcut
from indexer.evaluation.voting import NOBODY, TIE_RULE

KS = (1, 3, 5, 7)
Kind = Callable[[Cohort, Cohort], Similarity]
TIE_DRAWS = 5  # random tie orders that the baselines are averaged over
_BOOTSTRAP, _METADATA, _SHORTCUT = range(3)  # streams of random numbers, so that none depends on another's use


@dataclass(frozen=True, eq=False)
class FilmResults:
    """What each query film met, for looking at errors.

    film: int64 (q,). entity: object (q,). predicted: object (q, K), the vote at each k, None without neighbours.
    neighbour: int64 (q, max k), film ids of the nearest patients' best films, -1 in empty places.
    """

    film: Ints
    entity: Column
    predicted: Column
    neighbour: Ints


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Figures by group of queries, how they came about, and what each film met."""

    manifest: Mapping[str, Any]
    groups: Mapping[str, Any]
    films: FilmResults

    def to_dict(self, manifest: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """JSON as in schema.json; `manifest` adds the caller's facts (model, archive version), never replaces ours."""
        return {"manifest": {**(manifest or {}), **self.manifest}, "groups": dict(self.groups)}


@dataclass(frozen=True, eq=False)
class _Trial:
    """Queries and archive, labelled and coded alike."""

    queries: Cohort
    archive: Cohort
    gallery: Gallery
    asked: Asked
    truth: Ints
    entities: list[str]
    archive_row: Ints


def evaluate(
    archive: Cohort,
    queries: Cohort | None,
    *,
    ks: Sequence[int] = KS,
    by: str | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Measure how well nearest patients tell a film's entity.

    queries None: every film of the archive asks, without the films of its own patient and split group (leave one
    patient out). Else the queries ask, and archive films of their patient or group are left out likewise. A film with
    an entity is a query; its neighbours are patients, each as near as their best film and with that film's entity,
    ties by archive row. Films without an entity neither ask nor answer; the manifest counts them. `by` reports the
    queries of each value of a column apart, against the whole archive. Raises QueryError where there is nothing to
    ask or to find, ModelMismatch where vectors differ in dimension.
    """
    chosen = _checked(ks, by, resamples, archive if queries is None else queries)
    trial = _trial(archive, archive if queries is None else queries)
    found = _scores(trial, by_vectors, [archive_order(trial.archive_row, len(trial.queries))], chosen)
    if not found.patients.any():
        raise QueryError("No query has a patient of another group to compare with; give an archive of more patients.")
    everything = {"model": found, **_baselines(trial, chosen, seed)}
    groups = {}
    for name, rows in _groups(trial.queries, by).items():
        clusters = Clusters.draw(trial.queries.group[rows], resamples, np.random.default_rng([seed, _BOOTSTRAP]))
        groups[name] = report.group(trial.queries.take(rows), trial.archive, everything, rows, clusters, chosen)
    manifest = {
        "protocol": _protocol(trial),
        "ks": list(chosen), "by": by, "resamples": resamples, "seed": seed,
        **_facts(trial, archive, queries, found, chosen),
    }  # fmt: skip
    return Evaluation(manifest, groups, _films(trial, found))


def _checked(ks: Sequence[int], by: str | None, resamples: int, queries: Cohort) -> tuple[int, ...]:
    if not ks or min(ks) < 1:
        raise QueryError(f"k = {list(ks)} asks for no neighbours; give numbers from 1 up, such as 1 3 5 7.")
    if resamples < 0:
        raise QueryError(f"{resamples} bootstrap resamples are too few; give 0 for no intervals, or about 1000.")
    if by is not None:
        queries.column(by)
    return tuple(sorted({int(k) for k in ks}))


def _trial(archive: Cohort, queries: Cohort) -> _Trial:
    if archive.vectors.shape[1] != queries.vectors.shape[1]:
        raise ModelMismatch(
            f"Queries have {queries.vectors.shape[1]} numbers per film and the archive {archive.vectors.shape[1]}; "
            "embed both with one model."
        )
    archive, queries = _labelled(archive, "archive"), _labelled(queries, "queries")
    patient, asked_patient, _ = _codes(archive.patient, queries.patient)
    order = np.argsort(patient, kind="stable")
    archive = archive.take(order)
    group, asked_group, _ = _codes(archive.group, queries.group)
    label, truth, entities = _codes(archive.entity, queries.entity)
    gallery = Gallery(patient[order], group, label)
    return _Trial(queries, archive, gallery, Asked(asked_patient, asked_group), truth, entities, order)


def _labelled(cohort: Cohort, name: str) -> Cohort:
    kept = cohort.take(_has_entity(cohort))
    if not len(kept):
        raise QueryError(
            f"None of the {len(cohort)} films of the {name} has an entity; evaluate films with known diagnoses."
        )
    return kept


def _has_entity(cohort: Cohort) -> npt.NDArray[np.bool_]:
    return np.array([entity is not None for entity in cohort.entity], dtype=bool)


def _codes(one: Column, other: Column) -> tuple[Ints, Ints, list[str]]:
    names, codes = numbered(np.concatenate([one, other]))
    return codes[: len(one)], codes[len(one) :], names


def _scores(trial: _Trial, kind: Kind, ties: list[Ties], ks: tuple[int, ...]) -> Scores:
    similarity: Similarity = kind(trial.queries, trial.archive)
    return score(trial.gallery, trial.asked, trial.truth, similarity, ties, ks)


def _baselines(trial: _Trial, ks: tuple[int, ...], seed: int) -> dict[str, Scores]:
    kinds: list[tuple[str, Kind, int]] = [("metadata", by_metadata, _METADATA)]
    if has_shortcut(trial.queries, trial.archive):
        kinds.append(("shortcut", by_shortcut, _SHORTCUT))
    found = {}
    for name, kind, stream in kinds:
        rng = np.random.default_rng([seed, stream])
        ties = [random_order(trial.gallery, len(trial.queries), rng) for _ in range(TIE_DRAWS)]
        found[name] = _scores(trial, kind, ties, ks)
    return found


def _groups(queries: Cohort, by: str | None) -> dict[str, Ints]:
    """Rows of the queries in each group, "all" first, then by value, unknown last."""
    groups = {"all": np.arange(len(queries))}
    if by is None:
        return groups
    names = np.array([_name(value) for value in queries.column(by)])
    for name in sorted(set(names.tolist()), key=_natural):
        groups[f"{by}={name}"] = np.flatnonzero(names == name)
    return groups


def _name(value: Any) -> str:
    if isinstance(value, float):
        return "unknown" if math.isnan(value) else f"{value:.12g}"
    return "unknown" if value is None or value == "" else str(value)


def _natural(name: str) -> tuple[bool, float, str]:
    try:
        return name == "unknown", float(name), name
    except ValueError:
        return name == "unknown", float("inf"), name


def _facts(
    trial: _Trial, archive: Cohort, queries: Cohort | None, found: Scores, ks: tuple[int, ...]
) -> dict[str, Any]:
    asked = archive if queries is None else queries
    return {
        "neighbours": "one per patient, by their best film; films of the query's patient or split group left out",
        "vote": TIE_RULE,
        "intervals": "95 % percentile bootstrap over split groups",
        "n_archive_films": len(trial.archive),
        "n_archive_patients": len(trial.gallery.starts),
        "n_unlabelled": len(archive) - len(trial.archive),
        "n_queries_unlabelled": len(asked) - len(trial.queries),
        "n_fewer_than_k": {str(k): int((found.patients < k).sum()) for k in ks},
        "archive_regions": dict(sorted(Counter(trial.archive.region).items())),
        "query_regions": dict(sorted(Counter(trial.queries.region).items())),
    }


def _protocol(trial: _Trial) -> str:
    known = np.isin(trial.asked.patient, trial.gallery.patient).any()
    return "leave one patient out" if known else "unseen queries"


def _films(trial: _Trial, found: Scores) -> FilmResults:
    names = np.array([*trial.entities, None], dtype=object)  # NOBODY = -1 picks None
    neighbour = np.where(found.film < 0, NOBODY, trial.archive.film[found.film])
    return FilmResults(trial.queries.film, trial.queries.entity, names[found.predicted], neighbour)
