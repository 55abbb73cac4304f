"""The region that a segmenter proposes, in a real browser: dashed on the film, waved away, replaced by a drawn one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.encoders import EncoderFiles, OnnxEmbedder, encoder_files
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.writer import open_writer
from tests.api.test_proposed_regions import SQUARES, bright_segmenter, png
from tests.ui.browsing import DESK, PHONE, box_on_screen, drag, eventually, page_over, search, settle, upload

Open = Callable[..., Page]
BOX = (24, 60, 60, 96)
"""Bright on the visitor's film, which is in no archive."""
OFF = 4
"""Film pixels: the segmenter's map has one for two and a half of them."""


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory, encoder_cache: Path) -> Iterator[str]:
    """The page over an archive with a segmenter, which takes bright pixels for lesion."""
    home = tmp_path_factory.mktemp("segmented")
    films, run = home / "films", home / "run"
    films.mkdir(), run.mkdir()
    for file in encoder_files("default", encoder_cache).onnx.parent.iterdir():
        (run / file.name).write_bytes(file.read_bytes())
    bright_segmenter(run)
    for seed, (name, box) in enumerate(SQUARES.items()):
        (films / name).write_bytes(png(box, seed))
    rows = [f"{name},p{name[0]},osteosarcoma" for name in SQUARES]
    (films / "films.csv").write_text("\n".join(["file,patient_id,entity", *rows]) + "\n", encoding="utf-8")
    files = EncoderFiles.read(run)
    with open_writer(home / "archive", files.card, run) as writer:
        ingest(open_source(films), films, "folder", Roi.segment, OnnxEmbedder.open(files, threads=1), writer, workers=1)
    with page_over(home / "archive") as url:
        yield url


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "visitor.png"
    path.write_bytes(png(BOX, 9))
    return path


def outline(page: Page) -> Locator:
    return page.locator(".st-key-lightbox .cl-marked-box").first


def on_film(page: Page) -> tuple[float, float, float, float]:
    """Where the outline stands, in film pixels: left, top, right, bottom."""
    x, y, wide, high = (float(outline(page).get_attribute(name) or "nan") for name in ("x", "y", "width", "height"))
    return x, y, x + wide, y + high


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_is_dashed_where_the_lesion_is(visit: Open, segmented: str, film: Path, size: tuple[int, int]) -> None:
    page = visit(size, url=segmented)
    upload(page, film)
    expect(page.get_by_text("The dashed region is proposed by a model")).to_be_visible()
    eventually(page, lambda: max(abs(seen - drawn) for seen, drawn in zip(on_film(page), BOX, strict=True)) <= OFF)
    assert outline(page).evaluate("e => getComputedStyle(e).strokeDasharray") != "none"
    right, bottom, left, top = box_on_screen(page)[0]
    assert right - left > 20 < bottom - top


def test_a_drawn_one_replaces_it(visit: Open, segmented: str, film: Path) -> None:
    page = visit(DESK, url=segmented)
    upload(page, film)
    expect(page.get_by_text("The dashed region is proposed by a model")).to_be_visible()
    right, bottom, left, top = box_on_screen(page)[0]
    drag(page, (left + 10, top + 10), (right + 40, bottom + 40))
    assert outline(page).evaluate("e => getComputedStyle(e).strokeDasharray") == "none"
    expect(page.get_by_text("The dashed region is proposed by a model")).to_have_count(0)


def test_it_can_be_waved_away_and_taken_back(visit: Open, segmented: str, film: Path) -> None:
    page = visit(DESK, url=segmented)
    upload(page, film)
    page.get_by_role("button", name="Compare the whole film").click()
    expect(page.get_by_role("button", name="Use the proposed region")).to_be_visible()
    settle(page)
    expect(outline(page)).to_have_css("visibility", "hidden")
    page.get_by_role("button", name="Use the proposed region").click()
    expect(outline(page)).to_have_css("visibility", "visible")
    search(page)
    expect(page.get_by_text("proposed").first).to_be_visible()


def test_it_is_said_in_german(visit: Open, segmented: str, film: Path) -> None:
    page = visit(DESK, locale="de-DE", url=segmented)
    upload(page, film)
    expect(page.get_by_text("gestrichelte Bereich").first).to_be_visible()
