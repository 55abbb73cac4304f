"""What became of every film: the ledger of an archive, as `caselink report` shows it."""

from dataclasses import dataclass

from indexer.archive import Snapshot


@dataclass(frozen=True)
class NearPair:
    """A film that is a near-duplicate of one archived before it, `of`, and their patients' pseudonyms in this order.

    likeness: of their detail, 0.6 to 1.
    """

    file: str
    of: str
    likeness: float
    patients: tuple[str, str]


@dataclass(frozen=True)
class SourceReport:
    """One source's films by outcome; left_out and duplicates as (file, reason). near: films of the source that are one
    exposure with another of the archive.
    """

    source: str
    layout: str
    roi: str
    title: str
    found: int
    indexed: int
    duplicates: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]
    near: tuple[NearPair, ...] = ()


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
        told = (name, facts.layout, facts.roi, facts.title, len(rows), indexed, duplicates, left_out)
        found.append(SourceReport(*told, _near(snapshot, name)))
    return found


def _near(snapshot: Snapshot, source: str) -> tuple[NearPair, ...]:
    sql = (
        "SELECT b.file, a.file AS of, likeness, b.patient, a.patient AS other_patient "
        "FROM near JOIN films a ON a.film = near.film JOIN films b ON b.film = near.other "
        "WHERE b.source = ? ORDER BY b.film, a.film"
    )
    rows = snapshot.catalogue.rows(sql, [source])
    return tuple(NearPair(r["file"], r["of"], r["likeness"], (r["patient"], r["other_patient"])) for r in rows)
