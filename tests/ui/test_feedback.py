"""Feedback in a real browser and over the real API: two words, a later histology, pairs to take along."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from api.client import Client
from api.schemas import FeedbackEntry, FeedbackKind
from tests.ui.browsing import DESK, PHONE, Server, eventually, scrolls_sideways, search, settle, upload
from tests.ui.test_browser import CONTRAST
from ui.feedback import about, by_query, when
from ui.words import use

Open = Callable[..., Page]
QUERY = "ab" * 32


def entry(number: int, kind: FeedbackKind, query: str = QUERY) -> FeedbackEntry:
    past = None if kind is FeedbackKind.histology else number
    patient, entity = (None, "chordoma") if past is None else ("P5a0c6e21b7d94f38", None)
    return FeedbackEntry(
        number, "2026-11-20T08:09:10+00:00", "anna", kind, query, past, None, patient, None, entity, None, ""
    )


def test_entries_are_told_by_query_and_in_words() -> None:
    use("en")
    one, other, late = (
        entry(3, FeedbackKind.similar),
        entry(2, FeedbackKind.not_similar, "cd" * 32),
        entry(1, FeedbackKind.histology),
    )
    assert by_query([one, other, late]) == {QUERY: [one, late], "cd" * 32: [other]}
    assert about(one) == "P5a0c6e2, film 3, entity not known"
    assert about(late) == "chordoma"
    assert (when(one.at), when("once")) == ("20 Nov 2026, 08:09 UTC", "once")
    use("de")
    assert when(one.at).endswith("2026, 08:09 Uhr UTC")
    use("en")


def word(page: Page, rank: int, said: str) -> Locator:
    return page.locator(f".st-key-case_{rank}").get_by_role("radio", name=said, exact=True)


def pressed(page: Page, rank: int) -> list[str]:
    """Which of the two words is pressed."""
    return [
        said for said in ("Similar", "Not similar") if word(page, rank, said).get_attribute("aria-checked") == "true"
    ]


@pytest.fixture
def client(api: Server) -> Iterator[Client]:
    with Client(api.url) as opened:
        yield opened


def test_similar_is_said_taken_back_and_found_again(visit: Open, query_film: Path, client: Client) -> None:
    page = visit(DESK)
    upload(page, query_film)
    search(page)
    before = len(client.feedback().entries)
    word(page, 1, "Similar").click()
    eventually(page, lambda: len(client.feedback().entries) == before + 1)
    settle(page)
    assert (pressed(page, 1), pressed(page, 2)) == (["Similar"], [])
    assert page.evaluate(CONTRAST) == []
    word(page, 1, "Not similar").click()
    eventually(page, lambda: len(client.feedback().entries) == before + 2)
    settle(page)
    assert pressed(page, 1) == ["Not similar"]
    newest = client.feedback().entries[0]
    assert newest.kind is FeedbackKind.not_similar and newest.who == client.feedback().you
    other = visit(DESK)
    upload(other, query_film)
    search(other)
    assert pressed(other, 1) == ["Not similar"]


def test_a_histology_is_kept_and_pairs_are_taken_along(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    page.get_by_role("link", name="Feedback").click()
    expect(page.get_by_text("changes an answer by itself")).to_be_visible()
    page.get_by_role("link", name="Search").click()
    upload(page, query_film)
    search(page)
    word(page, 2, "Similar").click()
    settle(page)
    page.get_by_role("link", name="Feedback").click()
    expect(page.get_by_role("heading", name=re.compile(query_film.name))).to_be_visible()
    settle(page)
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_text("Choose or type the entity first.")).to_be_visible()
    page.get_by_label("Entity", exact=True).fill("adamantinoma")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Note").fill("after resection")
    page.get_by_role("button", name="Keep").click()
    expect(page.locator(".cl-said .cl-proof").first).to_have_text("Turned out to be adamantinoma")
    expect(page.locator(".cl-said li").first).to_contain_text("after resection")
    settle(page)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(io.StringIO(taken.value.path().read_text(encoding="utf-8"))))
    assert taken.value.suggested_filename == "caselink-pairs.csv"
    assert rows[-1]["query_entity"] == "adamantinoma" and rows[-1]["similar"] == "true"
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download JSON lines").click()
    assert len([json.loads(line) for line in taken.value.path().read_text().splitlines()]) == len(rows)


def test_on_a_phone_and_in_german(visit: Open, query_film: Path) -> None:
    page = visit(PHONE, locale="de-DE")
    page.get_by_role("link", name="Rückmeldungen").click()
    expect(page.get_by_role("heading", name="Rückmeldungen")).to_be_visible()
    settle(page)
    assert not scrolls_sideways(page)


def test_without_the_api_the_page_says_so(visit: Open, api: Server) -> None:
    page = visit(DESK)
    api.stop()
    try:
        page.get_by_role("link", name="Feedback").click()
        expect(page.get_by_role("alert").first).to_contain_text("The archive cannot be reached")
    finally:
        api.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Training pairs")).to_be_visible()
