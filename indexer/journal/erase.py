"""Taking a patient out of the journal, and telling what went."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from indexer.journal import limits
from indexer.journal.store import Journal

GONE = "[erased]"
"""Stands where a text named the patient."""
_TEXTS = (("sections", "text"), ("cases", "title"), ("feedback", "note"), ("decisions", "text"), ("drafts", "text"))

_THEIRS = "SELECT value FROM json_each(:theirs)"
_CASES = (
    "SELECT board_case FROM cases WHERE patient = :p UNION SELECT board_case FROM case_films "
    f"WHERE identity = :p OR sha256 IN ({_THEIRS}) OR film IN "
    "(SELECT film FROM film_vectors, json_each(patients) WHERE value = :p)"
)


@dataclass(frozen=True)
class JournalErased:
    """What an erasure took out of a journal.

    cases: of the patient, or with a film that may be theirs by its header, with all that they held: films. precedents,
    answers: of other patients' cases, where they named this one. feedback: on the patient's films, as query or
    neighbour. texts: others' texts that named them, where a word stands now in place of the name. audit: entries that
    stay, without the patient.
    """

    cases: int = 0
    films: int = 0
    precedents: int = 0
    answers: int = 0
    feedback: int = 0
    texts: int = 0
    audit: int = 0

    @property
    def anything(self) -> bool:
        """Whether the journal named the patient at all."""
        return any(vars(self).values())


def erase_from_journal(journal: Journal, patient: str, hashes: Collection[str] = ()) -> JournalErased:
    """Take out of a journal what names a patient, by pseudonym or by a film of theirs, and rewrite the file.

    hashes: sha256 of the bytes of the films that the archive holds of them. Names that people wrote into free text are
    known to nobody and stay. A journal that is not there names nobody, and is not made.

    Raises:
        JournalError: nothing was erased, or see `Journal.scrub`.
    """
    limits.pseudonym(patient)
    if not journal.path.exists():
        return JournalErased()
    with journal.writing() as db:
        done = _erase(db, patient, sorted(hashes))
    journal.scrub()  # also where nothing was found: a kill may have come between the two
    return done


def _erase(db: sqlite3.Connection, patient: str, hashes: list[str]) -> JournalErased:
    told = {"p": patient, "theirs": json.dumps(hashes)}
    films = db.execute(f"SELECT sha256 FROM case_films WHERE board_case IN ({_CASES})", told).fetchall()
    told["theirs"] = json.dumps(hashes + [row["sha256"] for row in films])

    def change(sql: str) -> int:
        return db.execute(sql, told).rowcount

    return JournalErased(
        films=len(films),
        feedback=change(
            f"DELETE FROM feedback WHERE patient = :p OR query IN ({_THEIRS}) OR film_sha256 IN ({_THEIRS})"
        ),
        cases=change(f"DELETE FROM cases WHERE board_case IN ({_CASES})"),
        precedents=change("DELETE FROM precedents WHERE patient = :p"),
        answers=change("DELETE FROM answers WHERE instr(answer, :p) > 0"),
        texts=sum(
            change(f"UPDATE {table} SET {name} = replace({name}, :p, '{GONE}') WHERE instr({name}, :p) > 0")
            for table, name in _TEXTS
        ),
        audit=change("UPDATE audit SET patient = NULL WHERE patient = :p"),
    )
