"""The evaluation page in a real browser, over runs of this project and one of the SYNTHETIC archive."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from api.cli import screens
from tests.ui.browsing import DESK, PHONE, Server, page_of, scrolls_sideways, settle
from tests.ui.test_browser import CONTRAST
from tests.ui.test_pages import go

Open = Callable[..., Page]
DOCS = Path(__file__).parents[2] / "docs" / "runs"


@pytest.fixture(scope="module")
def runs(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: two of this project that were not paired, and two of the SYNTHETIC archive, newest."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("btxrd-mask", "btxrd-whole", "validate-default-folds", "cut"):
        shutil.copy(DOCS / f"{name}.json", folder)
        os.utime(folder / f"{name}.json", (1e9, 1e9))
    (folder / "odd.json").write_text('{"manifest": {}, "groups": {"all": {"n_films": 1, "n_patients": 1}}}')
    os.utime(folder / "odd.json", (1e9, 1e9))
    screens.evaluated(archive, folder)
    return folder


@pytest.fixture(scope="module")
def with_runs(archive: Path, runs: Path, free_port: Callable[[], int]) -> Iterator[tuple[str, Server]]:
    server = Server(archive, runs / "api.log", runs)
    server.start()
    with page_of(server.url, free_port()) as url:
        yield url, server
    server.stop()


def choose(page: Page, label: str, name: str) -> None:
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=name, exact=True).click()
    settle(page)


def rows(page: Page, name: str) -> list[str]:
    return [text.replace("\xa0", " ") for text in page.get_by_role("region", name=name).locator("tr").all_inner_texts()]


def test_a_run_with_all_that_it_stores(visit: Open, with_runs: tuple[str, Server], runs: Path) -> None:
    page = visit(DESK, url=with_runs[0])
    go(page, "Evaluations")
    choose(page, "Run", "all-ages")
    stored = json.loads((runs / "all-ages.json").read_text(encoding="utf-8"))["groups"]["all"]
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(6)
    expect(page.locator(".cl-unseen").first).to_contain_text("P@k. all-ages: k = 1:")
    first = rows(page, "Neighbours and votes")[1].split("\t")
    assert first[:2] == ["P@k", "all-ages"]
    assert first[2].startswith(f"{100 * stored['precision']['1']['value']:.1f} (")
    cells = page.locator(".cl-matrix tbody td").all_inner_texts()
    assert sum(map(int, cells)) == stored["n_films"]
    entity = rows(page, "recall by entity")
    assert len(entity) == len(stored["per_entity"]) + 1 and all("(" in row for row in entity[1:])
    assert any(row.startswith("female\t") for row in rows(page, "By sex"))
    expect(page.get_by_text("stores no")).to_have_count(1)  # so few patients are too few to calibrate on
    expect(page.get_by_text("all-ages stores no prediction sets here")).to_be_visible()
    assert page.evaluate(CONTRAST) == []


def test_two_runs_side_by_side(visit: Open, with_runs: tuple[str, Server]) -> None:
    page = visit(DESK, url=with_runs[0])
    go(page, "Evaluations")
    choose(page, "Run", "btxrd-mask")
    choose(page, "Beside it", "btxrd-whole")
    one, other = (json.loads((DOCS / f"{name}.json").read_text())["groups"] for name in ("btxrd-mask", "btxrd-whole"))
    between = [100 * (each["all"]["precision"]["1"]["value"]) for each in (other, one)]
    sign = "+" if between[0] > between[1] else "−"
    assert rows(page, "Difference")[1].split("\t")[1] == f"{sign}{abs(between[0] - between[1]):.1f}"
    expect(page.get_by_text("Neither run was paired with the other")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(8)
    for name, run in (("btxrd-mask", one), ("btxrd-whole", other)):
        cells = page.get_by_role("region", name=f"confusion matrix, {name}").locator("tbody td").all_inner_texts()
        assert sum(map(int, cells)) == run["all"]["n_films"]
    assert [row.split("\t")[0] for row in rows(page, "By centre")].count("1") == 2
    choose(page, "Films", "centre = 1")
    first = rows(page, "Neighbours and votes")[1].split("\t")
    assert first[2].startswith(f"{100 * one['centre=1']['precision']['1']['value']:.1f}")
    choose(page, "Beside it", "adults")
    expect(page.get_by_text("did not ask the same films in the same way")).to_be_visible()
    expect(page.get_by_role("combobox", name="Films")).to_have_count(0)


def test_a_recipe_stands_beside_its_floor(visit: Open, with_runs: tuple[str, Server]) -> None:
    page = visit(DESK, url=with_runs[0])
    go(page, "Evaluations")
    choose(page, "Run", "validate-default-folds")
    expect(page.get_by_text("untrained encoder").first).to_be_visible()
    expect(page.get_by_role("heading", name="Paired differences of validate-default-folds")).to_be_visible()
    assert any(" to " in row for row in rows(page, "Paired differences of validate-default-folds"))


def test_a_run_that_stores_next_to_nothing(visit: Open, with_runs: tuple[str, Server]) -> None:
    page = visit(DESK, url=with_runs[0])
    go(page, "Evaluations")
    choose(page, "Run", "odd")
    expect(page.get_by_text("This run stores no P@k; store one with")).to_be_visible()
    expect(page.get_by_text("odd stores no reliability diagram here")).to_be_visible()
    expect(page.get_by_text("odd stores no confusion matrix here; a new run of")).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(0)
    choose(page, "Beside it", "btxrd-mask")
    expect(page.get_by_text("have no figure of these films in common")).to_be_visible()


def test_a_phone_in_german(visit: Open, with_runs: tuple[str, Server]) -> None:
    page = visit(PHONE, locale="de-DE", url=with_runs[0])
    go(page, "Auswertungen")
    choose(page, "Auswertung", "adults")
    choose(page, "Daneben", "all-ages")
    expect(page.get_by_role("heading", name="Verwechslungsmatrix")).to_be_visible()
    page.get_by_text("Dunkelraum").first.click()
    settle(page)
    assert not scrolls_sideways(page)
    assert "," in rows(page, "Nachbarn und Stimmen")[1]


def test_the_page_outlives_the_api(visit: Open, with_runs: tuple[str, Server]) -> None:
    url, server = with_runs
    page = visit(DESK, url=url)
    go(page, "Evaluations")
    server.stop()
    try:
        choose(page, "Run", "btxrd-mask")
        expect(page.get_by_role("alert").filter(has_text="The archive cannot be reached")).to_be_visible()
    finally:
        server.start()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Neighbours and votes")).to_be_visible()
