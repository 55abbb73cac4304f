"""Shards: what became of some films in a row, in one file that is there whole or not at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.embeddings import Vectors
from engine.radiograph import Header, Radiograph, Sex, Spacing, Stage
from engine.region import Origin, Region
from indexer.durable import replacing
from indexer.prepare import Known, Prepared
from indexer.pseudonym import Sealed
from indexer.records import FilmRecord
from indexer.remarks import as_json, from_json

FORMAT = 2
SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("reason", pa.string()),
        ("kept", pa.bool_()),
        ("sha256", pa.string()),
        ("region_key", pa.string()),
        ("named", pa.bool_()),
        ("phash", pa.string()),
        ("film", pa.string()),
        ("vector", pa.list_(pa.float32())),
        ("thumbnail", pa.binary()),
    ]
)
"""reason: JSON of why it is left out, with its code. film: JSON of what a film's file says of it, identifiers sealed,
and of its region; null where it is left out."""
OUTCOMES = ["file", "reason", "kept", "sha256", "region_key"]


@dataclass(frozen=True)
class Shard:
    """Films in a row of a listing. start: the first one's place in it. name: over all that moves what is made."""

    start: int
    name: str
    films: tuple[FilmRecord, ...]

    @property
    def end(self) -> int:
        """The place after its last film."""
        return self.start + len(self.films)

    def path(self, folder: Path) -> Path:
        """Its file in the folder of shards."""
        return folder / f"{self.name}.parquet"


def shard_name(made_by: Sequence[str], films: Sequence[FilmRecord], stamps: Sequence[str]) -> str:
    """32 hex digits over who prepares, what is known of the films before they are read, and the stamps of their files.

    films: sealed. Where they lie does not count, since an object store is laid out in another folder by each run.
    """
    plain = [repr(replace(film, path=None, mask=None)) for film in films]
    return sha256(json.dumps([FORMAT, *made_by, plain, list(stamps)]).encode()).hexdigest()[:32]


def write_shard(path: Path, items: Sequence[Prepared]) -> None:
    """What became of films, at `path` by rename.

    Raises:
        DiskFull: there is no such file.
    """
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    for item in items:
        for name, value in _row(item).items():
            columns[name].append(value)
    with replacing(path) as file:
        pq.write_table(pa.table(columns, SCHEMA), file, write_page_checksum=True, compression="none")


def read_shard(path: Path, films: Sequence[FilmRecord]) -> list[Prepared]:
    """What became of a shard's films; the records are the listing's own, with the identifiers that it gives."""
    rows = pq.read_table(path, page_checksum_verification=True).to_pylist()
    return [_prepared(record, row) for record, row in zip(films, rows, strict=True)]


def is_finished(path: Path, films: Sequence[FilmRecord], known: Mapping[str, Known]) -> bool:
    """Whether a shard is there whole and would be made the same now.

    It would not where a file could not be read, which may have been the network, or where what it skipped as known
    is known no more.
    """
    try:
        rows = pq.read_table(path, columns=OUTCOMES, page_checksum_verification=True).to_pylist()
    except (OSError, pa.ArrowInvalid):
        return False
    return len(rows) == len(films) and all(_holds(film, row, known) for film, row in zip(films, rows, strict=True))


def _holds(film: FilmRecord, row: Mapping[str, Any], known: Mapping[str, Known]) -> bool:
    if row["kept"]:
        return known.get(film.file) == Known(row["sha256"], row["region_key"])
    return bool(row["sha256"]) or film.problem is not None or film.path is None


def still(item: Prepared, known: Mapping[str, Known]) -> Prepared:
    """The same film as kept, where the archive has come to hold what was made of it."""
    if item.kept or item.reason or known.get(item.record.file) != Known(item.sha256, item.region_key):
        return item
    return Prepared(item.record, kept=True, sha256=item.sha256, region_key=item.region_key)


def _row(item: Prepared) -> dict[str, Any]:
    there = item.film is not None and item.region is not None and item.vector is not None
    return {
        "file": item.record.file,
        "reason": None if item.reason is None else as_json(item.reason),
        "kept": item.kept,
        "sha256": item.sha256,
        "region_key": item.region_key,
        "named": item.named,
        "phash": item.phash,
        "film": json.dumps(_film_facts(item)) if there else None,
        "vector": item.vector,
        "thumbnail": item.thumbnail,
    }


def _film_facts(item: Prepared) -> dict[str, Any]:
    film, region = item.film, item.region
    assert film is not None and region is not None
    header = vars(film.header) | {"taken": film.header.taken and film.header.taken.isoformat()}
    return {
        "header": header,
        "shape": film.shape,
        "spacing": film.spacing and (film.spacing.row, film.spacing.column),
        "detector": film.detector_spacing and (film.detector_spacing.row, film.detector_spacing.column),
        "warnings": film.warnings,
        "source": film.source,
        "box": region.box,
        "origin": region.origin.value,
        "confidence": None if region.confidence is None else float(region.confidence),
    }


def _prepared(record: FilmRecord, row: Mapping[str, Any]) -> Prepared:
    plain = {name: row[name] for name in ("kept", "sha256", "region_key", "named", "phash", "thumbnail")}
    plain["reason"] = None if row["reason"] is None else from_json(row["reason"])
    if row["film"] is None:
        return Prepared(record, **plain)
    facts = json.loads(row["film"])
    film = Radiograph(
        np.zeros((1, 1), np.float32),
        row["sha256"],
        facts["source"],
        _header(facts["header"]),
        tuple(facts["shape"]),
        facts["spacing"] and Spacing(*facts["spacing"]),
        facts["detector"] and Spacing(*facts["detector"]),
        tuple(facts["warnings"]),
    )
    x0, y0, x1, y1 = facts["box"]
    region = Region(x0, y0, x1, y1, Origin(facts["origin"]), facts["confidence"])
    vector: Vectors = np.array(row["vector"], np.float32)
    return Prepared(record, film=film, region=region, vector=vector, **plain)


def _header(facts: dict[str, Any]) -> Header:
    sealed = {name: facts[name] and Sealed(facts[name]) for name in ("patient", "study")}
    read = {
        "sex": facts["sex"] and Sex(facts["sex"]),
        "stage": Stage(facts["stage"]),
        "taken": facts["taken"] and date.fromisoformat(facts["taken"]),
    }
    return Header(**facts | sealed | read)
