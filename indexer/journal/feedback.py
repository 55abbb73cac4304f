"""What people said of answers: similar, not similar, and how a past query turned out.

Nothing of it changes an answer by itself.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum

from engine.errors import QueryError
from engine.said import Said
from indexer.journal import limits
from indexer.journal.store import Journal, now

_FORMULA = ("=", "+", "-", "@", "\t")
"""With these a spreadsheet takes a text for a formula."""


class FeedbackKind(StrEnum):
    """What was said."""

    similar = "similar"
    not_similar = "not similar"
    histology = "histology"


@dataclass(frozen=True)
class Neighbour:
    """An archived film that was judged, as the archive held it then. entity: of its lesion, None where unknown."""

    film: int
    sha256: str
    patient: str
    entity: str | None


@dataclass(frozen=True)
class FeedbackEntry:
    """One thing said. query: sha256 of the query film's bytes. film, film_sha256, patient, film_entity: the neighbour
    judged, None with histology. entity, proof: how the query turned out, None with the others. at: UTC, ISO.
    """

    entry: int
    at: str
    who: str
    kind: FeedbackKind
    query: str
    film: int | None
    film_sha256: str | None
    patient: str | None
    film_entity: str | None
    entity: str | None
    proof: str | None
    note: str


@dataclass(frozen=True)
class TrainingPair:
    """A query film and a neighbour that somebody judged. query_entity: its latest histology, None where none came."""

    query: str
    film: int
    film_sha256: str
    patient: str
    similar: bool
    query_entity: str | None
    film_entity: str | None
    who: str
    at: str


def judge(
    journal: Journal, who: str, query: str, kind: FeedbackKind, neighbour: Neighbour, note: str = ""
) -> FeedbackEntry:
    """Store whether a neighbour is similar to a query.

    Raises:
        QueryError: a text over its limit, or histology, which is said of a query alone.
    """
    if kind is FeedbackKind.histology:
        told = "histology is said of a query, not of a neighbour; leave the film out"
        raise QueryError(Said("histology_of_query", told))
    return _store(journal, who, query, kind, note, neighbour, None, None)


def turned_out(
    journal: Journal, who: str, query: str, entity: str, proof: str | None = None, note: str = ""
) -> FeedbackEntry:
    """Store what a past query's lesion turned out to be. proof: how that is known, None where it is not said.

    Raises:
        QueryError: a text over its limit, or no entity.
    """
    entity = limits.line(Said("an_entity", "the entity"), entity, limits.NAME, needed=True)
    proof = limits.line(Said("a_proof", "the proof"), proof or "", limits.NAME) or None
    return _store(journal, who, query, FeedbackKind.histology, note, None, entity, proof)


def _store(
    journal: Journal,
    who: str,
    query: str,
    kind: FeedbackKind,
    note: str,
    near: Neighbour | None,
    entity: str | None,
    proof: str | None,
) -> FeedbackEntry:
    row = {
        "at": now(),
        "who": limits.line(limits.USER_NAME, who, limits.USER, needed=True),
        "kind": kind.value,
        "query": limits.sha256(query),
        "film": near and near.film,
        "film_sha256": near and near.sha256,
        "patient": near and near.patient,
        "film_entity": near and near.entity,
        "entity": entity,
        "proof": proof,
        "note": limits.text(Said("a_note", "the note"), note, limits.NOTE),
    }
    names = ", ".join(row)
    with journal.writing() as db:
        done = db.execute(f"INSERT INTO feedback ({names}) VALUES ({', '.join(f':{name}' for name in row)})", row)
        return _entry({"entry": int(done.lastrowid or 0), **row})


def feedback_given(
    journal: Journal, *, query: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[FeedbackEntry, ...]:
    """What was said, newest first. query: of this film only, None = all. before: older than this entry, to page on.

    Raises:
        QueryError: a limit out of range, or no hash.
    """
    sql = (
        "SELECT * FROM feedback WHERE (:query IS NULL OR query = :query) AND (:before IS NULL OR entry < :before) "
        "ORDER BY entry DESC LIMIT :limit"
    )
    asked = {"query": query and limits.sha256(query), "before": before, "limit": limits.page(limit)}
    with journal.reading() as db:
        return tuple(_entry(row) for row in db.execute(sql, asked))


def training_pairs(journal: Journal) -> tuple[TrainingPair, ...]:
    """Every judged pair, by its last judgement of each user, in order of their entries."""
    with journal.reading() as db:
        rows = [_entry(row) for row in db.execute("SELECT * FROM feedback ORDER BY entry")]
    entity = {row.query: row.entity for row in rows if row.kind is FeedbackKind.histology}
    last = {(row.query, row.film_sha256, row.who): row for row in rows if row.kind is not FeedbackKind.histology}
    return tuple(_pair(row, entity.get(row.query)) for row in sorted(last.values(), key=lambda row: row.entry))


def as_csv(pairs: Iterable[TrainingPair]) -> str:
    """The pairs as a table. Texts that a spreadsheet would take for a formula begin with an apostrophe."""
    target = io.StringIO()
    table = csv.DictWriter(target, [field.name for field in fields(TrainingPair)], lineterminator="\n")
    table.writeheader()
    for pair in pairs:
        row = asdict(pair) | {"similar": str(pair.similar).lower()}
        table.writerow({name: _harmless(value) for name, value in row.items()})
    return target.getvalue()


def as_json_lines(pairs: Iterable[TrainingPair]) -> str:
    """The pairs as JSON, one a line."""
    return "".join(f"{json.dumps(asdict(pair))}\n" for pair in pairs)


def _pair(row: FeedbackEntry, entity: str | None) -> TrainingPair:
    assert row.film is not None and row.film_sha256 is not None and row.patient is not None
    similar = row.kind is FeedbackKind.similar
    told = (row.query, row.film, row.film_sha256, row.patient, similar, entity, row.film_entity, row.who, row.at)
    return TrainingPair(*told)


def _entry(row: dict[str, object]) -> FeedbackEntry:
    return FeedbackEntry(**row | {"kind": FeedbackKind(str(row["kind"]))})  # type: ignore[arg-type]


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
