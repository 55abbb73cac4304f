"""Texts that are typed and not saved: kept for their writer, gone with the save, the case or the patient."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from engine.errors import NotFound, QueryError, StaleWrite
from indexer import journal as kept
from indexer.journal import Journal, Section, limits

FIRST, SECOND = "0" * 32, "f" * 32


@pytest.fixture
def case(journal: Journal) -> int:
    return kept.make_case(journal, "anna", "Distal femur").case.case


def typed(journal: Journal, case: int, text: str, who: str = "anna", draft: str = FIRST, **more: Any) -> str:
    section, revision = more.get("section", Section.finding), more.get("revision", 0)
    return kept.keep_draft(journal, who, draft, case, section, text, revision).text


def test_the_last_word_of_each_draft_is_kept_for_its_writer_alone(journal: Journal, case: int) -> None:
    typed(journal, case, "Ly")
    typed(journal, case, "Lytic\r\n\x00")
    typed(journal, case, "Pain", draft=SECOND, section=Section.history)
    typed(journal, case, "Sclerotic", who="ben")
    mine = kept.drafts(journal, "anna")
    assert [(one.draft, one.section, one.text) for one in mine] == [
        (FIRST, Section.finding, "Lytic\n"),
        (SECOND, Section.history, "Pain"),
    ]
    assert (mine[0].title, mine[0].who, mine[0].case) == ("Distal femur", "anna", case)
    assert mine[0].at.endswith("+00:00")
    assert [one.text for one in kept.drafts(journal, "ben", case)] == ["Sclerotic"]
    assert kept.drafts(journal, "anna", case + 1) == () and len(kept.drafts(journal, "anna", limit=1)) == 1
    assert kept.read_case(journal, case).sections[3].revision == 0


def test_saving_takes_the_draft_away_and_a_stale_save_leaves_it(journal: Journal, case: int) -> None:
    typed(journal, case, "mine")
    kept.write_section(journal, "ben", case, Section.finding, "theirs", 0)
    with pytest.raises(StaleWrite):
        kept.write_section(journal, "anna", case, Section.finding, "mine", 0, FIRST)
    assert len(kept.drafts(journal, "anna")) == 1
    kept.write_section(journal, "ben", case, Section.finding, "again", 1, FIRST)  # not his
    assert len(kept.drafts(journal, "anna")) == 1
    kept.write_section(journal, "anna", case, Section.finding, "both", 2, FIRST)
    assert kept.drafts(journal, "anna") == ()


def test_it_goes_when_it_is_thrown_away_or_its_case_is(journal: Journal, case: int) -> None:
    typed(journal, case, "mine")
    kept.drop_draft(journal, "ben", FIRST)
    assert len(kept.drafts(journal, "anna")) == 1
    for _ in range(2):
        kept.drop_draft(journal, "anna", FIRST)
    assert kept.drafts(journal, "anna") == ()
    typed(journal, case, "mine")
    kept.remove_case(journal, case)
    assert kept.drafts(journal, "anna") == ()
    with pytest.raises(NotFound, match=f"no case {case}"):
        typed(journal, case, "mine")


@pytest.mark.parametrize("draft", ["", "first", "A" * 32, "0" * 33, "'; DROP TABLE drafts; --"])
def test_only_names_of_drafts_name_one(journal: Journal, case: int, draft: str) -> None:
    with pytest.raises(QueryError, match="choose 32 hex digits"):
        typed(journal, case, "mine", draft=draft)
    with pytest.raises(QueryError, match="choose 32 hex digits"):
        kept.drop_draft(journal, "anna", draft)


def test_too_much_is_refused(journal: Journal, case: int) -> None:
    assert typed(journal, case, "x" * limits.SECTION)
    with pytest.raises(QueryError, match="over the limit of 20000"):
        typed(journal, case, "x" * (limits.SECTION + 1))


def test_many_type_at_once(journal: Journal, case: int) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: typed(journal, case, f"{n}", who=f"user {n % 3}", draft=f"{n:032x}"), range(30)))
    assert [len(kept.drafts(journal, f"user {n}")) for n in range(3)] == [10, 10, 10]


def test_an_erased_patient_is_in_no_draft(journal: Journal, case: int, patient: str) -> None:
    theirs = kept.make_case(journal, "anna", "theirs", patient=patient).case.case
    typed(journal, theirs, "secret-of-theirs")
    typed(journal, case, f"as in {patient}", draft=SECOND)
    done = kept.erase_from_journal(journal, patient)
    assert (done.cases, done.texts) == (1, 1)
    assert [one.text for one in kept.drafts(journal, "anna")] == ["as in [erased]"]
    data = journal.path.read_bytes()
    assert b"secret-of-theirs" not in data and patient.encode() not in data


def test_a_journal_from_before_there_were_drafts(journal: Journal, case: int) -> None:
    with sqlite3.connect(journal.path) as db:
        db.execute("DROP TABLE drafts")
        db.execute("DROP TABLE film_vectors")
        db.execute("PRAGMA user_version = 1")
    db.close()
    with ThreadPoolExecutor(6) as pool:
        titles = list(pool.map(lambda _: kept.read_case(journal, case).case.title, range(12)))
    assert set(titles) == {"Distal femur"}
    assert typed(journal, case, "mine") == "mine" and journal.complaint() is None
