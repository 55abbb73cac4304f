"""What do indexes cost as an archive grows? `caselink bench growth --archive DIR [--sizes N,N,..] [--json FILE]`.

For each size, vectors drawn after those of an archive are generated block by block into a file, which indexes read
where it lies. Each index is built in a process of its own, tuned to recall@10 of 0.95 on vectors that it holds, and
saved; another process opens it and asks single queries and batches of 64, whose recall is judged against comparing all.
--json keeps the figures, and a run goes on with what is there.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.ann.data import BASE, KTH, QUERIES, make, recall
from benchmarks.ann.store import machine
from benchmarks.ann.worker import on_disk
from engine.encoders.runtime import usable_cores
from engine.errors import ArchiveError
from indexer.durable import write_durably
from indexer.indexes import INDEXES

SIZES = (10_000, 100_000, 1_000_000)
KINDS = ("exact", "lsh", "hnsw", "compact")
ASKED, K, BATCH, RECALL = 500, 10, 64, 0.95
PATIENT_BYTES = 4
"""A film's patient, beside its index."""
LONGEST_S = 20.0
"""Single queries are asked for so long, and no longer."""
Row = dict[str, Any]


def resident() -> int:
    """Bytes of this process's own memory; what is mapped from files is not among them."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("RssAnon")).split()[1])


def build(kind: str, folder: Path, into: Path) -> Row:
    """Build, tune and save an index over the folder's vectors."""
    vectors = np.load(folder / BASE, mmap_mode="r")
    began = time.perf_counter()
    index = INDEXES[kind](vectors.shape[1])
    index.build(vectors, np.arange(len(vectors), dtype=np.int64))
    built = time.perf_counter()
    reached = index.tune(RECALL)
    tuned = time.perf_counter()
    index.save(into)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = {"build_s": built - began, "tune_s": tuned - built, "save_s": time.perf_counter() - tuned}
    return times | {"tuned_recall": reached, "disk_bytes": on_disk(into), "peak_bytes": peak * _unit()}


def ask(kind: str, folder: Path, of: Path) -> Row:
    """Open a saved index and ask it."""
    queries, base = np.load(folder / QUERIES), np.load(folder / BASE, mmap_mode="r")
    before = resident()
    began = time.perf_counter()
    index = INDEXES[kind].load(of, base.shape[1])
    opened = time.perf_counter() - began
    index.search(queries[:1], K)
    held = resident() - before
    batches = [queries[start : start + BATCH] for start in range(0, len(queries), BATCH)]
    found = np.concatenate([index.search(batch, K)[0] for batch in batches])
    began = time.perf_counter()
    for batch in batches:
        index.search(batch, K)
    batch_s = time.perf_counter() - began
    times: list[float] = []
    while len(times) < len(queries) and sum(times) < LONGEST_S:
        number = len(times)
        began = time.perf_counter()
        index.search(queries[number : number + 1], K)
        times.append(time.perf_counter() - began)
    p50, p99 = (1e3 * float(np.percentile(times, share)) for share in (50, 99))
    return {
        "recall": recall(base, queries, np.load(folder / KTH), found),
        "open_s": opened,
        "resident_bytes": index.resident(),
        "process_bytes": held,
        "p50_ms": p50,
        "p99_ms": p99,
        "batch_qps": len(queries) / batch_s,
        "way": index.way(K),
        "singles": len(times),
    }


def _unit() -> int:
    """Bytes of what the system counts memory in."""
    return 1 if sys.platform == "darwin" else 1024


def alone(work: Callable[..., Row], *given: Any) -> Row:
    """Done in a process that ends with it, so that memory is its own.

    Raises:
        ArchiveError: it ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answering, args=(there, work, *given))
    process.start()
    there.close()
    try:
        found: Row = here.recv()
    except EOFError:
        process.join()
        raise ArchiveError(f"{given[0]} ended with {process.exitcode}; is there memory enough?") from None
    process.join()
    return found


def _answering(pipe: Any, work: Callable[..., Row], *given: Any) -> None:
    faiss.omp_set_num_threads(usable_cores())
    pipe.send(work(*given))


def per_film(row: Row) -> float:
    """Bytes in memory of one film: codes, ids and whose it is."""
    return float(row["resident_bytes"]) / int(row["n"]) + PATIENT_BYTES


def fitted(rows: Sequence[Row], name: str) -> tuple[float, float]:
    """The law c n^e of a figure, by least squares of its logarithm: c and e. rows: of two sizes or more."""
    sizes, values = np.log([row["n"] for row in rows]), np.log([row[name] for row in rows])
    exponent, constant = np.polyfit(sizes, values, 1)
    return float(np.exp(constant)), float(exponent)


def run(archive: Path, sizes: Sequence[int], kinds: Sequence[str], path: Path | None, seed: int = 0) -> Row:
    """Every size with every index that is not stored yet.

    Raises:
        ArchiveError: a file of another machine.
    """
    found: Row = {"machine": machine(), "seed": seed, "queries": ASKED, "wanted_recall": RECALL, "rows": []}
    if path is not None and path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["machine"] != found["machine"]:
            raise ArchiveError(f"{path} was measured on another machine ({stored['machine']}); name another file")
        found = stored
    for n in sizes:
        left = [kind for kind in kinds if (n, kind) not in {(row["n"], row["index"]) for row in found["rows"]}]
        if left:
            _size(archive, n, left, found, path, seed)
    return found


def _size(archive: Path, n: int, kinds: Sequence[str], found: Row, path: Path | None, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="caselink-growth-") as place:
        folder = Path(place)
        make(archive, n, ASKED, K, folder, seed)
        for kind in kinds:
            with tempfile.TemporaryDirectory(prefix="index-", dir=folder) as into:
                built = alone(build, kind, folder, Path(into))
                asked = alone(ask, kind, folder, Path(into))
            found["rows"].append({"n": n, "index": kind} | built | asked)
            if path is not None:
                write_durably(path, (json.dumps(found, indent=1) + "\n").encode())


def _table(found: Row) -> Table:
    table = Table(title="indexes as an archive grows")
    sizes = ("films", "index", "recall@10", "build s", "bytes a film", "disk MB")
    for head in (*sizes, "open s", "p50 ms", "p99 ms", "by 64, a second"):
        table.add_column(head, justify="right")
    for row in found["rows"]:
        room = f"{per_film(row):.0f}", f"{row['disk_bytes'] / 1e6:.0f}", f"{row['open_s']:.2f}"
        times = f"{row['p50_ms']:.2f}", f"{row['p99_ms']:.2f}", f"{row['batch_qps']:.0f}"
        table.add_row(f"{row['n']:,}", row["index"], f"{row['recall']:.3f}", f"{row['build_s']:.1f}", *room, *times)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry of `caselink bench growth`."""
    parser = argparse.ArgumentParser(prog="caselink bench growth", description=__doc__)
    parser.add_argument("--archive", type=Path, required=True, help="films are drawn after those of this one")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="films, with commas")
    parser.add_argument("--indexes", default=",".join(KINDS), help="of the registry, with commas")
    parser.add_argument("--json", type=Path, help="keep the figures here, and go on with what is there")
    options = parser.parse_args(arguments)
    sizes = [int(size) for size in options.sizes.split(",")]
    Console(width=150).print(_table(run(options.archive, sizes, options.indexes.split(","), options.json)))


if __name__ == "__main__":
    main()
