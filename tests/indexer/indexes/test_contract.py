"""Every index of the registry against a plain oracle; registering one puts it under these tests."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError
from indexer.indexes import INDEXES, IdSet, VectorIndex, check_one_faiss

Make = type[VectorIndex]
every_index = pytest.mark.parametrize("make", INDEXES.values(), ids=list(INDEXES))


def unit(rng: np.random.Generator, n: int, d: int) -> Vectors:
    vectors = rng.normal(size=(n, d))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def plain(
    held: dict[int, npt.NDArray[np.float32]], query: npt.NDArray[np.float32], k: int, allowed: set[int] | None
) -> list[tuple[float, int]]:
    """(similarity, id) of the k nearest, counted out one by one."""
    found = [
        (sum(float(a) * float(b) for a, b in zip(vector, query, strict=True)), number)
        for number, vector in held.items()
        if allowed is None or number in allowed
    ]
    return sorted(found, key=lambda pair: (-pair[0], pair[1]))[:k]


def check(index: VectorIndex, held: dict[int, Vectors], queries: Vectors, k: int, allowed: Ids | None) -> None:
    ids, similarity = index.search(queries, k, None if allowed is None else IdSet(allowed))
    assert ids.shape == similarity.shape == (len(queries), k)
    assert (ids.dtype, similarity.dtype) == (np.dtype(np.int64), np.dtype(np.float32))
    some = None if allowed is None else set(allowed.tolist())
    for query, row, near in zip(queries, ids.tolist(), similarity.tolist(), strict=True):
        expected = plain(held, query, k, some)
        found = [number for number in row if number != -1]
        assert len(found) == len(set(found)) == len(expected)
        assert row[len(expected) :] == [-1] * (k - len(expected))
        assert all(value == -np.inf for value in near[len(expected) :])
        assert near[: len(expected)] == pytest.approx([value for value, _ in expected], abs=1e-5)
        assert near == sorted(near, reverse=True)
        exact = {number: value for value, number in plain(held, query, len(held), some)}
        assert [exact[number] for number in found] == pytest.approx(near[: len(found)], abs=1e-5)


EXAMPLES = {"milvus": 8}
"""Drawn cases of an index that takes long to make, where they are fewer than the profile's."""


@every_index
def test_finds_the_nearest(make: Make) -> None:
    @settings(max_examples=min(EXAMPLES.get(make.name, settings().max_examples), settings().max_examples))
    @given(
        seed=st.integers(0, 2**32 - 1),
        n=st.integers(0, 40),
        d=st.sampled_from([1, 2, 7, 64]),
        k=st.integers(1, 60),
        queries=st.integers(1, 3),
        data=st.data(),
    )
    def finds(seed: int, n: int, d: int, k: int, queries: int, data: st.DataObject) -> None:
        finds_the_nearest(make, seed, n, d, k, queries, data)

    finds()


