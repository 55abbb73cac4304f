"""What is open on the board, without a browser."""

from dataclasses import replace

import pytest
from pydantic import TypeAdapter

from api.routes.written_examples import CASE
from api.schemas import BoardCase, QueryFacts
from ui import words
from ui.board.moments import by, moment
from ui.board.state import Board, Draft
from ui.board.take import _roi
from ui.session import Session

CASE_READ = TypeAdapter(BoardCase).validate_python(CASE)
FILM = QueryFacts("a.png", 100, 90, (1, 2, 30, 40), "drawn", "L", None, None, None, ())


def test_starting_a_search_anew_leaves_the_board_as_it_is() -> None:
    session = Session()
    session.board.open(CASE_READ)
    session.board.drafts[(41, "finding")] = Draft("half a sentence", 3)
    session.start_over()
    assert session.board.case == CASE_READ.case.case
    assert session.board.drafts[(41, "finding")].text == "half a sentence"


def test_closing_a_case_keeps_what_was_being_written() -> None:
    board = Board()
    board.open(CASE_READ)
    board.drafts[(CASE_READ.case.case, "finding")] = Draft("half", 1)
    board.said = "done"
    board.close()
    assert (board.case, board.held, board.said) == (None, None, None)
    assert board.drafts


def test_visitors_share_no_board() -> None:
    first, second = Session(), Session()
    first.board.open(CASE_READ)
    assert second.board.case is None


@pytest.mark.parametrize(("origin", "sent"), [("drawn", (1, 2, 30, 40)), ("whole", "whole"), ("segmented", None)])
def test_regions_go_to_the_board_as_they_were_asked(origin: str, sent: object) -> None:
    assert _roi(replace(FILM, region_origin=origin)) == sent


def test_moments_in_both_languages() -> None:
    at = "2026-11-30T09:05:59+00:00"
    assert moment(at) == "30 Nov 2026, 09:05 UTC" and by("anna", at) == "anna, 30 Nov 2026, 09:05 UTC"
    words.use("de")
    assert moment(at) == "30. Nov. 2026 um 09:05 UTC"
    words.use("en")
    assert by(None, None) == by("anna", None) == ""
