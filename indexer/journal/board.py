"""Cases of the tumour board: films, precedents, an answer, and notes that several people write at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from engine.errors import NotFound, StaleWrite
from engine.said import Said
from indexer.journal import limits
from indexer.journal.store import Journal, Row, now


class Section(StrEnum):
    """The five sections of the board's protocol."""

    history = "history"
    diagnosis = "diagnosis"
    question = "question"
    finding = "finding"
    decision = "decision"


@dataclass(frozen=True)
class SectionText:
    """A section as it stands. revision: 0 where nobody has written yet, then `at` and `who` are None."""

    section: Section
    text: str
    revision: int
    at: str | None
    who: str | None


@dataclass(frozen=True)
class CaseFilm:
    """A film of a case, kept as a picture without its header.

    film: number within the journal, not one of the archive's. rows, columns: of the full film; region: (x0, y0, x1, y1)
    in those pixels. identity: key of whose film it is: a pseudonym, or the first digits of the film's own hash.
    """

    film: int
    sha256: str
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
    at: str
    who: str


@dataclass(frozen=True)
class Precedent:
    """A past patient's film that a case is compared with. film: the archive's number."""

    film: int
    patient: str
    at: str
    who: str


@dataclass(frozen=True)
class Decision:
    """The board's decision. revision: of the section's text. version: of the archive that holds it as an event of the
    case's patient, None where none does.
    """

    text: str
    revision: int
    dated: str
    at: str
    who: str
    version: int | None


@dataclass(frozen=True)
class CaseSummary:
    """A case as an agenda lists it. day: of the board's meeting, None while none is set. position: within the day.

    patient: pseudonym, None while nobody has said. revision: of title, day, position and patient. films, precedents:
    counts. decided: whether a decision is there.
    """

    case: int
    title: str
    day: str | None
    position: int
    patient: str | None
    revision: int
    made_at: str
    made_by: str
    changed_at: str
    changed_by: str
    films: int
    precedents: int
    decided: bool


@dataclass(frozen=True)
class Board:
    """One case with all that it holds; sections in the protocol's order, films and precedents in theirs."""

    case: CaseSummary
    sections: tuple[SectionText, ...]
    films: tuple[CaseFilm, ...]
    precedents: tuple[Precedent, ...]
    decision: Decision | None


_SUMMARY = """
SELECT c.*, (SELECT count(*) FROM case_films f WHERE f.board_case = c.board_case) AS films,
(SELECT count(*) FROM precedents p WHERE p.board_case = c.board_case) AS precedents,
EXISTS (SELECT 1 FROM decisions d WHERE d.board_case = c.board_case) AS decided FROM cases c
"""
_LATEST = "SELECT * FROM sections WHERE board_case = ? AND section = ? ORDER BY revision DESC LIMIT 1"


def make_case(journal: Journal, who: str, title: str, day: str | None = None, patient: str | None = None) -> Board:
    """A new case, last of its day.

    Raises:
        QueryError: no title, one too long, no such day, or no pseudonym.
    """
    who, at = user(who), now()
    row = (_title(title), limits.day(day), patient and limits.pseudonym(patient), at, who, at, who)
    with journal.writing() as db:
        done = db.execute(
            "INSERT INTO cases (title, day, patient, made_at, made_by, changed_at, changed_by, revision, position) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 1, (SELECT coalesce(max(position), 0) + 1 FROM cases WHERE day IS ?))",
            (*row, row[1]),
        )
        case = int(done.lastrowid or 0)
    return read_case(journal, case)


def change_case(
    journal: Journal,
    who: str,
    case: int,
    revision: int,
    *,
    title: str,
    day: str | None,
    position: int,
    patient: str | None,
) -> Board:
    """Set a case's title, day, position and patient. revision: the one that its writer read.

    Raises:
        StaleWrite: changed since. NotFound: no such case. QueryError: see `make_case`.
    """
    told = (_title(title), limits.day(day), position, patient and limits.pseudonym(patient))
    with journal.writing() as db:
        held = _held(db.execute("SELECT * FROM cases WHERE board_case = ?", (case,)).fetchall(), case)
        if held["revision"] != revision:
            stale = "case {case} is at revision {held}, you read {revision}; read it again"
            message = Said("case_stale", stale, case=str(case), held=held["revision"], revision=revision)
            raise StaleWrite(message, held["title"], held["revision"], told[0])
        db.execute(
            "UPDATE cases SET title = ?, day = ?, position = ?, patient = ?, revision = revision + 1, "
            "changed_at = ?, changed_by = ? WHERE board_case = ?",
            (*told, now(), user(who), case),
        )
    return read_case(journal, case)


def remove_case(journal: Journal, case: int) -> None:
    """Take a case away with all that it holds.

    Raises:
        NotFound: no such case.
    """
    with journal.writing() as db:
        if not db.execute("DELETE FROM cases WHERE board_case = ?", (case,)).rowcount:
            raise _unknown(case)


