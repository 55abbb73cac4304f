"""What is typed on the board and not saved: it outlives a reload, for its writer alone, whoever saved meanwhile."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from api.client import Client
from tests.ui.board.hands import Open, board, click, opened, save, section, write
from tests.ui.browsing import DESK, PHONE, Server, eventually, scrolls_sideways, settle

KEPT = "Draft, not saved yet"
A_HAND_S = 0.4
"""What a person takes at least to answer whether they want to leave a page."""


def typed(page: Page, name: str, text: str) -> None:
    """Type, and stay in the field until the page says that it is kept."""
    write(page, name, text)
    expect(section(page, name).get_by_text(KEPT)).to_be_visible()
    settle(page)


def reloaded(page: Page, title: str) -> None:
    page.reload()
    expect(page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    settle(page)


def test_a_reload_loses_no_text(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("Reloaded").case.case
    page = board(visit, page_url)
    opened(page, "Reloaded")
    typed(page, "finding", "Lytic, geographic, no soft")
    assert page.url.endswith(f"/board?case={case}")
    expect(section(page, "finding").locator("textarea")).to_be_focused()
    reloaded(page, "Reloaded")
    place = section(page, "finding")
    told = place.get_by_role("status")
    expect(told).to_contain_text("Not saved: typed by unnamed, ")
    expect(told).to_contain_text("Lytic, geographic, no soft")
    assert ben.case(case).sections[3].text == ""
    click(page, "Go on with it")
    area = place.locator("textarea")
    expect(area).to_have_value("Lytic, geographic, no soft")
    expect(place.get_by_role("status")).to_have_count(0)
    area.press("End")
    area.press_sequentially(" tissue part.")
    save(page, "finding")
    expect(place.locator(".cl-text")).to_have_text("Lytic, geographic, no soft tissue part.")
    reloaded(page, "Reloaded")
    expect(page.get_by_role("status")).to_have_count(0)


def test_words_typed_in_the_last_moment_before_a_reload(visit: Open, page_url: str, api: Server, ben: Client) -> None:
    case = ben.make_case("In a hurry").case.case
    page = board(visit, page_url)
    opened(page, "In a hurry")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        time.sleep(A_HAND_S)
        dialog.accept()

    page.on("dialog", leave)
    write(page, "question", "Biopsy")
    page.reload()
    assert asked == ["beforeunload"]
    with Client(api.url, timeout=60) as unnamed:  # the page that is left may still be at it while the new one is drawn
        eventually(page, lambda: [draft.text for draft in unnamed.drafts(case).drafts] == ["Biopsy"])
    reloaded(page, "In a hurry")
    expect(section(page, "question").get_by_role("status")).to_contain_text("Biopsy")


def test_somebody_else_saved_meanwhile(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("Both").case.case
    page = board(visit, page_url)
    opened(page, "Both")
    typed(page, "finding", "No soft tissue part.")
    ben.write_section(case, "finding", "Lytic.", 0)
    reloaded(page, "Both")
    place = section(page, "finding")
    expect(place.get_by_role("status")).to_contain_text("saved by somebody since")
    assert ben.case(case).sections[3].text == "Lytic."
    click(page, "Go on with it")
    expect(place.get_by_role("alert")).to_contain_text("Lytic.")
    place.get_by_role("button", name="Put both together").click()
    expect(place.locator("textarea")).to_have_value("Lytic.\n\nNo soft tissue part.")
    settle(page)
    reloaded(page, "Both")  # once more in the middle of it
    expect(place.get_by_role("status")).to_contain_text("Lytic.\n\nNo soft tissue part.")
    click(page, "Go on with it")
    save(page, "finding")
    expect(place.locator(".cl-text")).to_have_text("Lytic.\n\nNo soft tissue part.")
    assert len(ben.section_history(case, "finding").texts) == 2


@contextmanager
def member(browser: Browser, page_url: str, name: str) -> Iterator[Page]:
    """A page as a proxy shows it to a member: with their name."""
    view = {"width": DESK[0], "height": DESK[1]}
    with browser.new_context(viewport=view, locale="en-GB", extra_http_headers={"X-Caselink-User": name}) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(f"{page_url}/board")
        yield page


def test_two_members_see_their_own_drafts_alone(browser: Browser, page_url: str, ben: Client) -> None:
    case = ben.make_case("Of two").case.case
    with member(browser, page_url, "anna") as anna, member(browser, page_url, "carl") as carl:
        for page, text in ((anna, "Of Anna"), (carl, "Of Carl")):
            opened(page, "Of two")
            typed(page, "history", text)
        for page, own in ((anna, "Of Anna"), (carl, "Of Carl")):
            reloaded(page, "Of two")
            told = section(page, "history").get_by_role("status")
            expect(told).to_have_count(1)
            expect(told).to_contain_text(own)
        expect(told).to_contain_text("carl, ")
        click(anna, "Go on with it")
        save(anna, "history")
        # Carl's page shows what she saved, and his draft stays beside it
        expect(section(carl, "history").locator("> * .cl-text").last).to_have_text("Of Anna")
        expect(told).to_contain_text("Of Carl")
        click(carl, "Go on with it")
        section(carl, "history").get_by_role("button", name="Put both together").click()
        settle(carl)
        save(carl, "history")
        eventually(carl, lambda: ben.case(case).sections[0].text == "Of Anna\n\nOf Carl")


@pytest.mark.slow
def test_two_windows_of_one_name_lose_nothing(visit: Open, page_url: str, ben: Client) -> None:
    ben.make_case("One name")
    first, second = board(visit, page_url), board(visit, page_url)
    for page, text in ((first, "From the first"), (second, "From the second")):
        opened(page, "One name")
        typed(page, "finding", text)
    reloaded(first, "One name")
    told = section(first, "finding").get_by_role("status")
    expect(told).to_have_count(2)
    click(first, "Go on with it")
    click(first, "Go on with it")
    area = section(first, "finding").locator("textarea")
    expect(area).to_have_value("From the first\n\nFrom the second")
    # the second goes on typing, and finds its own text again
    section(second, "finding").locator("textarea").press_sequentially(", and more")
    settle(second)
    eventually(second, lambda: len([1 for one in _of(ben) if one.endswith("and more")]) == 1)
    reloaded(second, "One name")
    expect(section(second, "finding").get_by_role("status").filter(has_text="and more")).to_have_count(1)


def test_the_agenda_tells_of_it_and_it_can_be_thrown_away(visit: Open, page_url: str, ben: Client) -> None:
    ben.make_case("Der lange Titel eines Falles, der auf dem Telefon umbricht")
    page = board(visit, page_url, PHONE, locale="de-DE")
    opened(page, "Der lange Titel", "Alle Fälle")
    write(page, "decision", "Biopsie")
    expect(section(page, "decision").get_by_text("Entwurf, noch nicht gespeichert")).to_be_visible()
    settle(page)
    click(page, "‹ Tagesordnung")
    page.reload()
    told = page.locator(".st-key-unsaved")
    expect(told).to_contain_text("Getippt und nicht gespeichert")
    expect(told).to_contain_text("Beschluss; unnamed am ")
    assert not scrolls_sideways(page)
    told.get_by_role("button", name="Öffnen").first.click()
    expect(section(page, "decision").get_by_role("status")).to_contain_text("Biopsie")
    settle(page)
    click(page, "Verwerfen")
    expect(section(page, "decision").get_by_role("status")).to_have_count(0)
    settle(page)
    click(page, "‹ Tagesordnung")
    expect(page.get_by_role("heading", name="Tumorkonferenz")).to_be_visible()
    expect(page.locator(".st-key-unsaved")).to_have_count(0)


def test_without_the_api_the_page_says_that_the_text_is_on_this_screen_alone(
    visit: Open, page_url: str, ben: Client, api: Server
) -> None:
    ben.make_case("Cable")
    page = board(visit, page_url)
    opened(page, "Cable")
    write(page, "history", "Fall")
    api.stop()
    try:
        area = section(page, "history").locator("textarea")
        area.press_sequentially(" from a horse")
        expect(page.get_by_text("on this screen alone")).to_be_visible()
        expect(area).to_have_value("Fall from a horse")
    finally:
        api.start()
    area.press_sequentially(".")
    expect(section(page, "history").get_by_text(KEPT)).to_be_visible()
    reloaded(page, "Cable")
    expect(section(page, "history").get_by_role("status")).to_contain_text("Fall from a horse.")


@pytest.mark.parametrize("address", ["99999", "9" * 40])
def test_a_link_to_a_case_that_is_gone(visit: Open, page_url: str, ben: Client, address: str) -> None:
    page = visit(DESK)
    page.goto(f"{page_url}/board?case={address}")
    expect(page.get_by_role("alert").first).to_be_visible()
    click(page, "‹ Agenda")
    expect(page.get_by_role("heading", name="Tumour board")).to_be_visible()


def test_a_link_to_no_case_shows_the_agenda(visit: Open, page_url: str, ben: Client) -> None:
    page = visit(DESK)
    for address in ("x", "1e3", "-1", ""):
        page.goto(f"{page_url}/board?case={address}")
        expect(page.get_by_role("heading", name="Tumour board")).to_be_visible()
        settle(page)


def test_discarded_text_does_not_come_back(visit: Open, page_url: str, ben: Client) -> None:
    ben.make_case("Discarded")
    page = board(visit, page_url)
    opened(page, "Discarded")
    typed(page, "finding", "Not this")
    click(page, "Discard what I typed")
    expect(section(page, "finding").locator("textarea")).to_have_count(0)
    typed(page, "finding", "But this")
    expect(section(page, "finding").locator("textarea")).to_have_value("But this")
    reloaded(page, "Discarded")
    expect(section(page, "finding").get_by_role("status")).to_have_count(1)
    expect(section(page, "finding").get_by_role("status")).to_contain_text("But this")


def _of(client: Client) -> list[str]:
    with Client(client.base_url, timeout=60) as unnamed:
        return [one.text for one in unnamed.drafts().drafts]
