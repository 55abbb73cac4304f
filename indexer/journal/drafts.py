"""Texts of the board's sections that are being written and are not saved yet, each seen by its writer alone."""

import re
from dataclasses import dataclass

from engine.errors import QueryError
from indexer.journal import limits
from indexer.journal.board import Section, require_case, user
from indexer.journal.store import Journal, Row, now

_ID = re.compile(r"[0-9a-f]{32}")
_READ = "SELECT d.*, c.title FROM drafts d JOIN cases c USING (board_case) WHERE d.who = :who"


@dataclass(frozen=True)
class KeptDraft:
    """A text that is not saved. draft: chosen by its writer's page, one for each time that a section is opened.

    title: of the case. revision: of the section's text that its writer had in view, 0 for none. at: of its last change.
    """

    draft: str
    case: int
    title: str
    section: Section
    text: str
    revision: int
    at: str
    who: str


def keep_draft(
    journal: Journal, who: str, draft: str, case: int, section: Section, text: str, revision: int
) -> KeptDraft:
    """Keep what somebody types, in place of what the same draft said before. draft: 32 hex digits.

    Raises:
        NotFound: no such case. QueryError: no name for a draft, or too long.
    """
    who = user(who)
    text = limits.text(f"the section {section.value}", text, limits.SECTION)
    draft = _id(draft)
    with journal.writing() as db:
        require_case(db.execute("SELECT 1 FROM cases WHERE board_case = ?", (case,)).fetchall(), case)
        row = (who, draft, case, section.value, text, revision, now())
        db.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        held = db.execute(f"{_READ} AND d.draft = :draft", {"who": who, "draft": draft}).fetchone()
    return _draft(held)


def drafts(journal: Journal, who: str, case: int | None = None, limit: int = limits.PAGE) -> tuple[KeptDraft, ...]:
    """What somebody has typed and not saved, the oldest first. case: only there.

    Raises:
        QueryError: a limit out of range.
    """
    asked = {"who": user(who), "case": case, "limit": limits.page(limit)}
    sql = f"{_READ} AND (:case IS NULL OR d.board_case = :case) ORDER BY d.at, d.draft LIMIT :limit"
    with journal.reading() as db:
        return tuple(_draft(row) for row in db.execute(sql, asked).fetchall())


def drop_draft(journal: Journal, who: str, draft: str) -> None:
    """Throw a draft of one's own away; one that is not there is no mistake.

    Raises:
        QueryError: no name for a draft.
    """
    draft = _id(draft)
    with journal.writing() as db:
        db.execute("DELETE FROM drafts WHERE who = ? AND draft = ?", (user(who), draft))


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise QueryError(f"{value[: limits.SHOWN]!r} names no draft; choose 32 hex digits and keep to them")
    return value


def _draft(row: Row) -> KeptDraft:
    told = {name: value for name, value in row.items() if name != "board_case"}
    return KeptDraft(**told | {"case": row["board_case"], "section": Section(row["section"])})
