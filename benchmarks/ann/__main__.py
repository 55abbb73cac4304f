"""How fast are nearest-neighbour libraries on films? `caselink bench ann --archive DIR [--n N] [--json FILE]`.

Without --n the vectors are an archive's own, asked by a fifth of its patients; with it they are drawn after the
archive's, asked by further patients. All are scaled to length 1. The truth is FAISS `IndexFlatIP`'s; recall is of the
10 nearest. Each engine has a process of its own and as many threads as all others; each round asks every setting of
every engine that stands beside it, and figures are medians of rounds. --json keeps the rows, and a run goes on where it
stopped; a table (.md) and curves (.png, .svg) are written beside it.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.ann.data import make
from benchmarks.ann.harness import Plan, chosen, run, words
from benchmarks.ann.report import draw, markdown
from benchmarks.ann.store import Store, key
from engine.encoders.runtime import usable_cores
from engine.errors import CaselinkError

K, QUERIES, ROUNDS = 10, 1000, 3


def parser() -> argparse.ArgumentParser:
    """Every option."""
    made = argparse.ArgumentParser(prog="caselink bench ann", description=__doc__)
    made.add_argument("--archive", type=Path, help="made by `caselink index`; vectors are its own or drawn after them")
    made.add_argument("--n", type=int, help="draw so many; without it, the archive's own")
    made.add_argument("--engines", help="names and kinds (own, library, system, hash table) with commas; else all")
    made.add_argument("--variants", help="names with commas, of engines that have any of them; else all")
    made.add_argument("--threads", type=int, default=usable_cores(), help="for each engine")
    made.add_argument("--queries", type=int, default=QUERIES)
    made.add_argument("--rounds", type=int, default=ROUNDS)
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--together", type=int, help="engines that take turns; else as many as fit in memory")
    made.add_argument("--patience", type=float, default=3600, help="seconds that one answer of an engine may take")
    made.add_argument("--json", type=Path, help="keep the figures here, and go on with what is there")
    return made


def measure(options: argparse.Namespace) -> None:
    """Make the data, measure, and show what was found.

    Raises:
        CaselinkError: no archive, an unknown engine, a file of another run.
    """
    plan = Plan(chosen(options.engines), options.threads, options.patience, options.together, words(options.variants))
    store = Store(options.json, options.threads, options.rounds)
    with tempfile.TemporaryDirectory(prefix="caselink-ann-") as folder:
        data = make(options.archive, options.n, options.queries, K, Path(folder), options.seed)
        run(data, plan, store, Console(stderr=True, markup=False).log)
    console, rows = Console(width=150), store.of(key(data))
    page = markdown(store, key(data))
    console.print(page, markup=False, soft_wrap=True)
    if options.json:
        stem = options.json.with_name(f"{options.json.stem}-{key(data).replace(' ', '-')}")
        stem.with_name(f"{stem.name}.md").write_text(page, encoding="utf-8")
        if rows:
            draw(
                rows,
                f"{data.n:,} vectors, {data.name}",
                [stem.with_name(f"{stem.name}.{kind}") for kind in ("png", "svg")],
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench ann`."""
    options = parser().parse_args(arguments)
    try:
        measure(options)
    except CaselinkError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
