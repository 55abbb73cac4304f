"""`caselink index`: bring films into an archive."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.common import LOUD, encoder_for, err, near_sentence, out, print_json
from api.settings import keep_ray_here
from engine.errors import SourceError
from indexer.bulk import Bulk, Runner, bulk_ingest, ray_runner
from indexer.ingest import IngestReport, ingest
from indexer.ingest import Progress as Done
from indexer.prepare import Roi
from indexer.sources import SOURCES, SourceOptions, open_place, open_source
from indexer.writer import open_writer

PLAIN_EVERY_S = 2.0
SHOWN = 10


def index(
    source: Annotated[str, typer.Argument(help="Folder of films, or the address of an object store (s3://...).")],
    archive: Annotated[Path, typer.Option(help="The archive; made where there is none.")],
    layout: Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")] = "auto",
    roi: Annotated[
        Roi, typer.Option(help="Embed whole films, the lesion that a mask shows, or what the run's segmenter proposes.")
    ] = Roi.whole,
    encoder: Annotated[
        str | None, typer.Option(help="default, a timm name, or NAME@CHECKPOINT; unset = the archive's own.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="CSV of the films (folder layout).")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", help="FIELD=COLUMN for a table with other column names; repeatable.")
    ] = None,
    issuer: Annotated[str | None, typer.Option(help="Who gave the patient numbers; keeps hospitals apart.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; unset = one per core.")] = None,
    ray: Annotated[
        int | None, typer.Option(min=1, help="Worker processes under Ray instead of threads, one core each.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Index a folder of films: read, embed and enrol each; resumable, and a second run embeds nothing new."""
    options = SourceOptions(table, _pairs(column or []), issuer)
    runner = None if ray is None else _on_ray(ray, workers)
    with open_place(source) as place:
        layout = _layout(place.folder, layout, options)
        listing = open_source(place.folder, layout, options)
        if not listing.films:
            raise SourceError(f"{source} holds no files; give the folder with the films (DICOM, PNG, JPEG or TIFF)")
        chosen = encoder_for(archive, encoder)
        with open_writer(archive, chosen.embedder.card, chosen.folder) as writer, progress() as show:
            if runner is None:
                report = ingest(listing, place, layout, roi, chosen.embedder, writer, show, workers)
            else:
                bulk = Bulk(writer, place, listing.issuer, runner)
                report = bulk_ingest(bulk, listing, layout, roi, chosen.embedder, show)
                print(f"{bulk.made} shards embedded, {bulk.found} found finished", file=sys.stderr, flush=True)
    if json:
        print_json(report.to_dict())
    else:
        _print(report, archive, roi)
    if not report.indexed and not report.duplicates:
        raise SourceError(f"no film of {source} could be indexed; mend its files as their reasons say")


def _on_ray(workers: int, threads: int | None) -> Runner:
    if threads is not None:
        raise SourceError(f"--workers {threads} are threads and --ray {workers} are processes; give one or the other")
    keep_ray_here()
    return ray_runner(workers)


def _layout(source: Path, layout: str, options: SourceOptions) -> str:
    """The layout by name; a table or columns given by hand mean that of a plain folder."""
    described = options.table is not None or bool(options.columns)
    if described and layout not in {"auto", "folder"}:
        raise SourceError(f"--table and --map describe a plain folder, not the layout {layout}; leave out one or other")
    if layout != "auto":
        return layout
    if described or not source.is_dir():
        return "folder"
    return next(name for name, kind in SOURCES.items() if kind.recognises(source))


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    """Field to column, each field once."""
    pairs: dict[str, str] = {}
    for text in texts:
        field, equals, column = text.partition("=")
        if not (field and equals and column):
            raise SourceError(f"--map {text!r} is not FIELD=COLUMN, e.g. --map patient_id=PatNo")
        if field in pairs:
            raise SourceError(f"--map gives {field!r} two columns, {pairs[field]!r} and {column!r}; keep one")
        pairs[field] = column
    return pairs


@contextmanager
def progress() -> Iterator[Callable[[Done], None]]:
    """A bar on a terminal, else a plain line on stderr now and then."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f} films/s, {task.fields[kept]} safe,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("indexing", total=None, rate=0.0, kept=0)

        def show(done: Done) -> None:
            bar.update(task, completed=done.done, total=done.total, rate=done.films_per_s, kept=done.acknowledged)

        yield show


def _plain_lines() -> Callable[[Done], None]:
    state = {"said": time.monotonic(), "kept": 0}

    def show(done: Done) -> None:
        now = time.monotonic()
        if now - state["said"] < PLAIN_EVERY_S and done.acknowledged == state["kept"]:
            return
        state.update(said=now, kept=done.acknowledged)
        left = "?" if done.left_s is None else f"{done.left_s:.0f}"
        line = f"{done.done}/{done.total} films, {done.films_per_s:.0f} films/s, {left} s left"
        print(f"{line}, {done.acknowledged} acknowledged", file=sys.stderr, flush=True)

    return show


def _print(report: IngestReport, archive: Path, roi: Roi) -> None:
    if report.synthetic:
        out.print("SYNTHETIC films: generated, from no real person", style=LOUD)
    out.print(
        f"{report.found} films found: {report.indexed} indexed ({report.embedded} embedded now), "
        f"{len(report.duplicates)} duplicates, {len(report.left_out)} left out; {report.seconds:.1f} s"
    )
    if report.near_counts.films:
        out.print(near_sentence(report.near_counts))
    if report.unmasked:
        out.print(f"{report.unmasked} films have no mask and were embedded whole; they are marked region = 'whole'")
    if report.unsegmented:
        out.print(f"{report.unsegmented} films were embedded whole: no region was proposed with confidence enough")
    if report.named:
        out.print(
            f"films with an identifier in their path: {report.named}; paths are stored as they are, so rename the "
            "files and index them into a new archive",
            style=LOUD,
        )
    if report.unread:
        names = ", ".join(report.unread)
        out.print(f"columns of the table that no field takes: {names}; map them with --map, or leave them so")
    for file, reason in report.left_out[:SHOWN]:
        out.print(f"  left out: {file}: {reason}", soft_wrap=True)
    if len(report.left_out) > SHOWN:
        out.print(f"  and {len(report.left_out) - SHOWN} more: caselink report --archive {archive}")