def read_case(journal: Journal, case: int) -> Board:
    """A case with all that it holds.

    Raises:
        NotFound: no such case.
    """
    with journal.reading() as db:
        head = _held(db.execute(f"{_SUMMARY} WHERE c.board_case = ?", (case,)).fetchall(), case)
        texts = {section: db.execute(_LATEST, (case, section.value)).fetchone() for section in Section}
        films = db.execute("SELECT * FROM case_films WHERE board_case = ? ORDER BY film", (case,)).fetchall()
        near = db.execute(
            "SELECT film, patient, at, who FROM precedents WHERE board_case = ? ORDER BY at, film", (case,)
        ).fetchall()
        decided = db.execute("SELECT * FROM decisions WHERE board_case = ?", (case,)).fetchone()
    return Board(
        _summary(head),
        tuple(_section(section, row) for section, row in texts.items()),
        tuple(film_of(row) for row in films),
        tuple(Precedent(**row) for row in near),
        decided and Decision(**{name: value for name, value in decided.items() if name != "board_case"}),
    )


def list_cases(
    journal: Journal, *, day: str | None = None, undated: bool = False, before: int | None = None, limit: int = 100
) -> tuple[CaseSummary, ...]:
    """Cases, newest first; those of a day in the order of its agenda. undated: only those without a day.

    before: older than this case, to page on.

    Raises:
        QueryError: no such day, or a limit out of range.
    """
    order = "c.board_case DESC" if day is None else "c.position, c.board_case"
    sql = (
        f"{_SUMMARY} WHERE (:day IS NULL OR c.day = :day) AND (:before IS NULL OR c.board_case < :before) "
        f"AND (NOT :undated OR c.day IS NULL) ORDER BY {order} LIMIT :limit"
    )
    asked = {"day": limits.day(day), "undated": undated, "before": before, "limit": limits.page(limit)}
    with journal.reading() as db:
        rows = db.execute(sql, asked).fetchall()
    return tuple(_summary(row) for row in rows)


def write_section(
    journal: Journal, who: str, case: int, section: Section, text: str, revision: int, draft: str | None = None
) -> SectionText:
    """Write a section. revision: the one that its writer read, 0 for none. Earlier texts stay in the journal.

    draft: of the writer's own that this saves, gone in the same moment; None where there is none.

    Raises:
        StaleWrite: somebody wrote since; it carries both texts. NotFound: no such case. QueryError: too long.
    """
    text = limits.text(Said("a_section", "the section {section}", section=section.value), text, limits.SECTION)
    with journal.writing() as db:
        _held(db.execute("SELECT 1 FROM cases WHERE board_case = ?", (case,)).fetchall(), case)
        held = _section(section, db.execute(_LATEST, (case, section.value)).fetchone())
        if held.revision != revision:
            told = (
                "{section} of case {case} is at revision {held}, written by {who}; you read {revision}; merge both "
                "texts and write with revision {held}"
            )
            name, now_at, who = section.value, held.revision, held.who or "?"
            said = Said("section_stale", told, section=name, case=str(case), held=now_at, who=who, revision=revision)
            raise StaleWrite(said, held.text, held.revision, text)
        written = SectionText(section, text, revision + 1, now(), user(who))
        db.execute(
            "INSERT INTO sections VALUES (?, ?, ?, ?, ?, ?)",
            (case, section.value, written.revision, text, written.at, written.who),
        )
        db.execute("DELETE FROM drafts WHERE who = ? AND draft = ?", (written.who, draft))
    return written


def section_history(journal: Journal, case: int, section: Section) -> tuple[SectionText, ...]:
    """All that a section ever said, the latest first."""
    with journal.reading() as db:
        _held(db.execute("SELECT 1 FROM cases WHERE board_case = ?", (case,)).fetchall(), case)
        sql = "SELECT * FROM sections WHERE board_case = ? AND section = ? ORDER BY revision DESC"
        return tuple(_section(section, row) for row in db.execute(sql, (case, section.value)).fetchall())


def user(name: str) -> str:
    """A user's name fit to be stored.

    Raises:
        QueryError: empty or too long.
    """
    return limits.line(limits.USER_NAME, name, limits.USER, needed=True)


def require_case(rows: Iterable[Row], case: int) -> Row:
    """The one row of a case.

    Raises:
        NotFound: there is none.
    """
    return _held(list(rows), case)


def film_of(row: Row) -> CaseFilm:
    """A row of `case_films` without its picture."""
    known = {name: value for name, value in row.items() if name in CaseFilm.__dataclass_fields__}
    spacing = (row["spacing_row"], row["spacing_column"])
    region = (row["x0"], row["y0"], row["x1"], row["y1"])
    return CaseFilm(**known, region=region, spacing_mm=None if None in spacing else spacing)


def _held(rows: list[Row], case: int) -> Row:
    if not rows:
        raise _unknown(case)
    return rows[0]


def _unknown(case: int) -> NotFound:
    told = "the board has no case {case}; take its number from the list of cases"
    return NotFound(Said("no_case", told, case=str(case)))


def _title(value: str) -> str:
    return limits.line(Said("a_title", "the title"), value, limits.TITLE, needed=True)


def _summary(row: Row) -> CaseSummary:
    facts = {name: value for name, value in row.items() if name != "board_case"}
    return CaseSummary(case=row["board_case"], **facts | {"decided": bool(row["decided"])})


def _section(section: Section, row: Row | None) -> SectionText:
    if row is None:
        return SectionText(section, "", 0, None, None)
    return SectionText(section, row["text"], row["revision"], row["at"], row["who"])
