"""Who opened which past patient, and when."""

from dataclasses import dataclass

from indexer.journal import limits
from indexer.journal.store import Journal, now

OPENED = "opened patient"


@dataclass(frozen=True)
class AuditEntry:
    """One line of the log. at: UTC, ISO. who: as their proxy names them. patient: None once they were erased."""

    entry: int
    at: str
    who: str
    what: str
    patient: str | None


def opened(journal: Journal, who: str, patient: str) -> AuditEntry:
    """Note that somebody opens a past patient; on disk when this returns."""
    who, at = limits.line("the user's name", who, limits.USER, needed=True), now()
    with journal.writing() as db:
        done = db.execute(
            "INSERT INTO audit (at, who, what, patient) VALUES (?, ?, ?, ?)",
            (at, who, OPENED, limits.pseudonym(patient)),
        )
        return AuditEntry(int(done.lastrowid or 0), at, who, OPENED, patient)


def audit_log(
    journal: Journal, *, who: str | None = None, patient: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[AuditEntry, ...]:
    """The log, newest first. who, patient: only theirs, None = all. before: older than this entry, to page on.

    Raises:
        QueryError: a limit out of range.
    """
    sql = (
        "SELECT * FROM audit WHERE (:who IS NULL OR who = :who) AND (:patient IS NULL OR patient = :patient) "
        "AND (:before IS NULL OR entry < :before) ORDER BY entry DESC LIMIT :limit"
    )
    asked = {"who": who, "patient": patient, "before": before, "limit": limits.page(limit)}
    with journal.reading() as db:
        return tuple(AuditEntry(**row) for row in db.execute(sql, asked))
