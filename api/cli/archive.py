"""`caselink archive`, `report` and `patient`: what is inside."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.common import LOUD, UNKNOWN, known, near_sentence, out, print_json, proof_of
from indexer.archive import Archive
from indexer.duplicates.groups import NearCounts
from indexer.facts import archive_facts, near_facts
from indexer.patients import patient_history
from indexer.records import Proof
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
    if facts["near_duplicates"]["films"]:
        out.print(near_sentence(NearCounts(**facts["near_duplicates"])))
    out.print(f"encoder {facts['model']['name']}, {facts['model']['dimension']} numbers; index {facts['index']}")
    table = Table("column", "type", "commonest values (films)", title="Columns for --where")
    for column in facts["columns"]:
        values = ", ".join(f"{known(v['value'])} ({v['films']})" for v in column["values"][:SHOWN])
        table.add_row(column["name"], column["type"], values)
    out.print(table)


def report(archive: ArchiveOption, json: JsonOption = False) -> None:
    """Show what became of every film: indexed, duplicate of another, or left out and why; and near-duplicates."""
    with Archive(archive) as opened:
        sources, near = ledger(opened.snapshot), near_facts(opened.snapshot)
    if json:
        print_json([asdict(source) for source in sources])
        return
    for source in sources:
        out.print(f"{source.title} ({source.layout}, {source.roi}): {source.source}", soft_wrap=True)
        counts = f"{source.indexed} indexed, {len(source.duplicates)} duplicates, {len(source.left_out)} left out"
        out.print(f"  {source.found} films found: {counts}")
        for file, reason in source.duplicates + source.left_out:
            out.print(f"  {file}: {reason}", soft_wrap=True)
        for pair in source.near:
            whose = "of one patient" if len(set(pair.patients)) == 1 else "of two patients"
            said = f"near-duplicate of {pair.of}, {whose}, likeness {pair.likeness:.2f}"
            out.print(f"  {pair.file}: {said}", soft_wrap=True)
    if near.films:
        out.print(near_sentence(near))


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
        proof = _proof(lesion["proof"])
        out.print(f"{', '.join(fact for fact in facts if fact)}; {proof}")
    if not history["lesions"]:
        out.print("no diagnosis on file")
    for event in history["events"]:
        out.print(f"{event['dated'] or 'undated'}  {event['kind']}: {event['text']}")
    for film in history["films"]:
        out.print(f"film {film['film']}: view {known(film['view'])}, {_stage(film['stage'])}")


def _proof(how: str | None) -> str:
    if how == Proof.reference:
        return f"by the {proof_of(how)}"
    return "how it was proven is unknown" if known(how) == UNKNOWN else f"proven by {how}"


def _stage(stage: str) -> str:
    return "stage unknown" if known(stage) == UNKNOWN else stage
