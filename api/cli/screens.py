"""`caselink screens`: pictures of every page on a SYNTHETIC archive, for the documentation and for looking at."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import Image

from api.cli.common import as_json, out, save
from api.cli.demo import build, servers, until_ready
from api.cli.measure import Plan, measure
from api.client import Client
from engine.errors import NotFound
from indexer.evaluation import KS

WIDTHS = {"1280": (1280, 900), "390": (390, 844)}
TALLEST = 2600
"""Longest picture in pixels; what lies below is cut off."""
WAIT_MS = 60_000
SETTLE_MS = 900
COLOURS = 256
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
RUNNING = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
Page = Any
"""A page of Playwright, which is not there in every installation."""


def screens(
    folder: Annotated[Path, typer.Option(help="Where the pictures go.")] = Path("docs/screens"),
    work: Annotated[Path, typer.Option(help="Where the SYNTHETIC archive lives; kept between runs.")] = Path(
        "var/screens"
    ),
    patients: Annotated[int, typer.Option(min=60, help="Patients to generate.")] = 240,
) -> None:
    """Make a picture of every page at both widths, of a SYNTHETIC archive alone."""
    build(work / "films", work / "archive", patients)
    folder.mkdir(parents=True, exist_ok=True)
    films = sorted((work / "films" / "query").glob("query-*.dcm"))
    if not films:
        raise NotFound(f"{work / 'films'} holds no query film; remove {work} and run the same again")
    evaluated(work / "archive", work / "runs")
    with servers(work / "archive", page=True, runs=work / "runs") as (api, address), chromium() as browser:
        until_ready(Client(api))
        for width, size in WIDTHS.items():
            view = {"width": size[0], "height": size[1]}
            with browser.new_context(viewport=view, locale="en-GB", reduced_motion="reduce") as context:
                page = context.new_page()
                page.set_default_timeout(WAIT_MS)
                page.goto(address)
                tour(page, films[0], partial(_shot, page, folder, width))


def evaluated(archive: Path, runs: Path) -> None:
    """Evaluate the archive twice, once among adults alone, where that is not done yet."""
    for name, where in (("all-ages", None), ("adults", "age >= 18")):
        path = runs / f"{name}.json"
        if not path.exists():
            found = measure(archive, None, _plan(where), None)
            runs.mkdir(parents=True, exist_ok=True)
            save(path, as_json(found))


def _plan(where: str | None) -> Plan:
    """Leave one patient out, by sex, since the SYNTHETIC patients are of no centre."""
    return Plan(None, "auto", None, where, None, None, None, ("sex",), {}, KS, None, None, 0, 200)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser of Playwright.

    Raises:
        NotFound: Chromium or Playwright is not installed.
    """
    place = shutil.which("chromium") or shutil.which("chromium-browser")
    if place is None or not find_spec("playwright"):
        raise NotFound("pictures need Chromium and the package playwright; install them and run the same again")
    with import_module("playwright.sync_api").sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=place, args=FLAGS)
        yield opened
        opened.close()


def tour(page: Page, film: Path, shot: Callable[[str], None]) -> None:
    """Every page on the way of one question, then the same in German and in the dark room."""
    page.get_by_role("heading", name="Find similar past patients").wait_for()
    shot("search-start")
    _archive(page, shot)
    _evaluations(page, shot)
    page.get_by_role("link", name="Search").click()
    page.set_input_files("input[type=file]", str(film))
    page.locator(".st-key-lightbox .cl-stage img").first.wait_for()
    settle(page)
    _draw(page)
    shot("search-mark")
    page.get_by_role("button", name="Find similar patients").click()
    page.get_by_role("heading", name="What similar patients had").wait_for()
    shot("search-answer")
    page.locator(".st-key-case_1").get_by_role("button", name="Open history").click()
    page.get_by_role("heading", name="History of patient 1").wait_for()
    shot("patient")
    page.get_by_role("button", name="Compare side by side").first.click()
    page.locator(".cl-stage img").nth(2).wait_for()
    shot("compare")
    _feedback(page, shot)
    page.get_by_text("Dark room").first.click()
    settle(page)
    shot("compare-dark-room")
    page.get_by_role("radio", name="DE").click()
    page.get_by_role("button", name="Zurück zur Antwort").click()
    page.get_by_role("heading", name="Was ähnliche Patienten hatten").wait_for()
    shot("search-answer-german")
    _board(page, shot)


