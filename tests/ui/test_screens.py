"""`caselink screens` walks through every page; its pictures are small and as tall as the page."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page

from api.cli import screens
from engine.errors import NotFound
from tests.ui.browsing import PHONE

Open = Callable[[tuple[int, int]], Page]


@pytest.mark.slow
def test_the_tour_shows_every_page_with_all_of_its_height(visit: Open, query_film: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    page = visit(PHONE)

    def shot(name: str) -> None:
        seen.append(name)
        if name == "search-answer":
            screens.shoot(page, tmp_path / "answer.png")

    screens.tour(page, query_film, shot)
    assert [name.split("-")[0] for name in seen] == [
        *("search", "archive", "evaluations", "search", "search", "patient", "compare", "feedback", "compare"),
        *("search", "board", "board"),
    ]
    with Image.open(tmp_path / "answer.png") as picture:
        assert picture.mode == "P" and picture.width == PHONE[0]
        assert PHONE[1] < picture.height <= screens.TALLEST
    assert page.viewport_size == {"width": PHONE[0], "height": PHONE[1]}


def test_without_a_browser_it_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens.shutil, "which", lambda name: None)
    with pytest.raises(NotFound, match="Chromium and the package playwright"), screens.chromium():
        pytest.fail("it opened")
