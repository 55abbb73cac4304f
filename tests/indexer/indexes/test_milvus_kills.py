"""Milvus Lite loses no acknowledged row to a killed process, and its graph's recall once a database is reopened."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.embeddings import Ids, Vectors
from indexer.indexes import ExactIndex, IdSet, MilvusIndex
from indexer.indexes.milvus import unavailable

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
BATCH, WIDTH = 7, 16

# Imports once; forks a writer for each line it is given ("database seed first-id"), which writes until it is killed.
WRITERS = """
import os, sys
import numpy as np
import milvus_lite.server_manager, pymilvus
from indexer.indexes import MilvusIndex
for line in sys.stdin:
    place, seed, first = line.split()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        print("dead", flush=True)
        continue
    index = MilvusIndex(16, place)
    rng, start = np.random.default_rng(int(seed)), int(first)
    while True:
        ids = np.arange(start, start + 7)
        index.add(rng.normal(size=(7, 16)).astype(np.float32), ids, {"taken": ids.tolist()})
        if start % 5 == 0:
            index.remove(ids[:1])
        print(os.getpid(), start, flush=True)
        start += 7
"""


@pytest.fixture
def writers() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", WRITERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def killed(writers: subprocess.Popen[str], place: Path, seed: int, first: int, batches: int) -> list[int]:
    """First ids of the batches that a writer acknowledged until it was killed in the midst of another."""
    assert writers.stdin is not None and writers.stdout is not None
    writers.stdin.write(f"{place} {seed} {first}\n")
    writers.stdin.flush()
    starts: list[int] = []
    while (line := writers.stdout.readline().strip()) != "dead":
        pid, start = map(int, line.split())
        starts.append(start)
        if len(starts) == batches:
            os.kill(pid, signal.SIGKILL)
    return starts


def drawn(seed: int, batches: int) -> Vectors:
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(size=(BATCH, WIDTH)).astype(np.float32) for _ in range(batches)])


def after_kills(writers: subprocess.Popen[str], place: Path, kills: int) -> None:
    rng, first = random.Random(kills), 0
    acknowledged: dict[int, Vectors] = {}
    removed: set[int] = set()
    for seed in range(kills):
        starts = killed(writers, place, seed, first, rng.randint(1, 12))
        removed |= {start for start in starts if start % 5 == 0}
        ids = [start + each for start in starts for each in range(BATCH)]
        acknowledged |= dict(zip(ids, drawn(seed, len(starts)), strict=True))
        for gone in removed:
            acknowledged.pop(gone, None)
        index = MilvusIndex(WIDTH, str(place))
        held, vectors, columns = index._table.rows(f"id in {list(acknowledged)}")
        assert dict(zip(held.tolist(), [row["taken"] for row in columns], strict=True)) == {i: i for i in acknowledged}
        assert all(np.array_equal(acknowledged[i], v) for i, v in zip(held.tolist(), vectors, strict=True))
        assert not removed & set(index._held.tolist())
        # what was not acknowledged may be there or not, as far as it was written
        assert len(acknowledged) <= len(index) <= len(acknowledged) + BATCH * (seed + 1)
        first = 100 + int(index._held[-1]) // 100 * 100
        index.close()


def test_acknowledged_rows_outlive_three_kills(writers: subprocess.Popen[str], tmp_path: Path) -> None:
    after_kills(writers, tmp_path / "films.db", 3)


@pytest.mark.slow
def test_acknowledged_rows_outlive_twenty_kills(writers: subprocess.Popen[str], tmp_path: Path) -> None:
    after_kills(writers, tmp_path / "films.db", 20)


def recall(found: Ids, exact: Ids) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, exact, strict=True)]))


@pytest.mark.slow
def test_recall_of_the_reopened_graph(tmp_path: Path) -> None:
    rng, n = np.random.default_rng(0), 20_000
    near = rng.normal(size=(200, 64))[rng.integers(0, 200, n + 100)] + 0.5 * rng.normal(size=(n + 100, 64))
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    vectors, queries, ids = near[:n], near[n:], np.arange(n, dtype=np.int64)
    exact, made = ExactIndex(64), MilvusIndex(64)
    for index in (exact, made):
        index.build(vectors, ids)
    made.save(tmp_path)
    made.close()
    loaded = MilvusIndex.load(tmp_path, 64)
    found = {
        share: recall(*(index.search(queries, 10, allowed)[0] for index in (loaded, exact)))
        for share in (1, 2, 5, 8, 20)
        for allowed in [None if share == 1 else IdSet(rng.choice(n, n // share, replace=False))]
    }
    loaded.close()
    assert found[20] == 1, "few are compared one by one"
    assert min(found.values()) >= 0.95, found
