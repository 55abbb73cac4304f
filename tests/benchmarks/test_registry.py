"""Every bench of the folder can be found, explains itself, and is run by the command."""

import ast
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app

FOLDER = Path(__file__).parents[2] / "benchmarks"


def has_main(path: Path) -> bool:
    """Whether a module can be run as a bench, told from its text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


MODULES = {path.stem: f"benchmarks.{path.stem}" for path in FOLDER.glob("*.py") if has_main(path)}
MODULES |= {
    path.name: f"benchmarks.{path.name}.__main__" for path in FOLDER.iterdir() if (path / "__main__.py").is_file()
}
BENCHES = sorted(MODULES)


def test_command_lists_every_bench_and_nothing_else() -> None:
    done = CliRunner().invoke(app, ["bench"])
    assert done.exit_code == 0
    assert done.stdout.split() == BENCHES
    assert {"ann", "ingest", "query", "results", "runtime"} <= set(BENCHES)


@pytest.mark.parametrize("name", BENCHES)
def test_bench_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(MODULES[name])
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    assert module.__doc__ is not None
    assert " ".join(module.__doc__.split()[:4]) in " ".join(capsys.readouterr().out.split())


def test_unknown_bench_is_refused_with_those_there_are() -> None:
    done = CliRunner().invoke(app, ["bench", "querry"])
    assert "'querry'; choose" in str(done.exception)


def test_command_hands_on_what_follows_the_name(capfd: pytest.CaptureFixture[str]) -> None:
    done = CliRunner().invoke(app, ["bench", "query", "--films", "many"])
    assert done.exit_code == 2
    assert "invalid int value: 'many'" in capfd.readouterr().err
