"""Drafts over HTTP: each member's own, taken away by the save, as the typed client sends them."""

import pytest
from fastapi.testclient import TestClient

from api.client import ApiConflict, ApiProblem, Client
from tests.api.test_board_route import Talk

DRAFT = "0123456789abcdef" * 2


@pytest.fixture
def users(own: TestClient, talk: Talk) -> tuple[Client, Client]:
    return talk(own, "anna"), talk(own, "ben")


def test_a_draft_comes_back_until_it_is_saved(users: tuple[Client, Client]) -> None:
    anna, ben = users
    case = anna.make_case("Distal femur").case.case
    for text in ("Ly", "Lytic"):
        made = anna.keep_draft(DRAFT, case, "finding", text, 0)
    assert (made.text, made.who, made.title, made.section.value) == ("Lytic", "anna", "Distal femur", "finding")
    assert anna.drafts().drafts == (made,) == anna.drafts(case).drafts
    assert ben.drafts().drafts == () == anna.drafts(case + 1).drafts
    ben.write_section(case, "finding", "Sclerotic", 0)
    with pytest.raises(ApiConflict):
        anna.write_section(case, "finding", "Lytic", 0, DRAFT)
    assert anna.drafts().drafts == (made,)
    anna.write_section(case, "finding", "Sclerotic, lytic", 1, DRAFT)
    assert anna.drafts().drafts == ()


def test_a_draft_is_thrown_away_by_its_writer_alone(users: tuple[Client, Client]) -> None:
    anna, ben = users
    case = anna.make_case("Distal femur").case.case
    anna.keep_draft(DRAFT, case, "history", "Pain", 0)
    ben.drop_draft(DRAFT)
    assert len(anna.drafts().drafts) == 1
    assert anna.drop_draft(DRAFT).removed == f"draft {DRAFT}"
    assert anna.drafts().drafts == ()


def test_what_is_no_draft_is_refused(users: tuple[Client, Client]) -> None:
    anna, _ = users
    case = anna.make_case("Distal femur").case.case
    refused = [
        ("x", case, "finding", "a", 0, "'x' names no draft"),
        (DRAFT, 999, "finding", "a", 0, "no case 999"),
        (DRAFT, case, "names", "a", 0, "section = "),
        (DRAFT, case, "finding", "a" * 20_001, 0, "at most 20000 characters"),
        (DRAFT, case, "finding", "a", -1, "revision = -1"),
    ]
    for draft, number, section, text, revision, said in refused:
        with pytest.raises(ApiProblem, match=said):
            anna.keep_draft(draft, number, section, text, revision)
    with pytest.raises(ApiProblem, match="at most 1000|outside 1 to 1000"):
        anna.drafts(limit=5000)
