"""`caselink feedback export`: what people said of answers, as pairs to train on."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import err, save
from api.settings import settings
from engine.errors import QueryError
from indexer.journal import Journal, as_csv, as_json_lines, training_pairs
from indexer.manifest import read_manifest

FORMATS = {"csv": as_csv, "jsonl": as_json_lines}
app = typer.Typer(no_args_is_help=True)


@app.callback()
def feedback() -> None:
    """What people said of answers; it changes no answer by itself."""


@app.command("export")
def export(
    archive: Annotated[Path, typer.Option(help="The archive.")],
    format: Annotated[str, typer.Option(help=f"{' | '.join(FORMATS)}.")] = "csv",
    to: Annotated[Path | None, typer.Option(help="Write them there; unset = stdout.")] = None,
) -> None:
    """Judged pairs of a query film and a past film, both by the sha256 of their bytes: the last word of each user."""
    if format not in FORMATS:
        raise QueryError(f"format {format[:40]!r} is not written; ask for {' or '.join(FORMATS)}")
    read_manifest(archive)
    pairs = training_pairs(Journal(settings().journal_of(archive)))
    text = FORMATS[format](pairs)
    if to is None:
        print(text, end="")
    else:
        save(to, text.removesuffix("\n"))
    err.print(f"{len(pairs)} pairs")