def _board(page: Page, shot: Callable[[str], None]) -> None:
    """The answer taken to the board, in English and without the dark room: the agenda and a case."""
    page.get_by_text("Dunkelraum").first.click()
    page.get_by_role("radio", name="EN").click()
    page.get_by_role("heading", name="What similar patients had").wait_for()
    settle(page)
    page.get_by_role("button", name="Take to the board").click()
    asked = page.get_by_role("dialog")
    asked.get_by_label("Title").fill("Second opinion on a lytic lesion")
    asked.get_by_role("button", name="Take to the board now").click()
    page.locator(".cl-stage").nth(3).wait_for()
    shot("board-case")
    page.get_by_role("button", name="Agenda").click()
    page.get_by_text("All cases").click()
    page.get_by_role("heading", name="Second opinion").first.wait_for()
    shot("board-agenda")


def _archive(page: Page, shot: Callable[[str], None]) -> None:
    """What is inside, and a film that was found on the map with the arrow keys."""
    page.get_by_role("link", name="Archive").click()
    page.locator(".cl-map canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.locator(".st-key-looked img").wait_for()
    shot("archive")


def _evaluations(page: Page, shot: Callable[[str], None]) -> None:
    """Two runs side by side, where two are stored."""
    page.get_by_role("link", name="Evaluations").click()
    page.get_by_role("heading", name="Evaluations").wait_for()
    settle(page)
    beside = page.get_by_role("combobox", name="Beside it")
    if beside.count():
        beside.click()
        page.get_by_role("option").first.click()
    shot("evaluations")


def _feedback(page: Page, shot: Callable[[str], None]) -> None:
    """Two words on similar patients, what became of them, and back to the films."""
    page.get_by_role("button", name="Back to the answer").click()
    page.get_by_role("heading", name="What similar patients had").wait_for()
    for rank, said in ((1, "Similar"), (2, "Not similar")):
        page.locator(f".st-key-case_{rank}").get_by_role("radio", name=said, exact=True).click()
        settle(page)
    page.get_by_role("link", name="Feedback").click()
    page.get_by_role("heading", name="Training pairs").wait_for()
    shot("feedback")
    page.get_by_role("link", name="Compare").click()
    page.locator(".cl-stage img").nth(2).wait_for()


def _draw(page: Page) -> None:
    """Drag a box across the lesion's usual place."""
    frame = page.locator(".cl-stage").first.bounding_box()
    across, down = frame["width"], frame["height"]
    page.mouse.move(frame["x"] + 0.4 * across, frame["y"] + 0.2 * down)
    page.mouse.down()
    page.mouse.move(frame["x"] + 0.58 * across, frame["y"] + 0.45 * down, steps=5)
    page.mouse.up()
    settle(page)


def _shot(page: Page, folder: Path, width: str, name: str) -> None:
    shoot(page, folder / f"{name}-{width}.png")


def settle(page: Page) -> None:
    """Until the script has run and what it drew stands still."""
    page.wait_for_timeout(SETTLE_MS // 3)
    page.wait_for_function(RUNNING)
    page.wait_for_timeout(SETTLE_MS)


def shoot(page: Page, path: Path) -> None:
    """The whole page as PNG of few colours: Streamlit scrolls inside the window, so that this is made as tall."""
    settle(page)
    size = page.viewport_size
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": min(max(height, size["height"]), TALLEST)})
    settle(page)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    page.set_viewport_size(size)
    settle(page)
    out.print(f"{path}", soft_wrap=True, markup=False)
