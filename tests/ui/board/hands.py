"""What tests of the board do with their hands."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.ui.browsing import DESK, settle

Open = Callable[..., Page]


def board(visit: Open, page_url: str, size: tuple[int, int] = DESK, **more: str) -> Page:
    page = visit(size, **more)
    page.goto(f"{page_url}/board")
    expect(page.get_by_role("heading", name=re.compile("Tumour board|Tumorkonferenz"))).to_be_visible()
    settle(page)
    return page


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()
    settle(page)


def opened(page: Page, title: str, which: str = "All cases") -> None:
    """Open a case from the list."""
    page.get_by_text(which, exact=True).click()
    settle(page)
    row = page.locator("[class*='st-key-row-']").filter(has_text=title)
    row.get_by_role("button", name=re.compile("Open|Öffnen")).first.click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    settle(page)


def section(page: Page, name: str) -> Locator:
    return page.locator(f".st-key-section-{name}")


def write(page: Page, name: str, text: str) -> None:
    """Open a section and type, without leaving the field."""
    place = section(page, name)
    place.get_by_role("button", name=re.compile("^(Write|Edit|Schreiben|Bearbeiten)$")).first.click()
    expect(place.locator("textarea")).to_be_visible()
    settle(page)
    place.locator("textarea").fill("")
    place.locator("textarea").press_sequentially(text)


def save(page: Page, name: str, label: str = "Save") -> None:
    section(page, name).get_by_role("button", name=label, exact=True).click()
    settle(page)


def add_film(page: Page, path: Path) -> None:
    page.locator("[class*='st-key-case-films-'] input[type=file]").set_input_files(str(path))
    settle(page)
