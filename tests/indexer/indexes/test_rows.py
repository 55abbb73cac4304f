from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.embeddings import Ids
from engine.errors import ArchiveCorrupt
from indexer.indexes.base import IdSet
from indexer.indexes.rows import VECTORS, Rows


def some(n: int, d: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def numbers(*ids: int) -> Ids:
    return np.array(ids, np.int64)


@given(st.data())
def test_positions_are_those_of_a_plain_list_property(data: st.DataObject) -> None:
    rows, held, count = Rows(2), {}, 0
    for _ in range(data.draw(st.integers(1, 8))):
        if data.draw(st.booleans()) or not held:
            free = sorted(set(range(41)) - set(held)) or [99]
            new = data.draw(st.lists(st.sampled_from(free), unique=True, max_size=6))
            assert rows.add(some(len(new), 2), numbers(*new)).tolist() == list(range(count, count + len(new)))
            held |= {number: count + place for place, number in enumerate(new)}
            count += len(new)
        else:
            gone = data.draw(st.lists(st.integers(0, 40), max_size=6))
            assert sorted(rows.remove(numbers(*gone)).tolist()) == sorted({held[g] for g in gone if g in held})
            held = {number: place for number, place in held.items() if number not in gone}
        asked = data.draw(st.sets(st.integers(0, 50)))
        wanted = sorted(held[number] for number in asked if number in held)
        assert rows.chosen(IdSet(numbers(*asked))).tolist() == wanted
        assert (len(rows), rows.count) == (len(held), count)


def test_ids_take_eight_bytes_only_where_they_must() -> None:
    rows = Rows(4)
    rows.add(some(2), numbers(1, 2**32 - 1))
    assert rows.ids.dtype == np.uint32
    rows.add(some(1, seed=1), numbers(2**40))
    assert rows.ids.tolist() == [1, 2**32 - 1, 2**40]


def test_what_is_missing_is_minus_one_not_the_largest_of_four_bytes() -> None:
    rows = Rows(4)
    vectors = some(2)
    rows.add(vectors, numbers(5, 6))
    ids, near = rows.best(vectors[:1], np.array([[1, -1, 0]]), 3)
    assert sorted(ids[0].tolist()) == [-1, 5, 6]
    assert np.isneginf(near[0, 2])


def test_loaded_vectors_stay_on_disk_and_new_ones_join_them(tmp_path: Path) -> None:
    rows = Rows(4)
    first, more = some(30), some(5, seed=1)
    rows.add(first, np.arange(30, dtype=np.int64))
    rows.save(tmp_path)
    loaded = Rows.load(tmp_path, 4)
    assert loaded.resident() < 30 * 16
    loaded.add(more, np.arange(30, 35, dtype=np.int64))
    both = np.concatenate([first, more])
    near = loaded.similarities(more, np.tile(np.arange(35), (5, 1)))
    assert near == pytest.approx(more @ both.T, abs=1e-5)
    assert (loaded.vectors(np.array([2, 33])) == both[[2, 33]]).all()
    ids, _ = loaded.nearest(more, 3)
    assert ids.tolist() == np.argsort(-(more @ both.T), axis=1)[:, :3].tolist()


def test_equals_come_by_position() -> None:
    rows = Rows(2)
    rows.add(np.ones((20, 2), np.float32), np.arange(20, dtype=np.int64))
    ids, _ = rows.best(np.ones((1, 2), np.float32), np.arange(8)[None, ::-1].copy(), 8)
    assert ids.tolist() == [list(range(8))]


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    rows = Rows(4)
    rows.add(some(3), numbers(1, 2, 3))
    rows.save(tmp_path)
    np.save(tmp_path / VECTORS, some(2))
    with pytest.raises(ArchiveCorrupt, match=r"\(2, 4\), not float32 \(3, 4\)"):
        Rows.load(tmp_path, 4)
