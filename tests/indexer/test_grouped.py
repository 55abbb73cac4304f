"""Rows by a key, against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.grouped import Grouped

KEYS = st.lists(st.integers(0, 12), max_size=30)


@given(held=KEYS, asked=st.lists(st.integers(0, 40), max_size=10))
def test_every_row_of_every_key(held: list[int], asked: list[int]) -> None:
    which, rows = Grouped(np.array(held, np.int64)).rows(np.array(asked, np.int64))
    plain = [(place, row) for place, key in enumerate(asked) for row, other in enumerate(held) if other == key]
    assert list(zip(which.tolist(), rows.tolist(), strict=True)) == plain


def test_keys_of_one_row_each() -> None:
    which, rows = Grouped(np.array([2, 0, 1])).rows(np.array([0, 1, 2, 0]))
    assert which.tolist() == [0, 1, 2, 3]
    assert rows.tolist() == [1, 2, 0, 1]
