"""What the German page says where something is refused: films, filters, texts, names, and films that were left out."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from api.client import Client
from api.settings import settings
from engine.encoders import encoder_files
from engine.encoders.runtime import OnnxEmbedder
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.writer import open_writer
from tests.ui.browsing import DESK, PHONE, Server, page_over, scrolls_sideways, settle, upload
from tests.ui.test_pages import go

Open = Callable[..., Page]
ENGLISH = re.compile(r"\b(the|and|it|is|send|export|write|take|expected|unexpected)\b")


def german(page: Page, text: str) -> Locator:
    """The refusal that has a text; none on the page is English."""
    found = page.get_by_role("alert").filter(has_text=text).first
    expect(found).to_be_visible()
    for said in page.get_by_role("alert").all_inner_texts():
        assert not ENGLISH.search(re.sub(r"'[^']*'|\(.*?\)", "", said)), said
    return found


def lying_png(columns: int, rows: int) -> bytes:
    """A PNG whose header says a size, and little behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_films_that_cannot_be_read(visit: Open, query_film: Path, tmp_path: Path) -> None:
    (tmp_path / "kaputt.dcm").write_bytes(query_film.read_bytes()[:3000])
    (tmp_path / "riesig.png").write_bytes(lying_png(20_000, 20_000))
    (tmp_path / "bericht.dcm").write_bytes(b"%PDF-1.4")
    page = visit(PHONE, locale="de-DE")
    page.set_input_files("input[type=file]", [str(path) for path in sorted(tmp_path.iterdir())])
    german(page, "kaputt.dcm: sie endet zu früh; kopieren oder exportieren Sie sie neu.")
    german(page, "riesig.png: das Bild hat 20.000x20.000 Pixel, mehr als die Grenze von 100 Millionen")
    german(page, "bericht.dcm: die Datei ist ein PDF")
    assert not scrolls_sideways(page)
    upload(page, query_film)


def test_filters_that_cannot_be_understood(visit: Open, query_film: Path) -> None:
    page = visit(DESK, locale="de-DE")
    upload(page, query_film)
    page.get_by_text("Erweitert", exact=True).click()
    page.locator(".st-key-by-hand label").first.click()
    field = page.locator(".st-key-filter textarea")
    for text, said in (
        ("agee > 3", "unbekannte Spalte 'agee', an Stelle 1; die Spalten sind entity, malignancy"),
        ("age > ", "der Filter endet zu früh, an Stelle 5; erwartet: ein Wert (eine Zahl, 'Text'"),
        ("sex = 3", "3' passt nicht zur Spalte 'sex', an Stelle 7; schreiben Sie Text"),
        ("(sex = 'F'", "der Filter endet zu früh, an Stelle 10; erwartet: ')'"),
    ):
        field.fill(text)
        field.press("Control+Enter")
        settle(page)
        page.get_by_role("button", name="Ähnliche Patienten finden").click()
        german(page, said)
        german(page, "Der Filter ist nicht zu verstehen")


def test_a_case_that_is_gone_and_a_name_in_the_place_of_a_pseudonym(visit: Open, page_url: str, api: Server) -> None:
    page = visit(DESK, locale="de-DE")
    page.goto(f"{page_url}/board")
    settle(page)
    page.get_by_role("textbox", name="Titel").fill("Femur")
    page.get_by_role("textbox", name="Pseudonym").first.fill("Frau Muster")
    page.get_by_role("button", name="Fall anlegen").click()
    german(page, "„Frau Muster“ ist kein Pseudonym")
    page.get_by_role("textbox", name="Pseudonym").first.fill("")
    page.get_by_role("textbox", name="Titel").fill("")
    page.get_by_role("button", name="Fall anlegen").click()
    german(page, "der Titel fehlt; schreiben Sie etwas, bis zu 120 Zeichen.")
    page.get_by_role("textbox", name="Titel").fill("Femur")
    page.get_by_role("button", name="Fall anlegen").click()
    expect(page.get_by_role("heading", name="Femur")).to_be_visible()
    settle(page)
    with Client(api.url) as other:
        case = other.cases().cases[0].case
        other.remove_case(case)
    place = page.locator(".st-key-section-finding")
    place.get_by_role("button", name="Schreiben").first.click()
    place.locator("textarea").press_sequentially("x")
    place.get_by_role("button", name="Speichern", exact=True).click()
    german(page, f"Unter diesem Namen ist nichts bekannt: die Konferenz hat keinen Fall {case}")


@pytest.fixture
def strict(tmp_path: Path, encoder_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page over an archive that left films out, for uploads of 1 MiB."""
    monkeypatch.setenv("CASELINK_MAX_UPLOAD_MIB", "1")
    settings.cache_clear()
    source, root = tmp_path / "films", tmp_path / "archive"
    source.mkdir()
    grey = np.random.default_rng(1).integers(0, 255, (90, 70)).astype(np.uint8)
    picture = cv2.imencode(".png", grey)[1].tobytes()
    files = {"a.png": picture, "b.png": picture, "leer.png": b"", "klein.png": lying_png(8, 8), "c.pdf": b"%PDF-1.4"}
    for name, data in files.items():
        (source / name).write_bytes(data)
    table = "file,patient_id\n" + "".join(f"{name},1\n" for name in files)
    (source / "films.csv").write_text(table, encoding="utf-8")
    encoder = encoder_files("default", encoder_cache)
    embedder = OnnxEmbedder.open(encoder, threads=1)
    with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
        ingest(open_source(source, "folder"), source, "folder", Roi.whole, embedder, writer, workers=1)
    try:
        with page_over(root) as url:
            yield url
    finally:
        settings.cache_clear()


def test_films_that_were_left_out_and_one_too_large(visit: Open, strict: str, tmp_path: Path) -> None:
    page = visit(DESK, locale="de-DE", url=strict)
    grey = np.random.default_rng(2).integers(0, 255, (900, 900)).astype(np.uint8)
    for name in ("eins.png", "zwei.png"):
        (tmp_path / name).write_bytes(cv2.imencode(".png", grey + len(name))[1].tobytes() + name.encode())
    page.set_input_files("input[type=file]", [str(tmp_path / name) for name in ("eins.png", "zwei.png")])
    german(page, "zwei.png")
    german(page, "1 MiB")
    (tmp_path / "schwer.png").write_bytes(bytes(2 << 20))
    held = page.get_by_text("Eine Datei hat mehr als 1 MiB, die Grenze für alle Aufnahmen zusammen")
    page.get_by_role("button", name="Aufnahmen hinzufügen").click()
    settle(page)
    expect(held).to_be_hidden()
    page.set_input_files("input[type=file]", str(tmp_path / "schwer.png"))
    expect(held).to_be_visible()
    go(page, "Archiv")
    rows = page.get_by_role("region", name="Nicht aufgenommene Dateien").locator("tbody tr")
    expect(rows).to_have_count(4)
    assert set(rows.locator("td:nth-child(2)").all_inner_texts()) == {
        "Dieselben Bytes wie eine andere Aufnahme des Patienten",
        "Die Datei ist leer; senden Sie die Datei der Aufnahme selbst",
        "Das Bild hat 8x8 Pixel; eine Aufnahme braucht auf jeder Seite mindestens 16",
        "Die Datei ist ein PDF; exportieren Sie die Aufnahme selbst und senden Sie DICOM, PNG, JPEG oder TIFF",
    }
    page.get_by_role("radio", name="EN").click(force=True)
    rows = page.get_by_role("region", name="Files left out").locator("tbody tr")
    expect(rows.filter(has_text="The file is empty; send the film's own file")).to_have_count(1)
