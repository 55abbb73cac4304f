"""Erasing a patient from the journal: no byte that names them, everybody else as before."""

import json
from typing import Any

import pytest

from engine.errors import JournalError, NotFound, QueryError
from indexer import journal as kept
from indexer.journal import FeedbackKind, FilmVector, Journal, Neighbour, NewAnswer, NewFilm, Section

THEIRS, UPLOAD, ELSE = "a" * 64, "b" * 64, "c" * 64


def film(sha256: str, identity: str, png: bytes, asked: FilmVector | None = None) -> NewFilm:
    where: Any = (120, 90, (0, 0, 90, 120), "whole", "L", None, None, None, None)
    return NewFilm(sha256, png, *where, identity, asked=asked)


@pytest.fixture
def cases(journal: Journal, patient: str, other: str) -> tuple[int, int, int]:
    """A case of the patient by its field, one by a film's identity, and one of another that names them."""
    by_field = kept.make_case(journal, "a", "their case", patient=patient).case.case
    kept.write_section(journal, "a", by_field, Section.history, "secret-of-theirs", 0)
    by_film = kept.make_case(journal, "a", "by film").case.case
    kept.add_films(journal, "a", by_film, [film(UPLOAD, patient, b"picture-of-theirs" * 900)])
    others = kept.make_case(journal, "a", f"like {patient}", patient=other).case.case
    kept.write_section(journal, "a", others, Section.finding, f"see {patient}, and {patient} again", 0)
    said = NewAnswer(json.dumps({"cases": [patient]}), (ELSE,))
    kept.add_films(journal, "a", others, [film(ELSE, other, b"other")], ask=lambda _: said)
    kept.add_precedent(journal, "a", others, 1, patient)
    kept.add_precedent(journal, "a", others, 2, other)
    return by_field, by_film, others


def test_nothing_that_names_them_is_left(
    journal: Journal, cases: tuple[int, int, int], patient: str, other: str
) -> None:
    near = [Neighbour(1, THEIRS, patient, None), Neighbour(2, "d" * 64, other, None)]
    for who in (patient, other):
        kept.opened(journal, "a", who)
    for query in (THEIRS, UPLOAD, ELSE):
        for one in near:
            kept.judge(journal, "a", query, FeedbackKind.similar, one)
    done = kept.erase_from_journal(journal, patient, [THEIRS])
    assert vars(done) == {
        "cases": 2, "films": 1, "precedents": 1, "answers": 1, "feedback": 5, "texts": 2, "audit": 1,
    }  # fmt: skip
    data = journal.path.read_bytes()
    for trace in (patient, THEIRS, UPLOAD, "secret-of-theirs", "picture-of-theirs"):
        assert trace.encode() not in data, trace
    assert [path.name for path in journal.path.parent.iterdir()] == [journal.path.name]
    for case in cases[:2]:
        with pytest.raises(NotFound):
            kept.read_case(journal, case)
    left = kept.read_case(journal, cases[2])
    assert left.case.title == "like [erased]" and left.sections[3].text == "see [erased], and [erased] again"
    assert [one.patient for one in left.precedents] == [other] and len(left.films) == 1
    assert [entry.patient for entry in kept.audit_log(journal)] == [other, None]
    assert [entry.query for entry in kept.feedback_given(journal)] == [ELSE]
    assert not kept.erase_from_journal(journal, patient, [THEIRS]).anything


def test_a_journal_that_is_not_there_is_not_made(journal: Journal, patient: str) -> None:
    assert not kept.erase_from_journal(journal, patient).anything
    assert not journal.path.parent.exists()
    with pytest.raises(QueryError):
        kept.erase_from_journal(journal, "' OR 1=1")


def test_a_reader_that_stays_is_told_of(
    journal: Journal, cases: tuple[int, int, int], patient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.journal.store.WAIT_S", 0.05)
    with journal.reading() as db:
        db.execute("SELECT count(*) FROM cases").fetchone()
        with pytest.raises(JournalError, match="again"):
            kept.erase_from_journal(journal, patient)
    kept.erase_from_journal(journal, patient)
    assert patient.encode() not in journal.path.read_bytes()


def test_a_film_that_may_be_theirs_by_its_header_goes_with_its_vector(
    journal: Journal, patient: str, other: str
) -> None:
    """It came to the board before the archive knew whose it is, and so under another of their pseudonyms."""
    earlier = "P" + "7" * 16
    cases = []
    for sha256, named in ((UPLOAD, (earlier, patient)), (ELSE, (earlier, other))):
        asked = FilmVector(f"numbers of {named[1]}".encode() * 40, "fingerprint", named, None, ())
        cases.append(kept.make_case(journal, "a", "x").case.case)
        kept.add_films(journal, "a", cases[-1], [film(sha256, earlier, b"x", asked)])
    done = kept.erase_from_journal(journal, patient)
    assert (done.cases, done.films) == (1, 1)
    assert [case.case for case in kept.list_cases(journal)] == cases[1:]
    data = journal.path.read_bytes()
    assert patient.encode() not in data and f"numbers of {other}".encode() in data
    kept.remove_film(journal, "a", cases[1], kept.read_case(journal, cases[1]).films[0].film)
    with journal.reading() as db:
        assert db.execute("SELECT count(*) AS n FROM film_vectors").fetchone()["n"] == 0
