import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.allowed import KEPT, Allowed, AllowedByFilter


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=1, max_size=20), st.data())
def test_rows_and_vectors_are_those_of_plain_sets_property(films: list[tuple[bool, int]], data: st.DataObject) -> None:
    rows, vector = np.array([row for row, _ in films]), np.array([number for _, number in films], np.int64)
    own = data.draw(st.sets(st.integers(0, len(films) - 1)))
    allowed = Allowed.of(rows, vector)
    left = allowed.without(np.array(sorted(own), np.int64))
    assert set(np.flatnonzero(left.rows)) == set(np.flatnonzero(rows)) - own
    assert left.films == len(np.flatnonzero(left.rows))
    inside = set(vector.tolist()) if left.ids is None else set(left.ids.ids.tolist())
    assert inside == set(vector[rows].tolist())
    assert len(inside) - left.spare <= len(set(vector[left.rows].tolist())) <= len(inside)
    assert (allowed.rows == rows).all()


def test_a_filter_is_worked_out_once_and_the_oldest_forgotten() -> None:
    kept, made = AllowedByFilter(), []

    def make(name: str) -> Allowed:
        made.append(name)
        return Allowed.of(np.ones(3, bool), np.arange(3))

    for name in [*"abc", "a"]:
        kept.get((name, False, False), lambda name=name: make(name))
    assert made == ["a", "b", "c"]
    for number in range(KEPT - 1):
        kept.get((str(number), False, False), lambda: make("more"))
    kept.get(("a", False, False), lambda: make("a"))
    kept.get(("b", False, False), lambda: make("b"))
    assert (made.count("a"), made.count("b")) == (1, 2)


def test_threads_may_ask_at_once() -> None:
    kept = AllowedByFilter()
    some = Allowed.of(np.ones(3, bool), np.arange(3))
    threads = [
        threading.Thread(target=lambda: [kept.get((str(n % 40), True, False), lambda: some) for n in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.get(("1", True, False), lambda: some) is some
