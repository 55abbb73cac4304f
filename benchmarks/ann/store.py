"""What was measured, kept in one JSON file that a later run goes on with."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ann.data import Data
from benchmarks.ann.ratios import ratios
from engine.encoders.runtime import usable_cores
from engine.errors import ArchiveError
from indexer.durable import write_durably

FIGURES = ("batch_qps", "single_qps", "p50_ms", "p99_ms", "load")
Row = dict[str, Any]


def machine() -> dict[str, Any]:
    """What a figure in seconds hangs on."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.is_file() else []
    cpu = names[0].split(":", 1)[1].strip() if names else platform.processor()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    facts = {"cpu": cpu, "cores": usable_cores(), "memory_gib": round(memory / 2**30, 1)}
    return facts | {"system": platform.system(), "python": platform.python_version()}


def key(data: Data) -> str:
    """The name of data in the file."""
    return f"{data.name} {data.n}"


class Store:
    """Rows, one for each data, engine, variant and setting; `save` writes them, their medians and ratios.

    path: None = nothing is kept. threads, rounds: what a stored run must agree in, as in the machine.

    Raises:
        ArchiveError: a file of another machine, or of other options.
    """

    def __init__(self, path: Path | None, threads: int, rounds: int) -> None:
        self.path, self.rounds = path, rounds
        self.facts: dict[str, Any] = {"machine": machine(), "threads": threads, "rounds": rounds}
        self.document: dict[str, Any] = self.facts | {"data": {}, "rows": [], "failures": []}
        if path is not None and path.is_file():
            stored = json.loads(path.read_text(encoding="utf-8"))
            self._agree({name: stored.get(name) for name in self.facts}, self.facts)
            self.document = stored

    def _agree(self, stored: dict[str, Any], asked: dict[str, Any]) -> None:
        for name, value in asked.items():
            if stored.get(name) != value:
                raise ArchiveError(
                    f"{self.path} was measured with {name} {stored.get(name)}, not {value}; name another file by --json"
                )

    @property
    def rows(self) -> list[Row]:
        """Every row, in the order of their making."""
        rows: list[Row] = self.document["rows"]
        return rows

    def begin(self, data: Data) -> None:
        """Make room for rows of data.

        Raises:
            ArchiveError: rows are there of other data under the same name.
        """
        stored = self.document["data"].get(key(data))
        if stored is not None:
            self._agree(stored["facts"], data.facts)
        self.document["data"][key(data)] = {"facts": data.facts, "alike": data.alike}
        self.document["failures"] = [one for one in self.document["failures"] if not _of(one, data)]

    def done(self, data: Data, engine: str, variant: str, version: str) -> bool:
        """Whether all rounds of a variant are there, by this version of its library."""
        rows = [row for row in self.rows if _of(row, data, engine, variant)]
        return bool(rows) and all(row["version"] == version and len(row["rounds"]) == self.rounds for row in rows)

    def replace(self, data: Data, engine: str, variant: str, rows: Sequence[Row]) -> None:
        """Hold these instead of a variant's rows, in their place, or else at the end."""
        old = [number for number, row in enumerate(self.rows) if _of(row, data, engine, variant)]
        at = old[0] if old else len(self.rows)
        after = [row for row in self.rows[at:] if not _of(row, data, engine, variant)]
        self.document["rows"] = [*self.rows[:at], *rows, *after]

    def fail(self, data: Data, engine: str, variant: str, why: str) -> None:
        """Note what could not be measured."""
        failure = {"data": data.name, "n": data.n, "engine": engine, "variant": variant, "why": why}
        self.document["failures"].append(failure)

    def save(self) -> None:
        """Write the file, whole."""
        for row in self.rows:
            row |= {name: float(np.median([one[name] for one in row["rounds"]])) for name in FIGURES if row["rounds"]}
        each = {name: ratios(self.of(name)) for name in self.document["data"]}
        largest = max(each, key=lambda name: (name.startswith("drawn"), int(name.split()[-1])), default=None)
        self.document |= {"ratios": each.get(largest or ""), "ratios_of": largest, "ratios_by_data": each}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self.path, (json.dumps(self.document, indent=1) + "\n").encode())

    def of(self, name: str) -> list[Row]:
        """Rows of data by its `key` of which every round was measured."""
        full = [row for row in self.rows if len(row["rounds"]) == self.rounds]
        return [row for row in full if f"{row['data']} {row['n']}" == name]


def _of(row: Row, data: Data, engine: str | None = None, variant: str | None = None) -> bool:
    return (
        (row["data"], row["n"]) == (data.name, data.n)
        and engine in (None, row["engine"])
        and variant in (None, row["variant"])
    )
