"""`caselink bench NAME`: run one of the benchmarks of the checkout."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import NotFound

FOLDER = Path(__file__).parents[2] / "benchmarks"


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which; without a name, the list.")] = None,
) -> None:
    """Run a benchmark; what follows its name is handed to it (try `caselink bench NAME --help`).

    It runs in the checkout, from which it takes relative paths.
    """
    modules = [path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_")]
    names = sorted([*modules, *(path.parent.name for path in FOLDER.glob("*/__main__.py"))])
    if not names:
        raise NotFound("the benchmarks are not part of this installation; run from a checkout of caselink")
    if name is None:
        print("\n".join(names))
        return
    if name not in names:
        raise NotFound(f"there is no benchmark {name!r}; choose {', '.join(names)}")
    command = [sys.executable, "-m", f"benchmarks.{name}", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=FOLDER.parent, check=False).returncode)
