"""A browser with a stopwatch: times are taken in the page itself, from what the visitor does to what is painted."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Page = Any
"""A page of Playwright, which is not there in every installation."""
LIMIT_MS = 60_000
AT_REST = "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
PICTURES = "[...document.querySelectorAll('[data-testid=stMain] img[src]')].every(i => i.complete && i.naturalWidth)"
HEADING = "document.querySelector('[data-testid=stMain] h1')?.textContent"
_ARM = """event => {
  window.caselinkBegan = new Promise(begin => addEventListener(
    event, () => begin(performance.now()), {capture: true, once: true}));
}"""
_WATCH = """async tests => {
  const began = await window.caselinkBegan, seen = {}, painted = {}, names = Object.keys(tests);
  const holds = Object.fromEntries(names.map(name => [name, new Function(`return ${tests[name]}`)]));
  return new Promise(done => {
    const step = () => {
      const now = performance.now();
      for (const name of names) {
        if (name in seen) painted[name] ??= now - began;
        else if (holds[name]()) seen[name] = true;
      }
      if (names.every(name => name in painted)) done(painted); else requestAnimationFrame(step);
    };
    step();
  });
}"""


def timed(page: Page, event: str, act: Callable[[], None], until: Mapping[str, str]) -> dict[str, float]:
    """Milliseconds from an event that `act` makes in the page to the first frame painted after each condition held.

    event: such as click or change. until: JavaScript expressions by name.
    """
    page.evaluate(_ARM, event)
    act()
    found: dict[str, float] = page.evaluate(_WATCH, dict(until))
    return found


def upload(page: Page, film: Path, until: Mapping[str, str]) -> dict[str, float]:
    """`timed` from the moment in which a file was chosen."""
    return timed(page, "change", lambda: page.set_input_files("input[type=file]", str(film)), until)


def turn(page: Page, click: Callable[[], None]) -> float:
    """Milliseconds from a click to another page: its heading stands, its pictures too, and the script has ended."""
    before = page.evaluate(HEADING)
    until = {"page": f"{HEADING} && {HEADING} !== {json.dumps(before)} && {AT_REST} && {PICTURES}"}
    return timed(page, "click", click, until)["page"]


def at_rest(page: Page) -> None:
    """Wait until the script has ended and every picture is there."""
    page.wait_for_timeout(100)
    page.wait_for_function(f"{AT_REST} && {PICTURES}", timeout=LIMIT_MS)
    page.wait_for_timeout(200)
