"""Taking one patient out of a writer's catalogue, and telling what went and what stays."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import NotFound
from indexer.catalogue import Catalogue, Row
from indexer.packs import COLUMNS, Place
from indexer.votes.films import calibrated_on, trained_on

TABLES = ("patients", "films", "lesions", "events")
"""Tables with a column `patient`."""


@dataclass(frozen=True)
class Erased:
    """What an erasure took out of an archive: rows of each kind, vectors and small pictures that no other film shares.

    files: rows of the ledger. originals: the places of the films' files, which stay where they are. shared: films of
    other patients that are the same file, and keep its hash, vector and picture. taught: of the files, how many the
    archive's encoder was trained, tested or calibrated on; it keeps their hashes and what it learned.
    """

    patient: str
    films: int
    lesions: int
    events: int
    near_pairs: int
    files: int
    vectors: int
    pictures: int
    originals: tuple[str, ...]
    shared: int
    taught: int


def erase_rows(catalogue: Catalogue, patient: str, encoder: Path) -> Erased:
    """Delete a patient's rows from every table of a catalogue open for writing. encoder: the archive's, its folder.

    Raises:
        NotFound: no table holds the patient. DiskFull: the catalogue must not be published any more.
    """
    held = {name: catalogue.rows(f"SELECT * FROM {name} WHERE patient = ?", [patient]) for name in TABLES}
    if not any(held.values()):
        raise NotFound(
            f"the archive holds nothing of a patient {patient[:40]!r}; take the pseudonym from an answer "
            "(an erasure that was stopped after it was published is complete by now)"
        )
    films = held["films"]
    kin = _others_like(catalogue, patient, films)
    ids = [row["film"] for row in films]
    hashes = {row["sha256"] for row in films}
    alone = hashes - {row["sha256"] for row in kin}
    doomed: tuple[tuple[str, dict[str, list[int] | list[str]]], ...] = (
        ("near", {"film": ids, "other": ids}),
        ("ledger", {"film": ids, "sha256": sorted(alone)}),
    )
    pairs, files = (_count(catalogue, table, keys) for table, keys in doomed)
    with catalogue.transaction():
        for table, keys in doomed:
            for column, values in keys.items():
                catalogue.delete(table, column, values)
        for name in TABLES:
            catalogue.delete(name, "patient", [patient])
    return Erased(
        patient,
        len(films),
        len(held["lesions"]),
        len(held["events"]),
        pairs,
        files,
        len({row["vector"] for row in films} - {row["vector"] for row in kin}),
        len({_place(row) for row in films} - {_place(row) for row in kin} - {None}),
        tuple(row["uri"] for row in films),
        len(kin),
        len(hashes & (trained_on(encoder) | calibrated_on(encoder))),
    )


def pictures_held(catalogue: Catalogue) -> set[Place]:
    """The places of all films' small pictures."""
    rows = catalogue.rows(f"SELECT DISTINCT {', '.join(COLUMNS)} FROM films WHERE thumbnail_pack IS NOT NULL")
    return {Place(*(row[name] for name in COLUMNS)) for row in rows}


def _others_like(catalogue: Catalogue, patient: str, films: list[Row]) -> list[Row]:
    """Films of other patients that are one of these files."""
    hashes = [row["sha256"] for row in films]
    sql = "SELECT * FROM films WHERE patient <> ? AND sha256 IN (SELECT unnest(?))"
    return catalogue.rows(sql, [patient, hashes]) if hashes else []


def _count(catalogue: Catalogue, table: str, keys: dict[str, list[int] | list[str]]) -> int:
    """Rows of a table of which any of the columns is among its values."""
    either = " OR ".join(f'"{column}" IN (SELECT unnest(?))' for column, values in keys.items() if values)
    if not either:
        return 0
    (row,) = catalogue.rows(f"SELECT count(*) AS n FROM {table} WHERE {either}", [v for v in keys.values() if v])
    return int(row["n"])


def _place(row: Row) -> tuple[object, ...] | None:
    return None if row[COLUMNS[0]] is None else tuple(row[name] for name in COLUMNS)
