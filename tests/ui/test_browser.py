"""The page in a real browser, over the real API: a real upload, a real drag, every screen."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.ui.browsing import (
    DESK,
    PHONE,
    SAFETY,
    Server,
    box_on_screen,
    compare,
    drag,
    draw,
    edges,
    eventually,
    mark,
    open_history,
    scrolls_sideways,
    search,
    settle,
    upload,
)

Open = Callable[[tuple[int, int]], Page]
Profile = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ruler:
    """Where two film coordinates of one axis were seen on the screen, in screen pixels of continuous position."""

    film: tuple[float, float]
    screen: tuple[float, float]

    def to_film(self, at: float) -> float:
        share = (at - self.screen[0]) / (self.screen[1] - self.screen[0])
        return self.film[0] + share * (self.film[1] - self.film[0])


def bright_span(profile: Profile) -> tuple[float, float]:
    """Edges of the one bright stretch of a profile, below a pixel: an edge pixel counts by its share of light."""
    low, high = np.percentile(profile, 2), profile.max()
    share = np.clip((profile - low) / (high - low), 0, 1)
    middle = int(np.flatnonzero(share > 0.5).mean())
    return middle - float(share[:middle].sum()), middle + float(share[middle:].sum())


def rulers(page: Page, mark: tuple[int, int, int, int]) -> tuple[Ruler, Ruler]:
    """Measures on a screenshot where a bright rectangle of the film lies; owes nothing to how the page computes."""
    frame = page.locator(".st-key-lightbox .cl-stage").bounding_box()
    assert frame is not None
    grey = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"), dtype=np.float64)
    x, y = round(frame["x"]) + 2, round(frame["y"]) + 2
    inside = grey[y : y + int(frame["height"]) - 4, x : x + int(frame["width"]) - 4]
    rows = np.flatnonzero((inside > 150).sum(axis=1) > 20)
    columns = np.flatnonzero((inside > 150).sum(axis=0) > 20)
    across = inside[rows[len(rows) // 3] : rows[2 * len(rows) // 3]].mean(axis=0)
    down = inside[:, columns[len(columns) // 3] : columns[2 * len(columns) // 3]].mean(axis=1)
    left, right = bright_span(across)
    top, bottom = bright_span(down)
    return Ruler((mark[0], mark[2]), (left + x, right + x)), Ruler((mark[1], mark[3]), (top + y, bottom + y))


@pytest.mark.parametrize(("rows", "columns"), [(900, 700), (700, 1100), (2400, 1900)])
def test_a_drag_is_right_within_two_film_pixels(visit: Open, tmp_path: Path, rows: int, columns: int) -> None:
    mark = (columns // 5, rows // 4, columns * 7 // 10, rows * 3 // 5)
    pixels = np.zeros((rows, columns), dtype=np.uint8)
    pixels[mark[1] : mark[3], mark[0] : mark[2]] = 230
    film = tmp_path / "marked.png"
    Image.fromarray(pixels).save(film)
    page = visit(DESK)
    upload(page, film)
    expect(page.locator(".st-key-lightbox .cl-plane img").first).to_be_visible()
    x, y = rulers(page, mark)
    start = round(x.screen[0]) + 31, round(y.screen[0]) - 17
    end = round(x.screen[1]) + 23, round(y.screen[1]) - 11
    drag(page, start, end)
    truth = x.to_film(start[0]), y.to_film(start[1]), x.to_film(end[0]), y.to_film(end[1])
    off = [float(typed) - true for typed, true in zip(edges(page), truth, strict=True)]
    assert max(map(abs, off)) <= 2, off
    # a second drag, backwards, replaces the first; the box is drawn where the hand was
    again = end[0] - 40, end[1] - 30, start[0] + 25, start[1] + 60
    drag(page, again[:2], again[2:])
    eventually(page, lambda: box_on_screen(page) == [pytest.approx(again, abs=1)])


def test_from_upload_to_history_and_back(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    draw(page, (120, 150))
    search(page)
    expect(page.get_by_text(SAFETY)).to_be_visible()
    expect(page.get_by_role("heading", name="5 similar patients", exact=True)).to_be_visible()
    entity = page.locator(".st-key-case_3 h3").inner_text()
    assert page.locator("img:not([alt]), img[alt='']").count() == 0
    expect(page.get_by_text("Same physical scale").first).to_be_visible()
    page.get_by_text("Whole film", exact=True).click()
    settle(page)
    open_history(page, 3)
    expect(page.get_by_text("written to the audit log")).to_be_visible()
    expect(page.locator(".cl-lesion h3").first).to_have_text(entity, ignore_case=True)
    dates = [when.get_attribute("datetime") for when in page.locator(".cl-timeline time").all()]
    assert len(dates) > 1 and all(
        one is not None and other is not None and one <= other for one, other in pairwise(dates)
    )
    page.get_by_role("button", name="Back to the answer").first.click()
    settle(page)
    assert page.locator(".st-key-case_3 h3").inner_text() == entity
    expect(page.locator(".st-key-case_3")).to_be_in_viewport()
    assert page.get_by_role("radio", name="Whole film").get_attribute("aria-checked") == "true"


def test_an_unreadable_film_is_named_and_the_page_goes_on(visit: Open, query_film: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(query_film.read_bytes()[:3000])
    page = visit(DESK)
    page.set_input_files("input[type=file]", str(broken))
    expect(page.get_by_role("alert").filter(has_text="broken.dcm")).to_be_visible()
    upload(page, query_film)
    search(page)


def test_the_page_outlives_the_api(visit: Open, query_film: Path, api: Server) -> None:
    page = visit(DESK)
    upload(page, query_film)
    api.stop()
    try:
        page.get_by_role("button", name="Find similar patients").click()
        expect(page.get_by_role("alert").filter(has_text="The archive cannot be reached").first).to_be_visible()
    finally:
        api.start()
    search(page)


def test_a_phone_shows_every_screen_without_scrolling_sideways(visit: Open, query_film: Path) -> None:
    page = visit(PHONE)
    assert not scrolls_sideways(page)
    upload(page, query_film)
    assert not scrolls_sideways(page)
    mark(page, 100, 120, 260, 300)
    assert edges(page) == ["100", "120", "260", "300"]
    expect(page.locator(".st-key-lightbox .cl-marked-box")).to_be_visible()
    search(page)
    assert not scrolls_sideways(page)
    open_history(page, 1)
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Compare side by side").first.click()
    expect(page.locator(".cl-stage").first).to_be_visible()
    settle(page)
    assert not scrolls_sideways(page)
    for banner in ("Research use only.", "SYNTHETIC archive"):
        expect(page.get_by_role("banner").get_by_text(banner)).to_be_in_viewport()


CONTRAST = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.9) return c; } return [0, 0, 0]; };
  return [...document.querySelectorAll('h1, h2, h3, p, label, dt, dd, li, figcaption, time, span, code, button')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.offsetParent)
    // a slider's value hangs above its thumb, whose colour is not behind it
    .filter(e => !e.closest('[disabled], [aria-disabled=true], [data-testid=stSliderThumbValue]'))
    .map(e => { const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim().slice(0, 40)]; })
    .filter(([ratio]) => ratio < 4.5);
}"""


def test_texts_can_be_read_and_streamlits_menu_is_gone(visit: Open, query_film: Path) -> None:
    page = visit(DESK)
    assert page.evaluate(CONTRAST) == []
    upload(page, query_film)
    assert page.evaluate(CONTRAST) == []
    search(page)
    assert page.evaluate(CONTRAST) == []
    open_history(page, 1)
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Back to the answer").first.click()
    settle(page)
    compare(page)
    assert page.evaluate(CONTRAST) == []
    for part in ("stToolbar", "stMainMenu", "stAppDeployButton"):
        expect(page.get_by_test_id(part)).not_to_be_visible()
