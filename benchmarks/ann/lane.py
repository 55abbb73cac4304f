"""A worker as its parent sees it: started, asked, waited for, ended."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.ann.data import Data

ROOT = Path(__file__).parents[2]
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"),
    *("TOKIO_WORKER_THREADS", "LANCE_CPU_THREADS", "LANCE_IO_THREADS"),
)
"""What libraries read their number of threads from, beside what they are told."""
TAIL = 400


class LaneEnded(Exception):
    """A worker crashed, or took longer than it was given; says what it last said."""


class Lane:
    """One engine's variant over data, in a process of its own with a folder of its own.

    patience: seconds that any one answer may take.
    """

    def __init__(self, engine: str, variant: str, data: Data, threads: int, patience: float) -> None:
        self.engine, self.variant, self.patience = engine, variant, patience
        self._folder = Path(tempfile.mkdtemp(prefix="caselink-ann-"))
        (self._folder / "index").mkdir()
        with (self._folder / "said").open("w") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ann.worker"], cwd=ROOT, text=True, stderr=said,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | dict.fromkeys(THREADS, str(threads)),
            )  # fmt: skip
        job = {"engine": engine, "variant": variant, "threads": threads, "k": data.k, "data": str(data.folder)}
        self._job = job | {"scratch": str(self._folder / "index")}

    def build(self) -> dict[str, Any]:
        """See `Worker.build`.

        Raises:
            LaneEnded: see there; so do all that follow.
        """
        return self._ask(self._job)

    def recall(self, setting: dict[str, Any]) -> float:
        """See `Worker.recall`."""
        return float(self._ask({"do": "recall", "setting": setting})["recall"])

    def measure(self, setting: dict[str, Any]) -> dict[str, float]:
        """See `Worker.measure`."""
        return self._ask({"do": "measure", "setting": setting})

    def save(self) -> dict[str, Any]:
        """See `Worker.save`."""
        return self._ask({"do": "save"})

    def _ask(self, line: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        late = threading.Timer(self.patience, self._process.kill)
        late.start()
        try:
            print(json.dumps(line), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            waited = not late.is_alive()
            late.cancel()
        if answer:
            return dict(json.loads(answer))
        code = self._process.wait()
        if waited:
            raise LaneEnded(f"no answer within {self.patience:g} s")
        said = (self._folder / "said").read_text(encoding="utf-8", errors="replace").strip()
        raise LaneEnded(f"ended with {code}: {said[-TAIL:]}")

    def close(self) -> None:
        """End the process, however it is, and remove its folder."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # it had ended before it read what it was asked
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
