"""What is peculiar to the exact index: the threads that it takes."""

from collections.abc import Iterator

import faiss
import numpy as np
import pytest

from indexer.indexes.exact import FEW, MANY, ExactIndex, _one_thread_for_few

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
    [(1, 10, 1), (FEW - 1, MANY - 1, 1), (FEW, 10, THREADS), (1, MANY, THREADS)],
)
def test_few_queries_of_a_short_scan_stay_on_one_core(queries: int, rows: int, threads: int) -> None:
    with _one_thread_for_few(queries, rows):
        assert faiss.omp_get_max_threads() == threads
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
