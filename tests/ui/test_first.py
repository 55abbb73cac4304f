"""The first answer: there without a click, always of what stands on the screen, and never before the film."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.client import ApiUnreachable
from api.schemas import SearchAnswer
from tests.ui.browsing import DESK, PHONE, SAFETY, edges, mark, search, upload
from ui import backend, first, proposals
from ui.question import Criteria, Question
from ui.session import Asked, QueryFilm, Session
from ui.told import Told

Open = Callable[..., Page]
FILM = QueryFilm("key", "film.png", b"film", 80, 60, None, None, ())
QUESTION = Question(("key",), (None,), Criteria(5), Told(), 3)


def facts(segmenter: str | None = "s") -> Any:
    return SimpleNamespace(segmenter=segmenter, version=3, patients=3, films=9)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """What was put to the archive, whose answers never come."""
    questions: list[Question] = []

    def ask(files: object, question: Question) -> Future[SearchAnswer]:
        questions.append(question)
        return Future()

    monkeypatch.setattr(backend, "ask", ask)
    return questions


def test_films_are_asked_about_as_they_arrive(asked: list[Question]) -> None:
    visitor = Session(films=[FILM], boxes={"key": (1, 2, 30, 40)})
    first.ahead(visitor, {"new": ("b.png", b"b")})
    assert asked == []  # nothing is known of the archive
    visitor.facts = facts()
    first.ahead(visitor, {})
    assert asked == []
    first.ahead(visitor, {"new": ("b.png", b"b")})
    assert asked == [Question(("key", "new"), ((1, 2, 30, 40), None), Criteria(3), Told(), 3)]
    visitor.question = QUESTION
    first.ahead(visitor, {"new": ("b.png", b"b")})
    assert asked[-1].criteria == QUESTION.criteria


def test_one_question_is_asked_once_and_another_anew(asked: list[Question]) -> None:
    visitor = Session(films=[FILM], facts=facts())
    assert first.answer_to(visitor, QUESTION, [FILM]) is first.answer_to(visitor, QUESTION, [FILM])
    other = Question(("key",), ("whole",), Criteria(5), Told(), 3)
    failed = first.answer_to(visitor, other, [FILM])
    assert asked == [QUESTION, other]
    failed.set_exception(ApiUnreachable("nobody there"))
    assert first.answer_to(visitor, other, [FILM]) is not failed


def test_a_region_on_its_way_is_not_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "client", lambda: pytest.fail("asked"))
    visitor = Session(films=[FILM], facts=facts(), first=Asked(QUESTION, Future()))
    assert proposals.sought(visitor, FILM) and proposals.proposal(visitor, FILM) is None
    assert "looking for the lesion" in proposals.said(visitor, FILM)
    boxed = Question(("key",), ((1, 2, 30, 40),), Criteria(5), Told(), 3)
    visitor.first = Asked(boxed, Future())
    assert not proposals.sought(visitor, FILM)


def found(sha256: str, confidence: float | None) -> Any:
    film = SimpleNamespace(
        sha256=sha256, rows=80, columns=60, region=(1, 2, 30, 40), region_origin="segmented", confidence=confidence
    )
    return SimpleNamespace(queries=(film,))


def test_an_answer_brings_the_regions_that_it_found() -> None:
    visitor = Session(films=[FILM], facts=facts())
    assert not proposals.learn(visitor, found("key", None))
    assert not proposals.learn(visitor, found("stranger", 0.9))
    assert proposals.learn(visitor, found("key", 0.9)) and not proposals.learn(visitor, found("key", 0.8))
    assert proposals.proposed_box(visitor, FILM) == (1, 2, 30, 40)
    assert not proposals.learn(Session(films=[FILM], facts=facts(None)), found("key", 0.9))


def test_beside_lesion_crops_a_whole_film_has_no_vote_until_it_is_marked(
    visit: Open, crops: str, query_film: Path
) -> None:
    page = visit(DESK, url=crops)
    upload(page, query_film)
    answer = page.get_by_role("region", name="First answer")
    expect(answer.locator("h2")).to_have_text("The vote abstains: no lesion is marked")
    expect(answer).to_contain_text("draw the lesion for a vote")
    expect(answer).to_contain_text(SAFETY)
    assert answer.locator(".cl-bar").count() == 0 and "Malignant share" not in answer.inner_text()
    search(page)
    assert page.locator(".cl-vote h2").inner_text() == "The vote abstains: no lesion is marked"
    assert page.locator(".cl-vote .cl-bar").count() == 0 and SAFETY in page.locator(".cl-vote").inner_text()
    page.get_by_role("button", name="Films and lesion").click()
    mark(page, 100, 120, 260, 300)
    expect(answer).to_contain_text("for the box that you drew")
    expect(answer.locator(".cl-bar").first).to_be_visible()


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_it_is_there_without_a_click_and_follows_the_box(visit: Open, query_film: Path, size: tuple[int, int]) -> None:
    page = visit(size)
    upload(page, query_film)
    answer = page.get_by_role("region", name="First answer")
    expect(answer).to_contain_text("First answer, for the whole film")
    expect(answer).to_contain_text(SAFETY)
    assert answer.locator(".cl-bar").count() >= 1
    mark(page, 100, 120, 260, 300)
    assert edges(page) == ["100", "120", "260", "300"]
    expect(answer).to_contain_text("for the box that you drew")
    said = answer.locator("h2").inner_text()
    search(page)
    assert page.locator(".cl-vote h2").inner_text() == said
