"""The archive page in a real browser: a click on the map, the same by keyboard, an empty archive, a dropped API."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from api.client import Client
from tests.ui.browsing import DESK, PHONE, Server, listen, scrolls_sideways, settle, told
from tests.ui.test_browser import CONTRAST
from tests.ui.test_pages import focused, go, tab_to

Open = Callable[..., Page]
KEY = ".st-key-looked .cl-on-key"


def archive(page: Page, name: str = "Archive") -> None:
    go(page, name)
    expect(page.locator(".cl-map canvas").first).to_be_visible()
    settle(page)


def spot(page: Page, api: Server, number: int) -> tuple[float, float, int]:
    """Where on the screen the n-th film of the map is drawn, by the API's own numbers; and which film it is."""
    with Client(api.url) as client:
        points = client.archive_map().points
    frame = page.locator(".cl-map canvas").first.bounding_box()
    assert frame is not None
    far = [max(abs(getattr(point, axis)) for point in points) for axis in ("x", "y")]
    unit = min((frame["width"] / 2 - 22) / far[0], (frame["height"] / 2 - 22) / far[1])
    chosen = points[number]
    at = frame["x"] + frame["width"] / 2 + chosen.x * unit, frame["y"] + frame["height"] / 2 - chosen.y * unit
    return *at, chosen.film


def test_a_click_on_the_map_shows_the_film_and_its_history(visit: Open, api: Server) -> None:
    page = visit(DESK)
    archive(page)
    expect(page.get_by_text("Click a film on the map")).to_be_visible()
    for number in (0, 5):
        x, y, film = spot(page, api, number)
        page.mouse.move(x, y)
        expect(page.locator(".cl-map-tip")).to_contain_text(f"Film {film}:")
        page.mouse.click(x, y)
        expect(page.locator(KEY)).to_contain_text(f"film {film}\n", use_inner_text=True)
        settle(page)
    with Client(api.url) as client:
        known = client.film(film)
    expect(page.locator(KEY)).to_contain_text(known.patient[:8])
    expect(page.locator(".st-key-looked h3")).to_have_text(str(known.entity), ignore_case=True)
    expect(page.locator(".st-key-looked .cl-on-side")).to_have_text(re.compile("left|right|side not known"))
    expect(page.locator(".st-key-looked dl")).to_contain_text(known.patient)
    page.get_by_role("button", name="Open history").click()
    expect(page.get_by_role("heading", name="History of a past patient")).to_be_visible()
    expect(page.get_by_text(f"pseudonym {known.patient}")).to_be_visible()
    with Client(api.url) as client:
        assert client.audit(patient=known.patient).entries
    page.get_by_role("button", name="Back to the archive").first.click()
    expect(page.locator(KEY)).to_contain_text(f"film {film}\n", use_inner_text=True)


def test_the_same_by_keyboard_and_by_the_list(visit: Open, api: Server) -> None:
    page = visit(DESK)
    archive(page)
    page.get_by_role("heading", name="Map of the films").click()
    tab_to(page, "Map of the films")
    assert "UNSEEN" not in focused(page)
    listen(page)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.keyboard.press("0")
    found = re.search(r"Film (\d+):", page.locator(".cl-map-tip").inner_text())
    assert found and told(page) == 0
    expect(page.get_by_role("status").filter(has_text=f"Film {found[1]}:")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(KEY)).to_contain_text(f"film {found[1]}\n", use_inner_text=True)
    listed = page.get_by_label("Film", exact=True)
    with Client(api.url) as client:
        films = len(client.archive_map().points)
    expect(listed.locator("option")).to_have_count(films + 1)
    assert f"Film {found[1]}:" in listed.locator("option:checked").inner_text()
    alone = page.locator(".cl-map-legend button").first
    alone.focus()
    page.keyboard.press("Enter")
    assert alone.get_attribute("aria-pressed") == "true"
    assert 1 < listed.locator("option").count() < films + 1
    listed.select_option(index=1)
    film = re.search(r"Film (\d+):", listed.locator("option:checked").inner_text())
    assert film
    expect(page.locator(KEY)).to_contain_text(f"film {film[1]}\n", use_inner_text=True)
    assert page.evaluate(CONTRAST) == []
    assert page.locator("img:not([alt]), img[alt='']").count() == 0


def test_what_is_inside_is_counted(visit: Open, api: Server) -> None:
    page = visit(DESK)
    archive(page)
    with Client(api.url) as client:
        facts, pairs = client.archive(), client.near_duplicates().pairs
    tiles = page.locator(".cl-tiles div")
    expect(tiles.filter(has_text="Films")).to_contain_text(str(facts.films))
    rows = page.get_by_role("region", name="Entities").locator("tbody tr")
    expect(rows).to_have_count(len(facts.counts["entity"]))
    patients = [int(text) for text in rows.locator("td:nth-child(2)").all_inner_texts()]
    assert patients == [each.patients for each in facts.counts["entity"]]
    expect(page.get_by_role("heading", name="Model card")).to_be_visible()
    expect(page.get_by_text(str(facts.model["fingerprint"]))).to_be_visible()
    expect(page.get_by_text("answers now")).to_be_visible()
    expect(page.locator(".cl-near")).to_have_count(min(4, len(pairs)))


def test_a_phone_in_german_and_the_dark_room(visit: Open) -> None:
    page = visit(PHONE, locale="de-DE", touch=True)
    archive(page, "Archiv")
    assert not scrolls_sideways(page)
    page.locator(".cl-map canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator(KEY)).to_be_visible()
    settle(page)
    expect(page.locator(".st-key-looked")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Verlauf öffnen")).to_be_visible()  # drawn by the fragment alone
    page.get_by_text("Dunkelraum").first.click()
    settle(page)
    assert not scrolls_sideways(page)
    filters = "e => { let all = []; for (; e; e = e.parentElement) all.push(getComputedStyle(e).filter); return all; }"
    assert set(page.locator(".st-key-looked .cl-frame").evaluate(filters)) == {"none"}
    assert "brightness(0.76)" in page.locator(".cl-map").evaluate(filters)


def test_the_page_outlives_the_api(visit: Open, api: Server) -> None:
    page = visit(DESK)
    archive(page)
    x, y, film = spot(page, api, 3)
    api.stop()
    try:
        page.mouse.click(x, y)
        gone = page.get_by_role("alert").filter(has_text="The archive cannot be reached")
        expect(gone.first).to_be_visible()
        expect(page.locator(".cl-map canvas").first).to_be_visible()
    finally:
        api.start()
    page.get_by_label("Film", exact=True).select_option(index=1)
    x, y, film = spot(page, api, 3)
    page.mouse.click(x, y)
    expect(page.locator(KEY)).to_contain_text(f"film {film}\n", use_inner_text=True)


def test_an_empty_archive_says_so(visit: Open, empty: str) -> None:
    page = visit(DESK, url=empty)
    go(page, "Archive")
    expect(page.get_by_text("The archive holds no films yet")).to_be_visible()
    expect(page.get_by_text("No file was read yet.")).to_be_visible()
    expect(page.get_by_text("No source was indexed yet.")).to_be_visible()
    expect(page.locator(".cl-map")).to_have_count(0)
    go(page, "Evaluations")
    expect(page.get_by_text("No evaluation is stored.")).to_be_visible()
