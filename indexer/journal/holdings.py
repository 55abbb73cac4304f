"""What a board's case holds besides its notes: films as pictures, precedents, the last answer, the decision."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import NotFound, QueryError, StaleWrite
from engine.said import Said
from indexer.journal import limits
from indexer.journal.board import CaseFilm, Decision, Section, film_of, require_case, user
from indexer.journal.store import Journal, Row, now

_CASE = "SELECT * FROM cases WHERE board_case = ?"


@dataclass(frozen=True)
class FilmVector:
    """By what a film is asked about again, without its pixels and header.

    vector: the embedding, little-endian float32. model: fingerprint of the card of the encoder that made it. patients:
    the pseudonyms that its header's patient may have in the archive, by each source's issuer; empty where it names
    none. confidence: of its region, see `Region`. warnings: sentences on what was odd, as `as_json` has them.
    """

    vector: bytes
    model: str
    patients: tuple[str, ...]
    confidence: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class NewFilm:
    """A film to keep in a case; see `CaseFilm`. png: the picture without header, long side as for the screen.

    asked: None keeps a film that cannot be asked about again.
    """

    sha256: str
    png: bytes
    rows: int
    columns: int
    region: tuple[int, int, int, int]
    region_origin: str
    side: str | None
    view: str | None
    body_part: str | None
    taken: str | None
    spacing_mm: tuple[float, float] | None
    identity: str
    asked: FilmVector | None = None


@dataclass(frozen=True)
class NewAnswer:
    """An answer to keep. answer: its JSON. films: sha256 of those it rests on."""

    answer: str
    films: tuple[str, ...]


HeldFilm = tuple[CaseFilm, FilmVector | None]
Ask = Callable[[Sequence[HeldFilm]], NewAnswer | None]
"""What the archive answers on a case's films, in their order; None where none of them can be asked about. The journal
waits for it, so that no film is added or taken out meanwhile."""


@dataclass(frozen=True)
class HeldAnswer:
    """What the archive last answered on a case's films. answer: JSON of it. films: sha256 of those it rests on."""

    answer: dict[str, Any]
    films: tuple[str, ...]
    at: str
    who: str


def add_films(
    journal: Journal, who: str, case: int, films: Sequence[NewFilm], patient: str | None = None, ask: Ask | None = None
) -> None:
    """Keep films in a case, and the answer on all of its films in place of an earlier one. patient: whose they are,
    which a case without one becomes. ask: None leaves the case without an answer.

    A film whose bytes are there already keeps its number and is asked about as it is given now. What `ask` raises
    undoes all of it.

    Raises:
        NotFound: no such case. QueryError: too many films.
    """
    who, at = user(who), now()
    with journal.writing() as db:
        require_case(db.execute(_CASE, (case,)), case)
        for film in films:
            db.execute(_ADD, {**_columns(film), "board_case": case, "at": at, "who": who})
            if film.asked is not None:
                db.execute(_ADD_VECTOR, {**_vector_columns(film.asked), "board_case": case, "sha256": film.sha256})
        held = db.execute("SELECT count(*) AS n FROM case_films WHERE board_case = ?", (case,)).fetchone()["n"]
        if held > limits.CASE_FILMS:
            told = "case {case} would hold {films} films, over the limit of {most}; remove some"
            raise QueryError(Said("case_films", told, case=str(case), films=held, most=limits.CASE_FILMS))
        if patient is not None:
            db.execute("UPDATE cases SET patient = ? WHERE board_case = ? AND patient IS NULL", (patient, case))
        _answer(db, who, case, ask)


def film_picture(journal: Journal, case: int, film: int) -> bytes:
    """The PNG of a case's film.

    Raises:
        NotFound: the case has no such film.
    """
    with journal.reading() as db:
        row = db.execute("SELECT png FROM case_films WHERE board_case = ? AND film = ?", (case, film)).fetchone()
    if row is None:
        raise _no_film(case, film)
    return bytes(row["png"])


def remove_film(journal: Journal, who: str, case: int, film: int, ask: Ask | None = None) -> None:
    """Take a film out of a case; an answer that rests on it gives way to that on the others, if there is any.

    Raises:
        NotFound: the case has no such film.
    """
    with journal.writing() as db:
        row = db.execute("SELECT sha256 FROM case_films WHERE board_case = ? AND film = ?", (case, film)).fetchone()
        if row is None:
            raise _no_film(case, film)
        db.execute("DELETE FROM case_films WHERE film = ?", (film,))
        rested = "SELECT 1 FROM answers, json_each(films) WHERE board_case = ? AND value = ?"
        if db.execute(rested, (case, row["sha256"])).fetchone():
            _answer(db, user(who), case, ask)


def ask_anew(journal: Journal, who: str, case: int, ask: Ask) -> None:
    """Put a new answer in the place of the one that a case has; without one it stays without."""
    with journal.writing() as db:
        if db.execute("SELECT 1 FROM answers WHERE board_case = ?", (case,)).fetchone():
            _answer(db, user(who), case, ask)


def add_precedent(journal: Journal, who: str, case: int, film: int, patient: str) -> None:
    """Set an archived film beside a case's; one that is there stays as it is.

    Raises:
        NotFound: no such case. QueryError: too many precedents.
    """
    with journal.writing() as db:
        require_case(db.execute(_CASE, (case,)), case)
        db.execute(
            "INSERT OR IGNORE INTO precedents VALUES (?, ?, ?, ?, ?)",
            (case, film, limits.pseudonym(patient), now(), user(who)),
        )
        held = db.execute("SELECT count(*) AS n FROM precedents WHERE board_case = ?", (case,)).fetchone()["n"]
        if held > limits.PRECEDENTS:
            told = "case {case} would hold {precedents} precedents, over the limit of {most}; remove some"
            raise QueryError(Said("case_precedents", told, case=str(case), precedents=held, most=limits.PRECEDENTS))


