"""What `caselink evaluate` measures: cohorts read from archives and sources, asked as planned."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.cli.common import encoder_for, err
from engine.errors import QueryError
from indexer.archive import Archive, Snapshot
from indexer.cohorts import cohort_of, has_calibrated, not_taught, unseen, untaught, without_copies
from indexer.evaluation import (
    CROSS_VALIDATION,
    LEAVE_OUT,
    Cohort,
    Evaluation,
    aligned,
    asking,
    cross_validation,
    evaluate,
    evaluate_folds,
    leave_out,
    paired,
)
from indexer.prepare import Roi
from indexer.regions import ENCODER
from indexer.votes import Calibration
from indexer.votes.films import trained_on


@dataclass(frozen=True)
class Plan:
    """The options of the command, see there.

    Raises QueryError for options that exclude each other.
    """

    queries: Path | None
    layout: str
    roi: Roi | None
    where: str | None
    query_where: str | None
    folds: int | None
    leave_out: str | None
    by: tuple[str, ...]
    merge: Mapping[str, str]
    ks: tuple[int, ...]
    malignant_at: float | None
    encoder: str | None
    seed: int
    resamples: int

    def __post_init__(self) -> None:
        ways = {"--queries": self.queries, "--folds": self.folds, "--leave-out": self.leave_out}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise QueryError(f"{' and '.join(given)} are different protocols; give one of them")

    @property
    def figures(self) -> dict[str, Any]:
        """What `evaluate` and `evaluate_folds` are told alike."""
        by = self.by[0] if len(self.by) == 1 else self.by or None
        return {
            "ks": self.ks, "by": by, "resamples": self.resamples, "seed": self.seed, "merge": self.merge,
            "malignant_at": self.malignant_at,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Films:
    """The films that answer and those that ask (None = the same); of the archive, facts and its votes' calibration.

    fixing: films of the archive that the encoder did not learn from.
    """

    archive: Cohort
    queries: Cohort | None
    facts: dict[str, Any]
    calibration: Calibration | None
    fixing: Cohort

    def __len__(self) -> int:
        return len(self.archive) + (0 if self.queries is None else len(self.queries))


def measure(archive: Path, against: Path | None, plan: Plan, against_roi: Roi | None = None) -> dict[str, Any]:
    """The figures of an archive as JSON values, and their differences over the films that both have.

    against: the other archive; None = the same. against_roi: the region of the other run's queries; None = the same.

    Raises:
        QueryError: a region to compare with but no queries, whose region alone can differ from the archive's.
    """
    if against_roi is not None and plan.queries is None:
        raise QueryError("--against-roi compares two regions of query films; say which films with --queries")
    mine = _films(archive, plan)
    if against is None and against_roi is None:
        return _asked(mine, plan).to_dict(mine.facts)
    theirs = _films(against or archive, replace(plan, roi=against_roi or plan.roi))
    one, other = _aligned(mine, theirs)
    result = _asked(one, plan)
    left_out = len(mine) + len(theirs) - 2 * len(one)
    differences = paired(result, _asked(other, plan))
    return {
        **result.to_dict(mine.facts),
        "paired": {**differences, "n_left_out": left_out, "against": theirs.facts},
    }


def _asked(films: _Films, plan: Plan) -> Evaluation:
    if plan.folds is not None:
        parts, protocol = cross_validation(films.archive, plan.folds, plan.seed), CROSS_VALIDATION
    elif plan.leave_out is not None:
        parts, protocol = leave_out(films.archive, plan.leave_out), LEAVE_OUT
    else:
        return evaluate(
            films.archive, films.queries, calibration=films.calibration, fixing=films.fixing, **plan.figures
        )
    if films.queries is not None:
        parts = asking(parts, films.archive, films.queries.film)
    names = [part.name for part in parts]
    return evaluate_folds([part.of(films.archive) for part in parts], names=names, protocol=protocol, **plan.figures)


def _aligned(mine: _Films, theirs: _Films) -> tuple[_Films, _Films]:
    one, other = aligned(mine.archive, theirs.archive)
    if mine.queries is None and theirs.queries is None:
        return replace(mine, archive=one), replace(theirs, archive=other)
    asked, asked_too = aligned(
        mine.archive if mine.queries is None else mine.queries,
        theirs.archive if theirs.queries is None else theirs.queries,
    )
    return replace(mine, archive=one, queries=asked), replace(theirs, archive=other, queries=asked_too)


def _films(archive: Path, plan: Plan) -> _Films:
    with Archive(archive) as opened:
        snapshot = opened.snapshot
        roi = _roi(snapshot, plan.roi, inside=plan.queries is None)
        answering = cohort_of(snapshot, plan.where)
        asking, copies = _queries(archive, snapshot, answering, roi, plan)
        given = answering if asking is None else asking
        seen = trained_on(archive / ENCODER)
        fresh = untaught(given, seen)
        taught = len(given) - len(fresh)
        _left_out(taught, "query films of patients who taught the encoder")
        _left_out(copies, "query films that are in the archive under another patient")
        facts = _facts(snapshot, roi, plan) | {"n_queries_taught": taught, "n_queries_copies": copies}
        fixing = not_taught(answering, seen)
        promised = snapshot.votes.calibration
        if asking is not None and has_calibrated(fresh, snapshot):
            promised = None  # what their own entities made would keep its promises to them
        return _Films(answering, fresh if taught else asking, facts, promised, fixing)


def _left_out(films: int, what: str) -> None:
    if films:
        err.print(f"left out: {films} {what}", soft_wrap=True)


def _queries(archive: Path, snapshot: Snapshot, answering: Cohort, roi: Roi, plan: Plan) -> tuple[Cohort | None, int]:
    """The films that ask, None for those of the archive; and how many do not since they are copies of its films."""
    if plan.queries is None:
        same = plan.query_where in (None, plan.where)
        return None if same else cohort_of(snapshot, plan.query_where), 0
    embedder = encoder_for(archive, plan.encoder).embedder
    with unseen(snapshot, embedder, plan.queries, plan.layout, roi) as (asked, report):
        for file, reason in report.left_out:
            err.print(f"left out: {file}: {reason}", soft_wrap=True)
        films = cohort_of(asked, plan.where if plan.query_where is None else plan.query_where)
        kept = without_copies(films, asked, answering, snapshot)
        return kept, len(films) - len(kept)


def _roi(snapshot: Snapshot, roi: Roi | None, *, inside: bool) -> Roi:
    """The region of the queries; inside an archive it is the archive's own and cannot be another."""
    indexed = {source.roi for source in snapshot.manifest.sources.values()}
    if roi is None:
        return next((each for each in (Roi.mask, Roi.segment) if each in indexed), Roi.whole)
    if inside and indexed != {roi.value}:
        was = " and ".join(sorted(indexed)) or "nothing"
        raise QueryError(
            f"the archive was indexed with --roi {was}, not {roi.value}; index the films with --roi {roi.value} "
            "into another archive and evaluate that one"
        )
    return roi


def _facts(snapshot: Snapshot, roi: Roi, plan: Plan) -> dict[str, Any]:
    manifest = snapshot.manifest
    return {
        "archive": manifest.title,
        "synthetic": manifest.synthetic,
        "version": manifest.version,
        "model": manifest.card.name,
        "model_fingerprint": manifest.card.fingerprint,
        "runtime": manifest.card.runtime,
        "index": "exact",
        "roi": roi.value,
        "where": plan.where,
        "query_where": plan.query_where if plan.query_where is not None else plan.where,
        "queries": plan.queries.name if plan.queries else None,
    }
