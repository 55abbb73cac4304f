"""One engine in a process of its own: `python -m benchmarks.ann.worker`, asked in JSON, a line at a time.

The first line says what to build; each further one names a setting to measure, or asks to save. What a library prints
goes to the error stream, and answers to what was the output when the process began.
"""

import ctypes
import gc
import itertools
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.ann.data import BASE, KTH, PATIENTS, QUERIES, recall
from benchmarks.ann.engines import ENGINES, Engine, Options
from engine.embeddings import Vectors

BATCH = 64
LEAST, MOST = 0.3, 3.0
"""Seconds that a round of one setting takes at least, so that one pause of the machine is not all of it; and from which
on it ends where all queries have not been asked by then."""
FEW = 20
"""Single queries asked in any case."""


def resident() -> int | None:
    """Bytes of memory that this process holds, after what was freed has gone back; None where that is not told."""
    gc.collect()
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def on_disk(folder: Path) -> int:
    """Bytes of every file under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class Worker:
    """An engine with what it is asked. job: engine, variant, data (a folder), scratch (an empty one), threads, k."""

    def __init__(self, job: dict[str, Any]) -> None:
        kind = ENGINES[job["engine"]]
        why = kind.installed()
        if why is not None:
            raise SystemExit(why)
        self.data, self.scratch, self.k = Path(job["data"]), Path(job["scratch"]), int(job["k"])
        self.engine: Engine = kind(dict(kind.variants[job["variant"]]), job["threads"], self.scratch)
        self.engine.patients = np.load(self.data / PATIENTS)
        self.queries: Vectors = np.load(self.data / QUERIES)
        self.kth = np.load(self.data / KTH)

    def build(self) -> dict[str, Any]:
        """Seconds, those of the process's own cores, bytes held beyond the libraries', and the settings to ask."""
        before = resident()
        base = np.load(self.data / BASE, mmap_mode="r")
        began, worked = time.perf_counter(), time.process_time()
        self.engine.build(base)
        took, worked = time.perf_counter() - began, time.process_time() - worked
        del base  # its pages are the file's, not the engine's
        after = resident()
        held = None if before is None or after is None else max(0, after - before)
        return {"build_s": took, "build_cpu_s": worked, "resident_bytes": held, "settings": self.engine.settings()}

    def recall(self, setting: Options) -> float:
        """Of all queries, in batches."""
        parts = [self.engine.search(batch, self.k, setting) for batch in self._batches()]
        base = np.load(self.data / BASE, mmap_mode="r")
        return recall(base, self.queries, self.kth, np.concatenate(parts))

    def measure(self, setting: Options) -> dict[str, float]:
        """One round: queries a second in batches of BATCH and one at a time, and the times of the latter in ms."""
        singles = [self.queries[number : number + 1] for number in range(len(self.queries))]
        batches = self._batches()
        self.engine.search(batches[0], self.k, setting)
        many = self._times(batches, setting, 1)
        asked = sum(len(batches[number % len(batches)]) for number in range(len(many)))
        self.engine.search(singles[0], self.k, setting)
        one = self._times(singles, setting, FEW)
        p50, p99 = (1e3 * float(np.percentile(one, share)) for share in (50, 99))
        speeds = {"batch_qps": asked / sum(many), "single_qps": len(one) / sum(one)}
        return speeds | {"p50_ms": p50, "p99_ms": p99, "load": os.getloadavg()[0]}

    def _times(self, parts: list[Vectors], setting: Options, few: int) -> list[float]:
        """Seconds of each part's search: all parts, again and again for LEAST seconds, or as many as MOST allow."""
        took: list[float] = []
        began = time.perf_counter()
        for part in itertools.cycle(parts):
            at = time.perf_counter()
            self.engine.search(part, self.k, setting)
            now = time.perf_counter()
            took.append(now - at)
            whole = len(took) >= len(parts) and now - began >= LEAST
            if whole or (now - began >= MOST and len(took) >= few):
                break
        return took

    def save(self) -> dict[str, Any]:
        """Bytes of the engine's files; None where it has no format of its own."""
        self.engine.save()
        return {"disk_bytes": on_disk(self.scratch) or None}

    def _batches(self) -> list[Vectors]:
        return [self.queries[start : start + BATCH] for start in range(0, len(self.queries), BATCH)]

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What a line is answered with."""
        if asked["do"] == "save":
            return self.save()
        setting = asked["setting"]
        return {"recall": self.recall(setting)} if asked["do"] == "recall" else self.measure(setting)


def _output() -> TextIO:
    """The output as it was; from here on what is printed goes to the error stream."""
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return own


def main() -> None:
    """Answer until there are no more lines."""
    warnings.simplefilter("ignore")  # the libraries' own
    out = _output()
    job = json.loads(sys.stdin.readline())
    if sys.platform == "linux":  # what cannot be told how many threads to use finds no more cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["threads"]])
    worker = Worker(job)
    print(json.dumps(worker.build()), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=out, flush=True)
    worker.engine.close()


if __name__ == "__main__":
    main()