def remove_precedent(journal: Journal, case: int, film: int) -> None:
    """Take a precedent away.

    Raises:
        NotFound: the case has no such precedent.
    """
    with journal.writing() as db:
        if not db.execute("DELETE FROM precedents WHERE board_case = ? AND film = ?", (case, film)).rowcount:
            told = "case {case} has no precedent with film {number}; take its number from the case"
            raise NotFound(Said("no_precedent", told, case=str(case), number=str(film)))


def held_answer(journal: Journal, case: int) -> HeldAnswer | None:
    """The last answer on a case's films; None where there is none."""
    with journal.reading() as db:
        row = db.execute("SELECT * FROM answers WHERE board_case = ?", (case,)).fetchone()
    if row is None:
        return None
    return HeldAnswer(json.loads(row["answer"]), tuple(json.loads(row["films"])), row["at"], row["who"])


def decide(journal: Journal, who: str, case: int, revision: int, dated: str) -> Decision:
    """Make the section `decision`, as it stands, the board's decision of a day. revision: the one that was read.

    The same decision again is as it was, with the version that holds it.

    Raises:
        StaleWrite: the section was changed since. QueryError: it is empty. NotFound: no such case.
    """
    who, day = user(who), limits.day(dated)
    assert day is not None
    with journal.writing() as db:
        require_case(db.execute(_CASE, (case,)), case)
        sql = "SELECT * FROM sections WHERE board_case = ? AND section = ? ORDER BY revision DESC LIMIT 1"
        row = db.execute(sql, (case, Section.decision.value)).fetchone()
        text, held = (row["text"], row["revision"]) if row else ("", 0)
        if held != revision:
            told = "the decision of case {case} is at revision {held}, you read {revision}; read it again"
            message = Said("decision_stale", told, case=str(case), held=held, revision=revision)
            raise StaleWrite(message, text, held, "")
        if not text.strip():
            told = "the section decision of case {case} is empty; write the decision there first"
            raise QueryError(Said("decision_empty", told, case=str(case)))
        before = db.execute("SELECT * FROM decisions WHERE board_case = ?", (case,)).fetchone()
        if before and (before["text"], before["revision"], before["dated"]) == (text, revision, day):
            return Decision(**{name: value for name, value in before.items() if name != "board_case"})
        decided = Decision(text, revision, day, now(), who, None)
        db.execute(
            "INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?, ?, NULL)",
            (case, text, revision, day, decided.at, who),
        )
    return decided


def recorded(journal: Journal, case: int, revision: int, version: int) -> None:
    """Note which version of the archive holds the decision of that revision as an event."""
    with journal.writing() as db:
        db.execute("UPDATE decisions SET version = ? WHERE board_case = ? AND revision = ?", (version, case, revision))


def _columns(film: NewFilm) -> Row:
    x0, y0, x1, y1 = film.region
    spacing = film.spacing_mm or (None, None)
    plain = {name: value for name, value in vars(film).items() if name not in {"region", "spacing_mm", "asked"}}
    corners = {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return plain | corners | {"spacing_row": spacing[0], "spacing_column": spacing[1]}


_NAMES = (
    *("board_case", "sha256", "png", "rows", "columns", "x0", "y0", "x1", "y1", "region_origin", "side", "view"),
    *("body_part", "taken", "spacing_row", "spacing_column", "identity", "at", "who"),
)
_ANEW = ("x0", "y0", "x1", "y1", "region_origin", "identity", "at", "who")
"""What may differ where the same bytes are added once more."""
_ADD = (
    f"INSERT INTO case_films ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)}) "
    f"ON CONFLICT (board_case, sha256) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _ANEW)}"
)
_ADD_VECTOR = (
    "INSERT OR REPLACE INTO film_vectors SELECT film, :vector, :model, :patients, :confidence, :warnings "
    "FROM case_films WHERE board_case = :board_case AND sha256 = :sha256"
)


def _vector_columns(asked: FilmVector) -> Row:
    return vars(asked) | {"patients": json.dumps(asked.patients), "warnings": json.dumps(asked.warnings)}


def _vector(row: Row | None) -> FilmVector | None:
    if row is None:
        return None
    told = {name: tuple(json.loads(row[name])) for name in ("patients", "warnings")}
    return FilmVector(**{name: value for name, value in row.items() if name != "film"} | told)


def _answer(db: sqlite3.Connection, who: str, case: int, ask: Ask | None) -> None:
    """Put what is answered on a case's films as they are now in the place of an earlier answer."""
    films = db.execute("SELECT * FROM case_films WHERE board_case = ? ORDER BY film", (case,)).fetchall()
    by = "SELECT * FROM film_vectors WHERE film = ?"
    held = [(film_of(row), _vector(db.execute(by, (row["film"],)).fetchone())) for row in films]
    said = ask(held) if ask is not None else None
    db.execute("DELETE FROM answers WHERE board_case = ?", (case,))
    if said is not None:
        told = (case, said.answer, json.dumps(said.films), now(), who)
        db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", told)


def _no_film(case: int, film: int) -> NotFound:
    told = "case {case} has no film {number}; take its number from the case"
    return NotFound(Said("no_case_film", told, case=str(case), number=str(film)))
