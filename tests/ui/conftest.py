"""A small SYNTHETIC archive behind the real API, for the page's tests."""

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect, sync_playwright

from engine.encoders import encoder_files
from engine.encoders.runtime import OnnxEmbedder
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.synthetic import generate
from indexer.writer import open_writer
from tests.ui.browsing import FLAGS, WAIT_MS, Server, any_port, page_of, page_over

PATIENTS = 12


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return any_port


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SYNTHETIC source: films/, and query/ with the lesion's mask beside each query film."""
    folder = tmp_path_factory.mktemp("page") / "films"
    generate(folder, n_patients=PATIENTS, seed=3, workers=1)
    return folder


@pytest.fixture(scope="session")
def archive(films: Path, encoder_cache: Path) -> Path:
    """Of whole films, so that one which nobody has marked gets a vote."""
    return archive_of(films, films.parent / "archive", Roi.whole, encoder_cache)


@pytest.fixture(scope="session")
def crops(films: Path, encoder_cache: Path) -> Iterator[str]:
    """The page over an archive of the same films' lesions."""
    with page_over(archive_of(films, films.parent / "crops" / "archive", Roi.mask, encoder_cache)) as url:
        yield url


def archive_of(films: Path, folder: Path, roi: Roi, encoder_cache: Path) -> Path:
    folder.parent.mkdir(exist_ok=True)
    files = encoder_files("default", encoder_cache)
    embedder = OnnxEmbedder.open(files, threads=1)
    with open_writer(folder, embedder.card, files.onnx.parent) as writer:
        report = ingest(open_source(films, "dicom"), films, "dicom", roi, embedder, writer, workers=1)
    assert report.indexed == report.found > PATIENTS
    return folder


@pytest.fixture(scope="session")
def api(archive: Path) -> Iterator[Server]:
    server = Server(archive, archive.parent / "api.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def address(api: Server) -> str:
    return api.url


@pytest.fixture(scope="session")
def query_film(films: Path) -> Path:
    return films / "query" / "query-1.dcm"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("install chromium: apt-get install chromium")
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS.split())
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def page_url(api: Server, free_port: Callable[[], int]) -> Iterator[str]:
    """The page's own process."""
    with page_of(api.url, free_port()) as url:
        yield url


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> dict[tuple[str, bool], list[BrowserContext]]:
    """Browser profiles that nobody uses, by language and touch.

    Each keeps a bare document open, so that its process, which has the page's scripts, outlives a visitor.
    """
    return defaultdict(list)


@pytest.fixture
def visit(
    browser: Browser, page_url: str, profiles: dict[tuple[str, bool], list[BrowserContext]]
) -> Iterator[Callable[..., Page]]:
    """Opens the page at a size as a new visitor; ends with no error of a script on it."""
    opened: list[tuple[Page, tuple[str, bool]]] = []
    faults: list[str] = []

    def at(size: tuple[int, int], locale: str = "en-GB", url: str = page_url, touch: bool = False) -> Page:
        view: ViewportSize = {"width": size[0], "height": size[1]}
        if not profiles[locale, touch]:
            profiles[locale, touch].append(browser.new_context(locale=locale, has_touch=touch, is_mobile=touch))
            profiles[locale, touch][0].new_page().goto(f"{url}/_stcore/health")
        page = profiles[locale, touch].pop().new_page()
        opened.append((page, (locale, touch)))
        page.set_viewport_size(view)
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(url)
        expect(page.get_by_role("heading", name=re.compile("Find similar past|Ähnliche frühere"))).to_be_visible()
        return page

    yield at
    for page, kind in opened:
        assert page.locator('[data-testid="stException"]').count() == 0
        forget(page)
        profiles[kind].append(page.context)
    assert faults == []


def forget(page: Page) -> None:
    """Close a visitor's pages and leave nothing of theirs to the next but what the browser read from the server."""
    page.evaluate("localStorage.clear(); sessionStorage.clear()")
    page.context.clear_cookies()
    for one in page.context.pages[1:]:
        one.close()


@pytest.fixture
def empty(tmp_path: Path, encoder_cache: Path) -> Iterator[str]:
    """The page over an archive that holds no films."""
    files = encoder_files("default", encoder_cache)
    embedder = OnnxEmbedder.open(files, threads=1)
    with open_writer(tmp_path / "archive", embedder.card, files.onnx.parent) as writer:
        writer.publish()
    with page_over(tmp_path / "archive") as url:
        yield url
