"""`caselink archive`, `report` and `patient`: what is inside."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import LOUD, UNKNOWN, known, out, print_json
from indexer.archive import Archive
from indexer.facts import archive_facts
from indexer.patients import patient_history
from indexer.report import report as ledger

ArchiveOption = Annotated[Path, typer.Option(help="The archive.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
SHOWN = 6
"""Values of a column on the screen."""


def archive(archive: ArchiveOption, json: JsonOption = False) -> None:
    """Show what an archive holds, and the columns that a filter may name."""
    with Archive(archive) as opened:
        facts = archive_facts(opened.snapshot)
    if json:
        print_json(facts)
        return
    if facts["synthetic"]:
        out.print("SYNTHETIC archive: no film or history is of a real person", style=LOUD)
    out.print(f"{facts['title']}: {facts['films']} films of {facts['patients']} patients, version {facts['version']}")
    out.print(f"encoder {facts['model']['name']}, {facts['model']['dimension']} numbers; index {facts['index']}")
    table = Table("column", "type", "commonest values (films)", title="Columns for --where")
    for column in facts["columns"]:
        values = ", ".join(f"{known(v['value'])} ({v['films']})" for v in column["values"][:SHOWN])
        table.add_row(column["name"], column["type"], values)
    out.print(table)


def report(archive: ArchiveOption, json: JsonOption = False) -> None:
    """Show what became of every film: indexed, duplicate of another, or left out and why."""
    with Archive(archive) as opened:
        sources = ledger(opened.snapshot)
    if json:
        print_json([vars(source) for source in sources])
        return
    for source in sources:
        out.print(f"{source.title} ({source.layout}, {source.roi}): {source.source}", soft_wrap=True)
        counts = f"{source.indexed} indexed, {len(source.duplicates)} duplicates, {len(source.left_out)} left out"
        out.print(f"  {source.found} films found: {counts}")
        for file, reason in source.duplicates + source.left_out:
            out.print(f"  {file}: {reason}", soft_wrap=True)


def patient(
    patient: Annotated[str, typer.Argument(help="Pseudonym, as an answer shows it.")],
    archive: ArchiveOption,
    json: JsonOption = False,
) -> None:
    """Show a past patient's films, lesions and dated history."""
    with Archive(archive) as opened:
        history = patient_history(opened.snapshot, patient)
    if json:
        print_json(history)
        return
    if history["synthetic"]:
        out.print("SYNTHETIC patient: no real person", style=LOUD)
    for lesion in history["lesions"]:
        facts = (known(lesion["entity"]), lesion["malignancy"], lesion["site"], lesion["side"])
        proof = "how it was proven is unknown" if known(lesion["proof"]) == UNKNOWN else f"proven by {lesion['proof']}"
        out.print(f"{', '.join(fact for fact in facts if fact)}; {proof}")
    if not history["lesions"]:
        out.print("no diagnosis on file")
    for event in history["events"]:
        out.print(f"{event['dated'] or 'undated'}  {event['kind']}: {event['text']}")
    for film in history["films"]:
        out.print(f"film {film['film']}: view {known(film['view'])}, {_stage(film['stage'])}")


def _stage(stage: str) -> str:
    return "stage unknown" if known(stage) == UNKNOWN else stage
