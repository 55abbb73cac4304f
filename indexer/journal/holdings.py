"""What a board's case holds besides its notes: films as pictures, precedents, the last answer, the decision."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import NotFound, QueryError, StaleWrite
from engine.said import Said
from indexer.journal import limits
from indexer.journal.board import Decision, Section, require_case, user
from indexer.journal.store import Journal, Row, now

_CASE = "SELECT * FROM cases WHERE board_case = ?"


@dataclass(frozen=True)
class NewFilm:
    """A film to keep in a case; see `CaseFilm`. png: the picture without header, long side as for the screen."""

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


@dataclass(frozen=True)
class HeldAnswer:
    """What the archive last answered on a case's films. answer: JSON of it. films: sha256 of those it rests on."""

    answer: dict[str, Any]
    films: tuple[str, ...]
    at: str
    who: str


def add_films(
    journal: Journal, who: str, case: int, films: Sequence[NewFilm], answer: str | None, patient: str | None
) -> None:
    """Add films, and what the archive answers on them.

    answer: JSON, None = none. patient: whose films they are by their headers, None = unknown; a case without a patient
    becomes theirs. A film that the case has is not added again.

    Raises:
        NotFound: no such case. QueryError: too many films.
    """
    who, at = user(who), now()
    with journal.writing() as db:
        require_case(db.execute(_CASE, (case,)), case)
        for film in films:
            db.execute(_ADD, {**_columns(film), "board_case": case, "at": at, "who": who})
        held = db.execute("SELECT count(*) AS n FROM case_films WHERE board_case = ?", (case,)).fetchone()["n"]
        if held > limits.CASE_FILMS:
            told = "case {case} would hold {films} films, over the limit of {most}; remove some"
            raise QueryError(Said("case_films", told, case=str(case), films=held, most=limits.CASE_FILMS))
        if answer is not None:
            named = json.dumps([film.sha256 for film in films])
            db.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", (case, answer, named, at, who))
        if patient is not None:
            db.execute("UPDATE cases SET patient = ? WHERE board_case = ? AND patient IS NULL", (patient, case))


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


def remove_film(journal: Journal, case: int, film: int) -> None:
    """Take a film out of a case, and the answer if it rests on it.

    Raises:
        NotFound: the case has no such film.
    """
    with journal.writing() as db:
        row = db.execute("SELECT sha256 FROM case_films WHERE board_case = ? AND film = ?", (case, film)).fetchone()
        if row is None:
            raise _no_film(case, film)
        db.execute("DELETE FROM case_films WHERE film = ?", (film,))
        db.execute(
            "DELETE FROM answers WHERE board_case = ? AND ? IN (SELECT value FROM json_each(films))",
            (case, row["sha256"]),
        )


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
    plain = {name: value for name, value in vars(film).items() if name not in {"region", "spacing_mm"}}
    corners = {"x0": x0, "y0": y0, "x1": x1, "y1": y1}
    return plain | corners | {"spacing_row": spacing[0], "spacing_column": spacing[1]}


_NAMES = (
    *("board_case", "sha256", "png", "rows", "columns", "x0", "y0", "x1", "y1", "region_origin", "side", "view"),
    *("body_part", "taken", "spacing_row", "spacing_column", "identity", "at", "who"),
)
_ADD = f"INSERT OR IGNORE INTO case_films ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"


def _no_film(case: int, film: int) -> NotFound:
    told = "case {case} has no film {number}; take its number from the case"
    return NotFound(Said("no_case_film", told, case=str(case), number=str(film)))
