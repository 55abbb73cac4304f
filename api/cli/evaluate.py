"""`caselink evaluate`: how often the similar patients had the same entity."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.common import LOUD, QUIET, as_json, encoder_for, err, out, print_json, save
from api.cli.figures import LEGEND, figures
from engine.errors import QueryError
from indexer.archive import Archive, Snapshot
from indexer.cohorts import cohort_of, unseen
from indexer.evaluation import Evaluation, markdown
from indexer.evaluation import evaluate as score
from indexer.prepare import Roi
from indexer.sources import SOURCES

STDOUT = {"-", "/dev/stdout"}


def evaluate(
    archive: Annotated[Path, typer.Option(help="The archive.")],
    queries: Annotated[Path | None, typer.Option(help="Source of unseen patients; unset = leave one out.")] = None,
    layout: Annotated[str, typer.Option(help=f"Of the queries: auto, {', '.join(SOURCES)}.")] = "auto",
    roi: Annotated[Roi | None, typer.Option(help="Of the queries; unset = as the archive was indexed.")] = None,
    where: Annotated[str | None, typer.Option(help="Filter on the archive's films.")] = None,
    query_where: Annotated[str | None, typer.Option(help="Filter on the queries; unset = the same filter.")] = None,
    by: Annotated[str | None, typer.Option(help="Report each value of a column apart, e.g. centre.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Unset = the archive's own.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples.")] = 1000,
    json: Annotated[Path | None, typer.Option(help="Write the figures there as JSON; - for stdout.")] = None,
    table: Annotated[Path | None, typer.Option("--markdown", help="Write the tables there as Markdown.")] = None,
) -> None:
    """Measure precision, hit, vote accuracy, macro recall and mAP against patients the archive has not seen."""
    with Archive(archive) as opened:
        snapshot = opened.snapshot
        chosen = _roi(snapshot, roi, inside=queries is None)
        if queries is None:
            result = _inside(snapshot, where, query_where, by, resamples, seed)
        else:
            embedder = encoder_for(archive, encoder).embedder
            with unseen(snapshot, embedder, queries, layout, chosen) as (asked, report):
                for file, reason in report.left_out:
                    err.print(f"left out: {file}: {reason}", soft_wrap=True)
                cohort = cohort_of(asked, query_where if query_where is not None else where)
                result = score(cohort_of(snapshot, where), cohort, by=by, resamples=resamples, seed=seed)
        facts = _facts(snapshot, chosen, where, query_where, queries)
    found = result.to_dict(facts)
    if table:
        save(table, markdown(found))
    if json and str(json) in STDOUT:
        print_json(found)
        return
    if json:
        save(json, as_json(found))
    _print(found)


def _inside(
    snapshot: Snapshot, where: str | None, query_where: str | None, by: str | None, resamples: int, seed: int
) -> Evaluation:
    archive = cohort_of(snapshot, where)
    asked = None if query_where in (None, where) else cohort_of(snapshot, query_where)
    return score(archive, asked, by=by, resamples=resamples, seed=seed)


def _roi(snapshot: Snapshot, roi: Roi | None, *, inside: bool) -> Roi:
    """The region of the queries; inside an archive it is the archive's own and cannot be another."""
    indexed = {source.roi for source in snapshot.manifest.sources.values()}
    if roi is None:
        return Roi.mask if Roi.mask in indexed else Roi.whole
    if inside and indexed != {roi.value}:
        was = " and ".join(sorted(indexed)) or "nothing"
        raise QueryError(
            f"the archive was indexed with --roi {was}, not {roi.value}; index the films with --roi {roi.value} "
            "into another archive and evaluate that one"
        )
    return roi


def _facts(
    snapshot: Snapshot, roi: Roi, where: str | None, query_where: str | None, queries: Path | None
) -> dict[str, Any]:
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
        "where": where,
        "query_where": query_where if query_where is not None else where,
        "queries": queries.name if queries else None,
    }


def _print(found: dict[str, Any]) -> None:
    if found["manifest"]["synthetic"]:
        out.print("SYNTHETIC archive: these figures say nothing about real films", style=LOUD)
    for name, group in found["groups"].items():
        counts = f"{group['n_films']} films, {group['n_patients']} patients"
        out.print(f"\n{name}: {counts}; per cent, 95 % interval in brackets", style=LOUD)
        for line in figures(found, name):
            out.print(line, soft_wrap=True)
    out.print(f"\n{LEGEND}", style=QUIET)
