"""What does a filter cost? `caselink bench filters --archive DIR [--n 1000000] [--queries 300] [--json FILE]`.

An archive of so many films is written, with vectors drawn after those of a real archive (see `caselink bench ann`) and
invented patients; then single queries go the whole way of a search, filter to vote, without a filter and with filters
that leave less and less. Each round asks every filter once, so that what else the machine does falls on all alike.

Recall: of the ten nearest films that pass, against comparing all of them. ratio: median time with the filter's films
kept from an earlier query, over that without a filter. first: what the first use of a filter takes beyond that.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks._archive import fill_archive
from benchmarks.ann.data import BASE, PATIENTS, QUERIES, make
from benchmarks.ann.store import machine
from engine.embeddings import Vectors
from indexer.allowed import AllowedByFilter
from indexer.archive import Snapshot, open_snapshot
from indexer.nearest import Nearest
from indexer.search import similar_patients

N, ASKED, FIRSTS, K = 1_000_000, 300, 5, 10
RECALL = 0.99
FILTERS: tuple[str | None, ...] = (
    None,
    "sex = 'F'",
    "sex = 'F' and view = 'frontal'",
    "age between 10 and 18",
    "age between 10 and 18 and sex = 'F'",
    "age = 40",
    "age = 40 and sex = 'F'",
    "age = 40 and sex = 'F' and taken between '2012-01-01' and '2014-09-25'",
    "age = 40 and sex = 'F' and taken between '2012-01-01' and '2012-07-25'",
    "age = 40 and sex = 'F' and taken between '2012-01-01' and '2012-04-05'",
)
"""From all films down to about one in ten thousand."""
WANTED_FIRST_MS = 15.0


def wanted(share: float) -> float:
    """The ratio that the median time of a filter may reach."""
    return 2.0 if share >= 0.1 else 5.0


def ask(snapshot: Snapshot, queries: Vectors, where: str | None) -> Nearest:
    """The whole way of a search."""
    return similar_patients(snapshot, snapshot.manifest.card, queries, K, where)[0]


def timed(snapshot: Snapshot, query: Vectors, where: str | None) -> float:
    """Seconds of one query (1, d)."""
    began = time.perf_counter()
    ask(snapshot, query, where)
    return time.perf_counter() - began


def recall(snapshot: Snapshot, vectors: Vectors, queries: Vectors, where: str | None) -> tuple[float, float]:
    """Recall of the K nearest films, and the share of films that the filter leaves. vectors: of the films, in order."""
    ask(snapshot, queries[:1], where)
    allowed = snapshot.allowed.get((where, False, False), _nothing)
    rows = np.flatnonzero(allowed.rows)
    k = min(K, len(rows))
    near, _ = faiss.knn(queries, np.ascontiguousarray(vectors[rows]), k, metric=faiss.METRIC_INNER_PRODUCT)
    met = ask(snapshot, queries, where).among
    found = [np.mean(one.near[:k] >= last - 1e-6) for one, last in zip(met, near[:, -1], strict=True)]
    return float(np.mean(found)), len(rows) / len(vectors)


def _nothing() -> Any:
    raise AssertionError("the filter was asked just before")


def measure(snapshot: Snapshot, vectors: Vectors, queries: Vectors) -> list[dict[str, Any]]:
    """A row for each filter, raw times in seconds with it."""
    rows: list[dict[str, Any]] = []
    for where in FILTERS:
        found, share = recall(snapshot, vectors, queries, where)
        way = snapshot.index.way(K, snapshot.allowed.get((where, False, False), _nothing).ids)
        rows.append({"where": where, "share": share, "recall": found, "way": way, "times": [], "first": []})
    for number in range(len(queries)):
        for row in rows:
            row["times"].append(timed(snapshot, queries[number : number + 1], row["where"]))
    for number in range(FIRSTS):
        for row in rows[1:]:
            fresh = replace(snapshot, allowed=AllowedByFilter())
            row["first"].append(timed(fresh, queries[number : number + 1], row["where"]))
    return rows


def judged(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same with medians, ratios and whether each is as wanted."""
    bare = float(np.median(rows[0]["times"]))
    found = []
    for row in rows:
        p50 = float(np.median(row["times"]))
        first = 1e3 * (float(np.median(row["first"])) - p50) if row["first"] else None
        holds = row["recall"] >= RECALL and p50 / bare <= wanted(row["share"])
        holds = holds and (first is None or first < WANTED_FIRST_MS)
        found.append(row | {"p50_ms": 1e3 * p50, "ratio": p50 / bare, "first_ms": first, "holds": holds})
    return found


def run(archive: Path, n: int, asked: int, index: str, seed: int = 0) -> dict[str, Any]:
    """Everything, as it is stored."""
    with tempfile.TemporaryDirectory(prefix="caselink-filters-") as place:
        folder = Path(place)
        make(archive, n, asked, K, folder, seed)
        base, queries = np.load(folder / BASE, mmap_mode="r"), np.load(folder / QUERIES)
        order = fill_archive(folder / "archive", base, np.load(folder / PATIENTS), index, seed, treated=0.0)
        snapshot = open_snapshot(folder / "archive")
        reached = snapshot.index.tune(RECALL)
        rows = judged(measure(snapshot, base[order], queries))
        snapshot.close()
    facts = {"machine": machine(), "n": n, "queries": asked, "index": index, "tuned_recall": reached}
    return facts | {"rows": rows, "holds": all(row["holds"] for row in rows)}


def _table(found: dict[str, Any]) -> Table:
    table = Table(title=f"filters over {found['n']:,} films, {found['index']}")
    for head in ("filter", "films", "recall@10", "p50 ms", "ratio", "first use, ms more", "holds"):
        table.add_column(head)
    for row in found["rows"]:
        first = "" if row["first_ms"] is None else f"{row['first_ms']:.1f}"
        figures = f"{100 * row['share']:.3f} %", f"{row['recall']:.4f}", f"{row['p50_ms']:.2f}", f"{row['ratio']:.2f}"
        table.add_row(row["where"] or "none", *figures, first, "yes" if row["holds"] else "no")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench filters`; ends with 1 where a filter costs too much or finds too few."""
    parser = argparse.ArgumentParser(prog="caselink bench filters", description=__doc__)
    parser.add_argument(
        "--archive", type=Path, required=True, help="made by `caselink index`; films are drawn after it"
    )
    parser.add_argument("--n", type=int, default=N, help="films")
    parser.add_argument("--queries", type=int, default=ASKED)
    parser.add_argument("--index", default="compact", help="of the registry")
    parser.add_argument("--json", type=Path, help="write the raw figures here too")
    options = parser.parse_args(arguments)
    found = run(options.archive, options.n, options.queries, options.index)
    Console(width=150).print(_table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(0 if found["holds"] else 1)


if __name__ == "__main__":
    main()
