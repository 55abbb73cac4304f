"""What an archive holds, for people and programs."""

import json
from dataclasses import asdict
from typing import Any

from indexer.archive import Snapshot
from indexer.catalogue import FILTER_COLUMNS
from indexer.duplicates.groups import NearCounts, near_counts


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
        "columns": [_column(snapshot, name) for name in FILTER_COLUMNS],
        "left_out": snapshot.catalogue.rows("SELECT outcome, count(*) AS films FROM ledger GROUP BY 1 ORDER BY 1"),
    }


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
