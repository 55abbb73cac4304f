"""What an archive holds, for people and programs."""

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from engine.said import Said
from indexer.archive import Snapshot
from indexer.catalogue import FILTER_COLUMNS, Row
from indexer.duplicates.groups import NearCounts, near_counts
from indexer.pending import DUPLICATE, LEFT_OUT
from indexer.records import Proof
from indexer.remarks import from_json, remarks

COPY = Said("same_bytes", "the same bytes as another film of the patient")
DECADE = "CAST(floor(age / 10) * 10 AS INTEGER)"
COUNTED = {"entity": '"entity"', "site": '"site"', "centre": '"centre"', "sex": '"sex"', "proof": '"proof"'} | {
    "age": f"{DECADE} || '–' || ({DECADE} + 9)"
}
"""What is counted, as SQL over the films; ages by decade."""
MOST = 200
"""Values counted of a column, and reasons told of films left out."""


def archive_facts(snapshot: Snapshot) -> dict[str, Any]:
    """Counts, model card, sources and filter columns with their commonest values, ready for JSON."""
    manifest = snapshot.manifest
    return {
        "title": manifest.title,
        "synthetic": manifest.synthetic,
        "version": manifest.version,
        "published": manifest.created,
        "films": len(snapshot.film),
        "patients": len(snapshot.patients),
        "near_duplicates": asdict(near_facts(snapshot)),
        "index": manifest.index.name,
        "model": json.loads(manifest.card.to_json()),
        "segmenter": manifest.segmenter,
        "sources": [vars(facts) for facts in manifest.sources.values()],
        "counts": {column: _counts(snapshot, column) for column in COUNTED},
        "versions": _versions(snapshot),
        "columns": [_column(snapshot, name) for name in FILTER_COLUMNS],
        "left_out": snapshot.catalogue.rows("SELECT outcome, count(*) AS films FROM ledger GROUP BY 1 ORDER BY 1"),
    }


def left_out_facts(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Why files are not films of their own: outcome, reason, count of files, commonest first; no file is named.

    remark: the reason with its code; None in an archive that was made before there were codes.
    """
    sql = "SELECT * FROM ledger WHERE outcome IN (?, ?) ORDER BY outcome, reason, file"
    counts: Counter[tuple[str, Said]] = Counter()
    for row in snapshot.catalogue.rows(sql, [DUPLICATE, LEFT_OUT]):
        counts[row["outcome"], COPY if row["outcome"] == DUPLICATE else _reason(row)] += 1
    return [
        {"outcome": kind, "reason": str(why), "files": n, "remark": next(iter(remarks(why)), None)}
        for (kind, why), n in counts.most_common(MOST)
    ]


def _reason(row: Row) -> Said:
    said = row.get("said")  # the column is younger than the first archives
    reason = from_json(said) if said else Said.known(row["reason"] or "")
    return reason.replaced(row["file"], "the file")


def near_pairs(snapshot: Snapshot, first: int, most: int) -> list[dict[str, Any]]:
    """Pairs of films that are one exposure, likest first, from the pair `first` on, at most so many."""
    sql = (
        "SELECT near.film, near.other, likeness, a.patient, b.patient AS other_patient FROM near "
        "JOIN films a ON a.film = near.film JOIN films b ON b.film = near.other "
        "ORDER BY likeness DESC, near.film, near.other LIMIT ? OFFSET ?"
    )
    return snapshot.catalogue.rows(sql, [most, first])


def _counts(snapshot: Snapshot, column: str) -> list[dict[str, Any]]:
    """Films and patients of each value, None for unknown, and how many of the patients are proven by histology."""
    sql = (
        f"SELECT {COUNTED[column]} AS value, count(*) AS films, count(DISTINCT patient) AS patients, "
        "count(DISTINCT patient) FILTER (WHERE proof = ?) AS histology FROM film_view GROUP BY 1 "
        "ORDER BY patients DESC, films DESC, value LIMIT ?"
    )
    return snapshot.catalogue.film_rows(sql, [Proof.histology.value, MOST])


def _versions(snapshot: Snapshot) -> list[dict[str, Any]]:
    """The versions on disk, newest first, and when their catalogues were written."""
    found = []
    for folder in sorted((snapshot.root / "versions").glob("*"), reverse=True):
        try:
            written = (folder / "catalogue.duckdb").stat().st_mtime
        except OSError:
            continue  # swept away meanwhile
        if int(folder.name) <= snapshot.manifest.version:
            at = datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds")
            found.append({"version": int(folder.name), "written": at})
    return found


def near_facts(snapshot: Snapshot) -> NearCounts:
    """How many films of the archive have a near-duplicate."""
    rows = snapshot.films.select(["film", "patient", "near_group"]).to_pylist()
    groups = {row["film"]: row["near_group"] for row in rows if row["near_group"] is not None}
    return near_counts(groups, {row["film"]: row["patient"] for row in rows})


def _column(snapshot: Snapshot, name: str) -> dict[str, Any]:
    personal = name in {"patient", "film"}
    values = [] if personal else snapshot.catalogue.values(name)
    return {
        "name": name,
        "type": FILTER_COLUMNS[name].value,
        "values": [{"value": _spelt(v), "films": n} for v, n in values],
    }


def _spelt(value: object) -> str | None:
    """A value as a filter may name it, 12 rather than 12.0; None where it is unknown."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value)
