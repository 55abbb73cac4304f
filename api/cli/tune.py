"""`caselink tune`: an archive's index, chosen by what a search may miss, take and hold."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import out, print_json
from indexer.indexes import ABSENT, INDEXES
from indexer.indexes.auto import Choice, Limits
from indexer.indexing import AUTO, build_index
from indexer.manifest import read_manifest
from indexer.writer import ENCODER, open_writer


def tune(
    archive: Annotated[Path, typer.Option(help="The archive.")],
    recall: Annotated[float, typer.Option(help="Least share of the ten nearest that a search finds.")] = 0.99,
    ms: Annotated[float | None, typer.Option(help="Most milliseconds of a search; unset = any.")] = None,
    gib: Annotated[float | None, typer.Option(help="Most GiB of memory; unset = any.")] = None,
    index: Annotated[str, typer.Option(help=f"{AUTO}, or one by name: {', '.join(INDEXES)}.")] = AUTO,
    server: Annotated[
        str | None, typer.Option(help="Milvus server for `--index milvus`; unset = Milvus Lite in the archive.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print choice and figures as JSON.")] = False,
) -> None:
    """Make an archive's index anew within limits, measured on its own vectors; films are not read again."""
    manifest, chosen = read_manifest(archive), list[Choice]()
    make = partial(build_index, archive, name=index, limits=Limits(recall, ms, gib), server=server, told=chosen.append)
    with open_writer(archive, manifest.card, archive / ENCODER) as writer:
        writer.publish(indexed=make)
        version = writer.manifest.version
    (choice,) = chosen
    if json:
        print_json(asdict(choice) | {"version": version, "absent": ABSENT})
        return
    table = Table("index", "recall@10", "ms a search", "GiB in memory", "s to build")
    for each in choice.measured:
        figures = (f"{each.recall:.3f}", f"{each.ms:.3f}", f"{each.gib:.4f}", f"{each.build_s:.1f}")
        table.add_row(each.name, *figures, style="bold" if each.name == choice.name else None)
    out.print(table)
    out.print(f"{choice.name}: {choice.why}; the archive is now version {version}", soft_wrap=True)
