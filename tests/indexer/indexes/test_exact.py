"""What is peculiar to the exact index: the threads that it takes."""

from collections.abc import Iterator
from typing import Any

import faiss
import numpy as np
import pytest

from indexer.indexes import exact
from indexer.indexes.exact import ExactIndex
from indexer.indexes.rows import Rows
from indexer.indexes.threads import FEW

THREADS = 3


@pytest.fixture
def several_threads() -> Iterator[None]:
    """FAISS told to use THREADS of them, whatever this machine has."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(THREADS)
    yield
    faiss.omp_set_num_threads(before)


@pytest.mark.usefixtures("several_threads")
@pytest.mark.parametrize(
    ("queries", "rows", "threads"),
    [(1, 10, 1), (FEW - 1, 20, 1), (FEW, 10, THREADS), (1, 21, THREADS)],
)
def test_few_queries_of_a_short_scan_stay_on_one_core(
    queries: int, rows: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact, "MANY", 21)
    index, taken = ExactIndex(4), []
    index.build(np.ones((rows, 4), np.float32), np.arange(rows))
    nearest = Rows.nearest

    def watched(*asked: Any) -> Any:
        taken.append(faiss.omp_get_max_threads())
        return nearest(*asked)

    monkeypatch.setattr(Rows, "nearest", watched)
    index.search(np.ones((queries, 4), np.float32), 2)
    assert taken == [threads]
    assert faiss.omp_get_max_threads() == THREADS


@pytest.mark.usefixtures("several_threads")
def test_search_leaves_the_caller_its_threads() -> None:
    index = ExactIndex(4)
    index.add(np.eye(4, dtype=np.float32), np.arange(4))
    index.search(np.eye(4, dtype=np.float32), 2)
    assert faiss.omp_get_max_threads() == THREADS
    with pytest.raises(AssertionError):
        index.search(np.ones((1, 3), np.float32), 2)
    assert faiss.omp_get_max_threads() == THREADS


@pytest.mark.usefixtures("several_threads")
def test_few_and_many_queries_find_the_same() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = ExactIndex(16)
    index.add(vectors, np.arange(200))
    together, _ = index.search(vectors[: 2 * FEW], 5)
    alone = np.concatenate([index.search(vectors[row : row + 1], 5)[0] for row in range(2 * FEW)])
    assert (together == alone).all()
