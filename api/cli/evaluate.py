"""`caselink evaluate`: how often the similar patients had the same entity."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.common import LOUD, QUIET, as_json, err, out, print_json, save
from api.cli.figures import LEGEND, closing, figures
from api.cli.measure import Plan, measure
from engine.errors import QueryError
from indexer.evaluation import KS, markdown, merging
from indexer.evaluation.tables import sections
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
    folds: Annotated[
        int | None, typer.Option(help="Cross-validate: each of N folds of split groups asks all others.")
    ] = None,
    leave_out: Annotated[
        str | None, typer.Option(help="Each value of this column asks the films of all others, e.g. centre.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="An archive of the same films by another encoder: paired differences to it.")
    ] = None,
    against_roi: Annotated[Roi | None, typer.Option(help="The same --queries with this region: differences.")] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="Report each value of a column apart, e.g. centre; repeat.")
    ] = None,
    merge: Annotated[
        list[str] | None, typer.Option(help="'one=other': also report with other counted as one; repeat.")
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option(help="Numbers of neighbouring patients; unset = 1 3 5 7; repeat.")
    ] = None,
    malignant_at: Annotated[
        float | None, typer.Option(help="Malignant from this share of votes; unset = fixed on other patients.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="Unset = the archive's own.")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap and of the folds.")] = 0,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples.")] = 1000,
    json: Annotated[Path | None, typer.Option(help="Write the figures there as JSON; - for stdout.")] = None,
    table: Annotated[Path | None, typer.Option("--markdown", help="Write the tables there as Markdown.")] = None,
    plots: Annotated[
        Path | None, typer.Option(help="Draw reliability.png and risk_coverage.png in this folder.")
    ] = None,
) -> None:
    """Measure precision, hit, vote accuracy, macro recall and mAP against patients the archive has not seen.

    Also how far the share of votes can be trusted, and how well the votes tell malignant from benign.
    """
    if plots and not find_spec("matplotlib"):
        raise QueryError("plots are drawn by matplotlib, which is not installed; install caselink with its extra train")
    plan = Plan(
        queries, layout, roi, where, query_where, folds, leave_out, tuple(by or ()), merging(merge or []),
        tuple(k or KS), malignant_at, encoder, seed, resamples,
    )  # fmt: skip
    found = measure(archive, against, plan, against_roi)
    if table:
        save(table, markdown(found))
    if plots:
        _draw(plots, found)
    if json and str(json) in STDOUT:
        print_json(found)
        return
    if json:
        save(json, as_json(found))
    show(found)


def _draw(folder: Path, found: Mapping[str, Any]) -> None:
    from api.cli.plots import draw  # here, as matplotlib is of the extra train and slow to load

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, says in draw(folder, found):
            err.print(f"{path}: {says}", soft_wrap=True)
    except OSError as error:
        raise QueryError(f"{folder} cannot be written ({error.strerror}); name another folder") from None


def show(found: Mapping[str, Any]) -> None:
    """Print the tables of an evaluation, `Evaluation.to_dict()`."""
    if found["manifest"]["synthetic"]:
        out.print("SYNTHETIC films: these figures say nothing about real ones", style=LOUD)
    out.print(_asked(found["manifest"]), soft_wrap=True)
    for name in sections(found):
        group = found["groups"][name]
        counts = f"{group['n_films']} films, {group['n_patients']} patients"
        out.print(f"\n{name}: {counts}; per cent, 95 % interval in brackets", style=LOUD)
        for line in figures(found, name):
            out.print(line, soft_wrap=True)
    for line in closing(found):
        out.print(line, soft_wrap=True)
    out.print(f"\n{LEGEND}", style=QUIET)


def _asked(manifest: Mapping[str, Any]) -> str:
    folds = f" of {len(manifest['folds'])} folds" if "folds" in manifest else ""
    archive = f"{manifest['n_archive_films']} films of {manifest['n_archive_patients']} patients"
    return f"{manifest['protocol']}{folds}; archive of {archive}; encoder {manifest['model']}"
