"""The viewer in a real browser: window, zoom and links without a rerun, and a box that is drawn."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.browsing import DESK, compare, edges, eventually, listen, planes, search, settle, told, upload

Open = Callable[[tuple[int, int]], Page]


def grey(page: Page, number: int = 0) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """The middle of a film as it is seen."""
    picture = Image.open(io.BytesIO(page.locator(".cl-stage").nth(number).screenshot())).convert("L")
    pixels = np.asarray(picture, dtype=np.float64)
    rows, columns = pixels.shape
    return pixels[rows // 5 : rows * 4 // 5, columns // 3 : columns * 2 // 3]


def slide(page: Page, label: str, value: int) -> None:
    page.get_by_role("slider", name=label).evaluate(
        "(e, value) => { e.value = value; e.dispatchEvent(new Event('input', {bubbles: true})); }", str(value)
    )


@pytest.fixture
def marked(visit: Open, tmp_path: Path) -> Page:
    """A film of two greys, 80 and 160, in the viewer."""
    pixels = np.full((600, 600), 80, dtype=np.uint8)
    pixels[:, 300:] = 160
    film = tmp_path / "two.png"
    Image.fromarray(pixels).save(film)
    page = visit(DESK)
    upload(page, film)
    listen(page)
    return page


def test_window_and_level_are_what_radiographers_mean_by_them(marked: Page) -> None:
    page = marked
    assert (grey(page).min(), grey(page).max()) == (pytest.approx(80, abs=2), pytest.approx(160, abs=2))
    slide(page, "Level", 40)
    slide(page, "Window", 50)
    low, width = 0.15, 0.5
    wanted = [255 * (value / 255 - low) / width for value in (80, 160)]
    assert (grey(page).min(), grey(page).max()) == (pytest.approx(wanted[0], abs=3), pytest.approx(wanted[1], abs=3))
    page.get_by_role("button", name="Invert").click()
    assert grey(page).max() == pytest.approx(255 - wanted[0], abs=3)
    page.get_by_role("button", name="Reset").click()
    assert (grey(page).min(), grey(page).max()) == (pytest.approx(80, abs=2), pytest.approx(160, abs=2))
    assert told(page) == 0


def test_zoom_by_button_key_and_wheel_asks_nothing_of_the_server(marked: Page) -> None:
    page = marked
    seen = planes(page)
    page.get_by_role("button", name="Zoom in").click()
    seen += planes(page)
    page.locator(".cl-stage").focus()
    page.keyboard.press("+")
    seen += planes(page)
    page.keyboard.press("ArrowLeft")
    seen += planes(page)
    page.locator(".cl-stage").hover()
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(100)
    seen += planes(page)
    page.get_by_role("button", name="Turn by 90°").click()
    seen += planes(page)
    assert len(set(seen)) == 6
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Reset").click()
    assert planes(page) == seen[:1]
    assert told(page) == 0


def test_a_page_can_be_scrolled_over_a_film_that_nobody_clicked(marked: Page) -> None:
    page = marked
    before = planes(page)
    page.locator(".cl-stage").hover()
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(200)
    assert planes(page) == before


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_box_drawn_on_a_zoomed_and_turned_film_lies_where_it_was_drawn(marked: Page, turns: int) -> None:
    page = marked
    for _ in range(turns):
        page.get_by_role("button", name="Turn by 90°").click()
    page.get_by_role("button", name="Zoom in").click()
    frame = page.locator(".cl-stage").bounding_box()
    assert frame is not None
    start = round(frame["x"] + frame["width"] * 0.42), round(frame["y"] + frame["height"] * 0.3)
    end = start[0] + 120, start[1] + 180
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()
    eventually(page, lambda: all(edges(page)))
    settle(page)
    box = page.locator(".cl-marked-box").bounding_box()
    assert box is not None and told(page) > 0
    found = [box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]]
    assert found == [pytest.approx(each, abs=2.5) for each in (*start, *end)]
    left, top, right, bottom = (int(edge) for edge in edges(page))
    assert (right - left > bottom - top) == (turns == 1)


def test_a_slip_of_the_hand_is_no_box(marked: Page) -> None:
    page = marked
    page.locator(".cl-stage").click()
    page.wait_for_timeout(400)
    assert edges(page) == [""] * 4 and told(page) == 0


def test_a_proposal_or_box_can_be_moved_away_from_and_the_film_moved(marked: Page) -> None:
    page = marked
    before = planes(page)
    page.get_by_role("button", name="Move", exact=True).click()
    frame = page.locator(".cl-stage").bounding_box()
    assert frame is not None
    page.mouse.move(frame["x"] + 100, frame["y"] + 100)
    page.mouse.down()
    page.mouse.move(frame["x"] + 160, frame["y"] + 130, steps=4)
    page.mouse.up()
    assert planes(page) != before and edges(page) == [""] * 4


def test_compare_links_window_and_zoom_until_they_are_unlinked(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    search(page)
    compare(page)
    expect(page.get_by_text("A centimetre is as long on every film.")).to_be_visible()
    bars = page.locator(".cl-on-bar").evaluate_all("all => all.map(e => [e.textContent, e.clientWidth])")
    assert len(bars) == 5 and len({tuple(bar) for bar in bars}) == 1
    listen(page)
    before = planes(page)
    page.get_by_role("button", name="Zoom in").click()
    assert all(one != other for one, other in zip(before, planes(page), strict=True))
    tones = [grey(page, number).mean() for number in range(5)]
    slide(page, "Level", 70)
    assert all(grey(page, number).mean() < tones[number] - 3 for number in range(5))
    page.get_by_role("button", name="Linked").click()
    linked = planes(page)
    page.locator(".cl-stage").nth(2).focus()
    page.keyboard.press("+")
    moved = [one != other for one, other in zip(linked, planes(page), strict=True)]
    assert moved == [False, False, True, False, False]
    page.get_by_role("button", name="Lesion").click()
    assert page.locator(".cl-scale-note").inner_text() == ""
    assert told(page) == 0
    for number in range(5):
        assert re.search(r"film", page.locator(".cl-on-key").nth(number).inner_text())
        assert page.locator(".cl-on-side").nth(number).inner_text()


def test_compare_takes_other_patients_and_leads_to_their_history(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    search(page)
    page.locator(".st-key-case_2").get_by_role("button", name="Compare closely").click()
    expect(page.locator(".cl-stage")).to_have_count(2)
    expect(page.locator(".cl-stage-figure figcaption").nth(1)).to_contain_text("Patient 2")
    page.get_by_role("button", name=re.compile("^History: Patient 2")).click()
    expect(page.get_by_role("heading", name="History of patient 2")).to_be_visible()
    page.get_by_role("button", name="Compare side by side").first.click()
    expect(page.locator(".cl-stage")).to_have_count(2)
