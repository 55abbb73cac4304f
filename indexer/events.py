"""Events that are recorded one by one, through the archive's one writer."""

from datetime import date
from pathlib import Path

from indexer.manifest import read_manifest
from indexer.records import Event, EventKind
from indexer.writer import ENCODER, open_writer


def record_decision(root: Path, patient: str, case: int, text: str, dated: date) -> int | None:
    """Make a board's decision an event of a patient, in place of an earlier one of the same case; gives the version.

    None where the archive holds nothing of the patient. An event outlives indexing their films again, and goes when
    the patient is erased.

    Raises:
        ArchiveBusy: another process writes. ArchiveError: the archive cannot be written. DiskFull.
    """
    manifest = read_manifest(root)
    told_by = f"tumour board, case {case}"
    event = Event(EventKind.board, text, dated, told_by)
    with open_writer(root, manifest.card, root / ENCODER) as writer:
        catalogue = writer.catalogue
        if not catalogue.rows("SELECT 1 FROM patients WHERE patient = ?", [patient]):
            return None
        with catalogue.transaction():
            catalogue.forget_events(told_by, [patient])
            catalogue.insert(
                "events", [vars(event) | {"patient": patient, "kind": event.kind.value, "told_by": told_by}]
            )
        writer.publish()
        return writer.manifest.version
