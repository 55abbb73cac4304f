"""A real browser over the real page: what tests of the page do with their hands."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from api.cli.serve import page_command, page_environment
from api.client import ApiProblem, ApiUnreachable, Client
from ui.words import catalogue

FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAGS += " --disable-component-update --disable-sync"
SAFETY = catalogue("en")["vote.safety"]
DESK, PHONE = (1280, 900), (390, 844)
START_LIMIT_S, API_LIMIT_S = 40.0, 60.0
WAIT_MS = 20_000
STILL_MS, STILL_LIMIT_MS = 350, 6_000
"""A click has reached the script by then; something that turns or counts on the page goes on for ever."""
STILL = """([asked, quiet]) => {
  if (!window.caselinkMoved) {
    window.caselinkMoved = Date.now();
    new MutationObserver(() => { window.caselinkMoved = Date.now(); })
      .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  }
  const app = document.querySelector("[data-testid=stApp]");
  if (!app || app.dataset.testScriptState === "running") window.caselinkMoved = Date.now();
  return Date.now() - Math.max(window.caselinkMoved, asked) > quiet;
}"""


def any_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`caselink serve` as a process of its own, which tests may stop and start again at the same address."""

    def __init__(self, archive: Path, log: Path, runs: Path | None = None) -> None:
        self.archive, self.log, self.port, self.runs = archive, log, any_port(), runs
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "api.cli", "serve", "--archive", str(self.archive), "--port", str(self.port)]
        command += [] if self.runs is None else ["--runs", str(self.runs)]
        with self.log.open("ab") as log:
            env = os.environ | {"CASELINK_THREADS": "1"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        client, limit = Client(self.url), time.monotonic() + API_LIMIT_S
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                client.ready()
            except (ApiUnreachable, ApiProblem):
                time.sleep(0.1)
            else:
                client.close()
                return
        self.stop()
        pytest.fail(f"the API did not get ready: {self.log.read_text()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None


@contextmanager
def page_of(api: str, port: int) -> Iterator[str]:
    """The page's own process, over an API; gives its address."""
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        page_command(port), env=page_environment(api), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _until_up(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def page_over(archive: Path) -> Iterator[str]:
    """An API over an archive, and its page; gives the page's address."""
    server = Server(archive, archive.parent / "api.log")
    server.start()
    try:
        with page_of(server.url, any_port()) as url:
            yield url
    finally:
        server.stop()


def _until_up(url: str, process: "subprocess.Popen[bytes]") -> None:
    limit = time.monotonic() + START_LIMIT_S
    with closing(httpx.Client(trust_env=False)) as client:
        while time.monotonic() < limit and process.poll() is None:
            try:
                if client.get(f"{url}/_stcore/health").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
    pytest.fail("the page did not start")


def settle(page: Page) -> None:
    """Until the script has run and what it drew stands still; what never does is waited for no longer than a limit."""
    with suppress(PlaywrightTimeout):
        page.wait_for_function(STILL, arg=[time.time() * 1000, STILL_MS], polling=50, timeout=STILL_LIMIT_MS)


def upload(page: Page, *paths: Path) -> None:
    page.set_input_files("input[type=file]", [str(path) for path in paths])
    expect(page.locator(".st-key-lightbox .cl-stage img").first).to_be_visible()
    settle(page)


def edges(page: Page) -> list[str]:
    return [page.get_by_label(name, exact=True).input_value() for name in ("Left", "Top", "Right", "Bottom")]


def mark(page: Page, *box: int) -> None:
    """Put a box around the lesion, in film pixels."""
    for name, value in zip(("Left", "Top", "Right", "Bottom"), box, strict=True):
        page.get_by_label(name, exact=True).fill(str(value))
        page.get_by_label(name, exact=True).blur()
        settle(page)


def search(page: Page) -> None:
    page.get_by_role("button", name=re.compile("Find similar patients")).click()
    expect(page.get_by_role("heading", name="What similar patients had")).to_be_visible()
    settle(page)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    before = edges(page)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    eventually(page, lambda: edges(page) != before)
    settle(page)


def draw(page: Page, size: tuple[float, float]) -> None:
    """Drag a box of a size in screen pixels, from the film's upper left part."""
    film = page.locator(".st-key-lightbox .cl-stage").bounding_box()
    assert film is not None
    start = film["x"] + film["width"] * 0.3, film["y"] + film["height"] * 0.4
    drag(page, start, (start[0] + size[0], start[1] + size[1]))


def eventually(page: Page, holds: Callable[[], bool]) -> None:
    """Waits for what a busy machine shows later."""
    limit = time.monotonic() + WAIT_MS / 1000
    while not holds():
        assert time.monotonic() < limit, "it never came"
        page.wait_for_timeout(100)


def box_on_screen(page: Page) -> list[list[float]]:
    """Every drawn box as right, bottom, left, top in screen pixels."""
    boxes: list[list[float]] = page.locator(".st-key-lightbox .cl-marked-box").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(r => [r.right, r.bottom, r.left, r.top])"
    )
    return boxes


def scrolls_sideways(page: Page) -> bool:
    return bool(
        page.evaluate(
            "[document.documentElement, document.querySelector('[data-testid=stMain]')]"
            ".some(e => e.scrollWidth > window.innerWidth)"
        )
    )


def open_history(page: Page, rank: int) -> None:
    page.locator(f".st-key-case_{rank}").get_by_role("button", name="Open history").click()
    expect(page.get_by_role("heading", name=f"History of patient {rank}")).to_be_visible()
    settle(page)


def compare(page: Page) -> None:
    page.get_by_role("button", name="Compare the nearest side by side").click()
    expect(page.locator(".cl-stage")).to_have_count(5)
    settle(page)


def planes(page: Page) -> list[str]:
    """How each film in a viewer is placed on the screen."""
    found: list[str] = page.locator(".cl-plane").evaluate_all("all => all.map(e => e.style.transform)")
    return found


def listen(page: Page) -> None:
    """Count from now on what the browser tells the page's server; each rerun of the script begins so."""
    page.evaluate(
        "() => { const send = WebSocket.prototype.send; window.caselinkSent = 0;"
        "WebSocket.prototype.send = function (...given) {"
        "window.caselinkSent += 1; return send.apply(this, given); }; }"
    )


def told(page: Page) -> int:
    """Messages to the server since `listen`."""
    return int(page.evaluate("window.caselinkSent"))
