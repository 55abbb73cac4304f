"""Documents that cannot drift: figures come from stored runs, commands and pictures exist."""

import re
from pathlib import Path

import typer

from api.cli import app
from benchmarks import results

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_results_page_is_what_the_stored_runs_say() -> None:
    assert results.PAGE.read_text(encoding="utf-8") == results.render()


def test_every_command_that_documents_show_exists() -> None:
    commands = typer.main.get_command(app).commands
    shown = {
        (path.name, words[1], words[2], tuple(word for word in words if word.startswith("--")))
        for path in DOCS
        for line in re.findall(r"^caselink .*$", path.read_text(encoding="utf-8"), re.M)
        for words in [[*line.partition("#")[0].split(), ""]]
    }
    assert {"index", "report", "query", "evaluate", "serve"} <= {command for _, command, *_ in shown}
    for name, command, below, options in shown:
        said = commands[command]
        said = said.commands[below] if isinstance(said, typer.core.TyperGroup) else said
        known = {option for parameter in said.params for option in parameter.opts}
        if command != "bench":  # hands its options on
            assert set(options) <= known, f"{name}: caselink {command} has no {set(options) - known}"


def test_every_make_target_that_documents_show_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    shown = {target for path in DOCS for target in re.findall(r"\bmake ([a-z-]+)", path.read_text(encoding="utf-8"))}
    assert {"demo", "test", "env"} <= shown <= targets


def test_links_and_pictures_exist() -> None:
    for path in DOCS:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.name} points to {link}"


def test_readme_holds_no_figure_of_its_own() -> None:
    assert not re.search(r"\d\s?%|P@\d|\d+ (ms|films/s)", README)
