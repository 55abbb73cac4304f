"""What became of every film: the ledger of an archive, as `caselink report` shows it."""

from dataclasses import dataclass

from indexer.archive import Snapshot


@dataclass(frozen=True)
class SourceReport:
    """One source's films by outcome; left_out and duplicates as (file, reason)."""

    source: str
    layout: str
    roi: str
    title: str
    found: int
    indexed: int
    duplicates: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]


def report(snapshot: Snapshot) -> list[SourceReport]:
    """Every source of the archive with what became of each of its files."""
    found = []
    for name, facts in snapshot.manifest.sources.items():
        rows = snapshot.catalogue.rows(
            "SELECT file, outcome, reason FROM ledger WHERE source = ? ORDER BY file", [name]
        )
        by = {
            kind: [(r["file"], r["reason"]) for r in rows if r["outcome"] == kind] for kind in ("duplicate", "left out")
        }
        indexed = len(rows) - len(by["duplicate"]) - len(by["left out"])
        duplicates, left_out = tuple(by["duplicate"]), tuple(by["left out"])
        found.append(SourceReport(name, facts.layout, facts.roi, facts.title, len(rows), indexed, duplicates, left_out))
    return found