def finds_the_nearest(make: Make, seed: int, n: int, d: int, k: int, queries: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    vectors, ids = unit(rng, n, d), rng.choice(1000, n, replace=False).astype(np.int64)
    twins = data.draw(st.integers(0, n // 2))
    vectors[:twins] = vectors[n - twins :]
    index = make(d)
    cut = data.draw(st.integers(0, n))
    index.add(vectors[:cut], ids[:cut])
    index.add(vectors[cut:], ids[cut:])
    gone = ids[: data.draw(st.integers(0, n))]
    if data.draw(st.booleans()):
        index.remove(gone)
    else:
        gone = gone[:0]
    held = {int(number): vector for number, vector in zip(ids, vectors, strict=True) if number not in gone}
    assert len(index) == len(held)
    strangers = st.lists(st.integers(0, 1200), max_size=20).map(lambda some: np.array(some, np.int64))
    chosen = (
        st.sets(st.sampled_from(ids.tolist())).map(lambda some: np.array(sorted(some), np.int64)) if n else strangers
    )
    allowed = data.draw(st.none() | strangers | chosen)
    check(index, held, unit(rng, queries, d), k, allowed)


@every_index
def test_each_held_vector_finds_itself(make: Make) -> None:
    rng = np.random.default_rng(0)
    vectors, ids = unit(rng, 300, 128), np.arange(300, dtype=np.int64) * 3
    index = make(128)
    index.add(vectors, ids)
    found, similarity = index.search(vectors, 1)
    assert found[:, 0].tolist() == ids.tolist()
    assert similarity[:, 0] == pytest.approx(1, abs=1e-5)


@every_index
def test_higher_is_nearer_and_opposite_is_minus_one(make: Make) -> None:
    index = make(2)
    index.add(np.array([[1, 0], [0, 1], [-1, 0]], np.float32), np.array([5, 6, 7], np.int64))
    ids, similarity = index.search(np.array([[1, 0]], np.float32), 3)
    assert ids.tolist() == [[5, 6, 7]]
    assert similarity.tolist() == [[1, 0, -1]]


@every_index
def test_nobody_may_answer(make: Make) -> None:
    index = make(3)
    index.add(unit(np.random.default_rng(1), 9, 3), np.arange(9, dtype=np.int64))
    ids, similarity = index.search(unit(np.random.default_rng(2), 2, 3), 4, IdSet(np.empty(0, np.int64)))
    assert ids.tolist() == [[-1] * 4] * 2
    assert np.isneginf(similarity).all()


@every_index
def test_removing_what_is_not_there_is_no_error(make: Make) -> None:
    index = make(3)
    index.add(unit(np.random.default_rng(1), 4, 3), np.arange(4, dtype=np.int64))
    index.remove(np.array([2, 99, 2], np.int64))
    index.remove(np.empty(0, np.int64))
    assert len(index) == 3
    index.add(unit(np.random.default_rng(3), 1, 3), np.array([2], np.int64))
    assert len(index) == 4


@every_index
def test_takes_any_memory_order_and_leaves_the_callers_arrays_alone(make: Make) -> None:
    rng = np.random.default_rng(4)
    vectors, ids = np.asfortranarray(unit(rng, 20, 8)), np.arange(40, dtype=np.int64)[::2]
    before = vectors.copy()
    index = make(8)
    index.add(vectors, ids)
    queries = np.asfortranarray(unit(rng, 3, 8))
    check(index, dict(zip(ids.tolist(), before, strict=True)), queries, 5, ids[::-2])
    assert np.array_equal(vectors, before)


@every_index
def test_large_ids_among_few_allowed(make: Make) -> None:
    index = make(4)
    ids = np.array([0, 7, 8, 10_000_000], np.int64)
    vectors = unit(np.random.default_rng(5), 4, 4)
    index.add(vectors, ids)
    check(index, dict(zip(ids.tolist(), vectors, strict=True)), vectors, 3, np.array([8, 10_000_000], np.int64))


@every_index
def test_what_was_saved_is_loaded_and_goes_on(make: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    vectors, ids = unit(rng, 50, 16), np.arange(50, dtype=np.int64) * 2
    index = make(16)
    index.build(vectors[:40], ids[:40])
    index.remove(ids[:5])
    index.save(tmp_path)
    loaded = make.load(tmp_path, 16)
    loaded.add(vectors[40:], ids[40:])
    loaded.add(vectors[:1], ids[:1])
    loaded.remove(ids[5:7])
    held = dict(zip(ids.tolist(), vectors, strict=True))
    for gone in [*ids[1:7].tolist()]:
        del held[gone]
    check(loaded, held, unit(rng, 3, 16), 4, None)


@every_index
def test_a_removed_vector_is_in_no_file(make: Make, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    vectors, ids = unit(rng, 60, 16), np.arange(60, dtype=np.int64)
    index = make(16)
    index.build(vectors, ids)
    index.remove(ids[:3])
    index.save(tmp_path)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert written
    assert not any(vector.tobytes()[:16] in written for vector in vectors[:3])


@every_index
def test_building_anew_forgets_what_was_held(make: Make) -> None:
    rng = np.random.default_rng(8)
    vectors = unit(rng, 30, 8)
    index = make(8)
    index.build(vectors[:20], np.arange(20, dtype=np.int64))
    index.build(vectors[20:], np.arange(20, 30, dtype=np.int64))
    assert len(index) == 10
    check(index, dict(zip(range(20, 30), vectors[20:], strict=True)), vectors[:2], 12, None)


@every_index
def test_tuning_measures_a_share_and_says_what_it_holds_in_memory(make: Make) -> None:
    index = make(8)
    assert index.tune(0.9) == 1
    index.build(unit(np.random.default_rng(9), 40, 8), np.arange(40, dtype=np.int64))
    assert 0.9 <= index.tune(0.9) <= 1
    assert index.resident() > 0


@every_index
def test_says_how_it_searches(make: Make) -> None:
    index = make(8)
    assert index.way(5)
    assert index.way(5, IdSet(np.arange(3, dtype=np.int64)))


def test_an_id_set_is_sorted_and_knows_its_own() -> None:
    some = IdSet(np.array([9, 2, 9], np.int64))
    assert some.ids.tolist() == [2, 9]
    assert some.holds(np.array([0, 2, 8, 9, 10, 10**12])).tolist() == [False, True, False, True, False, False]
    assert not IdSet(np.empty(0, np.int64)).holds(np.array([0, 3])).any()
    with pytest.raises(ValueError, match="-3"):
        IdSet(np.array([-3, 2]))


@every_index
def test_its_name_is_that_of_the_registry(make: Make) -> None:
    assert INDEXES[make(4).name] is make


@pytest.mark.parametrize(
    "names",
    [{"faiss-cpu", "faiss-gpu-cu12"}, {"faiss_cpu", "faiss-gpu"}, {"Faiss-CPU", "numpy", "faiss-gpu-cu11"}],
)
def test_two_faiss_side_by_side_are_refused(names: set[str]) -> None:
    with pytest.raises(ArchiveError, match="are installed together; make the environment anew with `make env`"):
        check_one_faiss(names)


@pytest.mark.parametrize("names", [{"faiss-cpu"}, {"faiss-gpu-cu12", "numpy"}, set(), {"autofaiss", "faiss-cpu"}, {""}])
def test_one_faiss_or_none_is_well(names: set[str]) -> None:
    check_one_faiss(names)


def test_this_environment_has_but_one_faiss() -> None:
    check_one_faiss()
