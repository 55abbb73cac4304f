"""`caselink verify` and `erase`: an archive that stays whole, and a patient who is to leave it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import LOUD, as_json, out, print_json, save
from api.settings import settings
from engine.errors import NotFound
from indexer.erase import Erased
from indexer.journal import Journal, JournalErased, erase_from_journal
from indexer.manifest import read_manifest
from indexer.repair import Repair
from indexer.repair import repair as mend
from indexer.verify import Checked
from indexer.verify import verify as check
from indexer.writer import ENCODER, open_writer

SHOWN = 10
ArchiveOption = Annotated[Path, typer.Option(help="The archive.")]


def verify(
    archive: ArchiveOption,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be made again from what is whole.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write what was found as JSON; - for stdout.")] = None,
) -> None:
    """Check every file of an archive by its hash, and rows, vectors and pictures against each other.

    Ends with 0 where the archive is whole (with --repair: whole by now), else with 1.
    """
    repairs = mend(archive) if repair else ()
    checked = check(archive)
    if json is None:
        _print(archive, checked, repairs)
    else:
        told = as_json(asdict(checked) | {"whole": checked.whole, "repairs": [asdict(one) for one in repairs]})
        print(told) if str(json) == "-" else save(json, told)
    if not checked.whole:
        raise typer.Exit(1)


def _print(archive: Path, checked: Checked, repairs: tuple[Repair, ...]) -> None:
    for one in repairs:
        out.print(f"{'mended' if one.mended else 'not mended'}: {one.path}: {one.text}", soft_wrap=True)
    for finding in checked.findings:
        out.print(f"{finding.kind}: {finding.path}: {finding.text}", soft_wrap=True)
    for stray in checked.strays[:SHOWN]:
        out.print(f"stray: {stray.path}: {stray.text}", soft_wrap=True)
    if len(checked.strays) > SHOWN:
        out.print(f"and {len(checked.strays) - SHOWN} more strays; --json FILE has them all")
    of = f"version {checked.version}, {checked.files} files, {checked.bytes} bytes"
    if checked.whole:
        out.print(f"{archive} is whole: {of}", soft_wrap=True)
    else:
        out.print(f"{archive} is NOT whole: {len(checked.findings)} findings; {of}", style=LOUD, soft_wrap=True)


def erase(
    patient: Annotated[str, typer.Argument(help="Pseudonym, as an answer shows it.")],
    archive: ArchiveOption,
    json: Annotated[bool, typer.Option("--json", help="Print what was erased as JSON.")] = False,
) -> None:
    """Erase a patient: rows, vectors, pictures and what the journal says of them, at once; cannot be undone."""
    manifest = read_manifest(archive)
    journal = Journal(settings().journal_of(archive))
    with open_writer(archive, manifest.card, archive / ENCODER) as writer:
        hashes = writer.catalogue.rows("SELECT sha256 FROM films WHERE patient = ?", [patient])
        # first, while the archive still knows their films: a run that is stopped is completed by the next
        noted = erase_from_journal(journal, patient, [row["sha256"] for row in hashes])
        try:
            done: Erased | None = writer.erase(patient)
        except NotFound:
            if not noted.anything:
                raise
            done = None
        version = writer.manifest.version
    if json:
        print_json((asdict(done) if done else {"patient": patient}) | {"version": version, "journal": asdict(noted)})
        return
    _tell_journal(patient, noted)
    if done:
        _tell(done, version)


def _tell_journal(patient: str, noted: JournalErased) -> None:
    gone = f"{noted.cases} board cases with {noted.films} films, {noted.precedents} precedents, {noted.answers} answers"
    out.print(
        f"erased {patient} from the journal: {gone}, {noted.feedback} pieces of feedback; named no more in "
        f"{noted.texts} texts and {noted.audit} entries of the audit log, which stay; names in free text are not known",
        soft_wrap=True,
    )


def _tell(done: Erased, version: int) -> None:
    gone = f"{done.films} films, {done.lesions} lesions, {done.events} events, {done.near_pairs} near-duplicate pairs"
    out.print(f"erased {done.patient}: {gone}, {done.files} files of the ledger", soft_wrap=True)
    held = f"{done.vectors} vectors and {done.pictures} small pictures; the archive is now version {version}"
    out.print(f"  {held}; older versions are gone", soft_wrap=True)
    out.print("what stays:")
    out.print(
        "  the originals, where they are; indexing them again brings the patient back", style=LOUD, soft_wrap=True
    )
    for place in done.originals[:SHOWN]:
        out.print(f"    {place}", soft_wrap=True)
    if len(done.originals) > SHOWN:
        out.print(f"    and {len(done.originals) - SHOWN} more; --json lists them all")
    out.print("  backups and copies of the archive; blocks that the disk has freed and not yet written over")
    out.print("  names of files that could never be read, in the ledger: nobody knows whose they are", soft_wrap=True)
    if done.shared:
        out.print(f"  {done.shared} films of other patients that are the same files", soft_wrap=True)
    if done.taught:
        text = (
            f"{done.taught} of the files went into the archive's encoder, which keeps their hashes and what it learned"
        )
        out.print(f"  {text}; train one without them and index the films into a new archive", soft_wrap=True)
