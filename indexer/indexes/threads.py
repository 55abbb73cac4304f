"""How many threads FAISS takes; OpenMP counts them apart for every thread that calls it."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss

FEW = 20
"""Fewer queries than this FAISS compares one by one, not by a matrix product."""


@contextmanager
def one_thread(wanted: bool) -> Iterator[None]:
    """Keep what is asked within on the caller's core, where `wanted`.

    Several threads share a short search in little less time than one needs, and all wait where another process has
    one's core.
    """
    if not wanted:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
