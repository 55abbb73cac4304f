"""The pages as people meet them in a real browser: languages, dark room, keyboard, two users, and what goes wrong."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.ui.browsing import (
    DESK,
    PHONE,
    SAFETY,
    Server,
    compare,
    listen,
    open_history,
    scrolls_sideways,
    search,
    settle,
    told,
    upload,
)

Open = Callable[..., Page]


def go(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    settle(page)


def test_pages_keep_what_is_open(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    go(page, "Patient")
    expect(page.get_by_role("heading", name="No patient is open")).to_be_visible()
    go(page, "Compare")
    expect(page.get_by_text("Search first;")).to_be_visible()
    page.get_by_role("button", name="Go to the search").click()
    upload(page, query_film)
    search(page)
    open_history(page, 2)
    go(page, "Search")
    expect(page.get_by_role("heading", name="What similar patients had")).to_be_visible()
    go(page, "Patient")
    expect(page.get_by_role("heading", name="History of patient 2")).to_be_visible()
    current = page.get_by_role("navigation", name="Pages").locator("[aria-current=page]")
    expect(current).to_have_text("Patient")


def test_an_address_of_a_page_opens_that_page(visit: Open, page_url: str) -> None:
    page = visit(DESK)
    for path, heading in (("patient", "No patient is open"), ("compare", "Compare side by side")):
        page.goto(f"{page_url}/{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        settle(page)


def test_the_course_of_a_patient(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    search(page)
    open_history(page, 1)
    every = page.locator(".cl-timeline li").count()
    films = page.locator(".cl-films figure").count()
    assert films >= 1 and page.locator(".cl-timeline .cl-taken").count() == films
    assert page.locator(".cl-sources li").count() >= 1
    page.get_by_text("Reports", exact=True).click()
    settle(page)
    reports = page.locator(".cl-timeline h3").all_inner_texts()
    assert 0 < len(reports) < every and "Radiology" in reports and "Surgery" not in reports
    expect(page.get_by_text("Outcome")).to_be_visible()
    page.get_by_role("button", name="Compare side by side").first.click()
    expect(page.locator(".cl-stage").first).to_be_visible()


def test_german_by_the_browser_and_by_choice(visit: Open, query_film: Path) -> None:
    page = visit(DESK, locale="de-AT")
    expect(page.get_by_role("banner").get_by_text("Nur für Forschungszwecke.")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "de"
    upload(page, query_film)
    page.get_by_role("button", name="Ähnliche Patienten finden").click()
    expect(page.get_by_role("heading", name="Was ähnliche Patienten hatten")).to_be_visible()
    expect(page.get_by_text("Schließt Malignität nicht aus")).to_be_visible()
    settle(page)
    page.get_by_role("radio", name="EN").click(force=True)
    expect(page.get_by_role("heading", name="What similar patients had")).to_be_visible()
    expect(page.get_by_text(SAFETY)).to_be_visible()
    go(page, "Compare")
    expect(page.get_by_text("One window and one zoom")).to_be_visible()


def test_the_dark_room_dims_all_but_the_films(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    assert page.evaluate(ground) == "rgb(14, 17, 19)"
    page.get_by_text("Dark room", exact=True).click()
    settle(page)
    assert page.evaluate(ground) == "rgb(0, 0, 0)"
    filters = "e => { let all = []; for (; e; e = e.parentElement) all.push(getComputedStyle(e).filter); return all; }"
    assert set(page.locator(".cl-stage").evaluate(filters)) == {"none"}
    assert "brightness(0.76)" in page.get_by_role("heading", name="Mark the lesion").evaluate(filters)
    search(page)
    go(page, "Compare")
    assert page.evaluate(ground) == "rgb(0, 0, 0)"
    assert set(page.locator(".cl-stage").first.evaluate(filters)) == {"none"}


def test_language_and_dark_room_outlive_a_reload(visit: Open) -> None:
    page = visit(DESK)
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    page.get_by_role("radio", name="DE").click(force=True)
    expect(page.get_by_role("heading", name="Ähnliche frühere")).to_be_visible()
    page.get_by_text("Dunkelraum", exact=True).click()
    settle(page)
    page.reload()
    expect(page.get_by_role("heading", name="Ähnliche frühere")).to_be_visible()
    settle(page)
    assert page.evaluate(ground) == "rgb(0, 0, 0)"
    go(page, "Archiv")
    page.reload()
    expect(page.get_by_role("heading", name="Archiv", exact=True)).to_be_visible()
    settle(page)
    assert page.evaluate(ground) == "rgb(0, 0, 0)"
    go(page, "Suche")
    page.get_by_role("radio", name="EN").click(force=True)
    page.get_by_text("Dark room", exact=True).click()
    settle(page)
    page.reload()
    expect(page.get_by_role("heading", name="Find similar past")).to_be_visible()
    assert page.evaluate(ground) == "rgb(14, 17, 19)"


def focused(page: Page) -> str:
    """What has the focus, in words, and whether that can be seen."""
    told: str = page.evaluate(
        "() => { const e = document.activeElement, s = getComputedStyle(e);"
        "return (e.ariaLabel || e.innerText || e.labels?.[0]?.innerText || e.id || '').trim()"
        " + (s.outlineStyle !== 'none' || s.boxShadow !== 'none' || e.matches('[type=range]') ? '' : ' UNSEEN'); }"
    )
    return told


def tab_to(page: Page, name: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"{name} is not reached by the Tab key")


def test_a_question_by_keyboard_alone(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    page.get_by_role("heading", name="Mark the lesion").click()
    tab_to(page, "Level")
    page.keyboard.press("ArrowRight")
    tab_to(page, "Invert")
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Invert").get_attribute("aria-pressed") == "true"
    tab_to(page, "Your film")
    assert "UNSEEN" not in focused(page)
    page.keyboard.press("+")
    tab_to(page, "Find similar patients")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What similar patients had")).to_be_visible()
    settle(page)
    tab_to(page, "Open history")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="History of patient 1")).to_be_visible()


def test_two_users_at_once_share_nothing(visit: Open, films: Path) -> None:
    first, second = (visit(DESK), visit(DESK, locale="de-DE"))
    one, other = sorted((films / "query").glob("query-*.dcm"))[:2]
    upload(first, one)
    upload(second, other)
    first.get_by_text("Dark room", exact=True).click()
    search(first)
    second.get_by_role("button", name="Ähnliche Patienten finden").click()
    expect(second.get_by_role("heading", name="Was ähnliche Patienten hatten")).to_be_visible()
    settle(second)
    open_history(first, 1)
    expect(second.get_by_role("heading", name="Was ähnliche Patienten hatten")).to_be_visible()
    second.get_by_role("link", name="Patient").click()
    expect(second.get_by_role("heading", name="Kein Patient geöffnet")).to_be_visible()
    second.get_by_role("link", name="Suche").click()
    second.get_by_role("button", name="Aufnahmen und Läsion").click()
    expect(second.get_by_text(other.name)).to_be_visible()
    assert first.get_by_text(other.name).count() == second.get_by_text(one.name).count() == 0


def test_what_is_open_stays_open_while_the_api_is_gone(visit: Open, query_film: Path, api: Server) -> None:
    page = visit(DESK)
    upload(page, query_film)
    search(page)
    compare(page)
    api.stop()
    try:
        page.get_by_role("button", name="History: Patient 1").click()
        expect(page.get_by_role("alert").filter(has_text="The archive cannot be reached")).to_be_visible()
        expect(page.locator(".cl-stage")).to_have_count(5)
        go(page, "Search")
        expect(page.get_by_role("heading", name="What similar patients had")).to_be_visible()
        new = page.context.new_page()
        new.goto(page.url)
        expect(new.get_by_role("heading", name="Find similar past patients")).to_be_visible()
    finally:
        api.start()
    open_history(page, 1)


def test_a_side_that_contradicts_the_header_is_flagged(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    side = page.locator(".cl-on-side").inner_text()
    assert side in ("left", "right")
    other = {"left": "right", "right": "left"}[side]
    marker = page.get_by_role("radiogroup", name="Side marker on the film")
    marker.get_by_text(side).click()
    settle(page)
    assert page.get_by_role("alert").count() == 0
    marker.get_by_text(other).click()
    flagged = page.get_by_role("alert").filter(has_text=f"the marker says {other}, the header says {side}")
    expect(flagged).to_be_visible()
    settle(page)
    search(page)
    expect(flagged).to_be_visible()


def test_dates_and_proof_become_the_filter(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    page.get_by_label("Proof").scroll_into_view_if_needed()
    settle(page)  # a list closes where the page scrolls under it
    page.get_by_label("Proof").click()
    page.get_by_role("option", name="histology").click()
    page.keyboard.press("Escape")
    settle(page)
    expect(page.get_by_text("proof = 'histology'")).to_be_visible()
    search(page)
    assert set(page.locator(".cl-case .cl-proof").all_inner_texts()) <= {"proven by histology", "Proven by histology"}


def test_a_phone_in_german_scrolls_down_and_never_sideways(visit: Open, query_film: Path) -> None:
    """German words are longer; and a finger on a film scrolls the page until it is told to draw."""
    page = visit(PHONE, locale="de-DE", touch=True)
    upload(page, query_film)
    assert page.get_by_role("button", name="Verschieben").get_attribute("aria-pressed") == "true"
    assert page.locator(".cl-stage").evaluate("e => getComputedStyle(e).touchAction") == "pan-y"
    page.get_by_role("button", name="Rahmen ziehen").tap()
    assert page.locator(".cl-stage").evaluate("e => getComputedStyle(e).touchAction") == "none"
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Ähnliche Patienten finden").click()
    expect(page.get_by_role("heading", name="Was ähnliche Patienten hatten")).to_be_visible()
    settle(page)
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Vergleich").click()
    expect(page.locator(".cl-stage")).to_have_count(5)
    settle(page)
    assert not scrolls_sideways(page)
    listen(page)
    page.get_by_role("button", name="Vergrößern").click()
    assert told(page) == 0


def test_an_empty_archive_is_said_and_survived(visit: Open, empty: str, query_film: Path) -> None:
    page = visit(DESK, url=empty)
    expect(page.get_by_text("The archive holds no films yet")).to_be_visible()
    upload(page, query_film)
    page.get_by_role("button", name="Find similar patients").click()
    expect(page.get_by_role("alert").filter(has_text="the archive holds no films yet")).to_be_visible()
    go(page, "Compare")
    expect(page.get_by_text("Search first;")).to_be_visible()
