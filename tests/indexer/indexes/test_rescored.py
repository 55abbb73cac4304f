"""Indexes by codes, with so few vectors that an oracle can be asked, and codes used from the first on."""

from pathlib import Path

import numpy as np
import pytest

from engine.embeddings import Ids, Vectors
from indexer.indexes import INDEXES, IdSet
from indexer.indexes.compact import CompactIndex
from indexer.indexes.exact import ExactIndex
from indexer.indexes.hnsw import HnswIndex
from indexer.indexes.lsh import LshIndex, LshTables
from indexer.indexes.rescored import RescoredIndex, leading

CODED = {name: index for name, index in INDEXES.items() if issubclass(index, RescoredIndex)}
WANTED = 0.9


@pytest.fixture(params=CODED.values(), ids=list(CODED))
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[RescoredIndex]:
    monkeypatch.setattr(request.param, "FEW", 60)
    monkeypatch.setattr(request.param, "FRESH", 30)
    return request.param


def clustered(n: int, d: int, seed: int = 0) -> Vectors:
    """Unit rows (n, d) about a few centres; the first tenth lies twice."""
    centres, rng = np.random.default_rng(99).normal(size=(9, d)), np.random.default_rng(seed)
    rows = centres[rng.integers(0, 9, n)] + rng.normal(size=(n, d)) * 0.7 / np.arange(1, d + 1) ** 0.5
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[n // 2 : n // 2 + n // 10] = rows[: n // 10]
    return np.asarray(rows, np.float32)


def oracle(vectors: Vectors, ids: Ids, queries: Vectors, k: int, allowed: Ids | None) -> list[list[float]]:
    """The similarities of the k nearest, by plain NumPy."""
    held = np.ones(len(ids), bool) if allowed is None else np.isin(ids, allowed)
    return np.sort(queries @ vectors[held].T, axis=1)[:, ::-1][:, :k].tolist()


def recall(found: tuple[Ids, np.ndarray], wanted: list[list[float]]) -> float:
    """Share of neighbours as near as the oracle's last; twins count whichever of them was found."""
    return float(
        np.mean([np.mean(near[: len(row)] >= row[-1] - 1e-5) for near, row in zip(found[1], wanted, strict=True)])
    )


def consistent(
    index: RescoredIndex, vectors: Vectors, ids: Ids, queries: Vectors, k: int, allowed: Ids | None
) -> float:
    """Whether an answer keeps every promise but recall, which it gives."""
    found, near = index.search(queries, k, None if allowed is None else IdSet(allowed))
    assert found.shape == near.shape == (len(queries), k)
    row = {number: place for place, number in enumerate(ids.tolist())}
    may = set(row) if allowed is None else set(allowed.tolist()) & set(row)
    for query, names, values in zip(queries, found.tolist(), near.tolist(), strict=True):
        named = [name for name in names if name >= 0]
        assert len(named) == len(set(named)) == min(k, len(may))
        assert set(named) <= may
        assert values == sorted(values, reverse=True)
        exact = vectors[[row[name] for name in named]] @ query
        assert values[: len(named)] == pytest.approx(exact.tolist(), abs=1e-5)
        assert all(value == -np.inf for value in values[len(named) :])
    return recall((found, near), oracle(vectors, ids, queries, k, allowed)) if may else 1.0


@pytest.mark.parametrize(("n", "d"), [(61, 2), (400, 1), (400, 7), (1500, 64), (3000, 33)])
@pytest.mark.parametrize("k", [1, 10, 70])
def test_keeps_its_promises_and_finds_most(make: type[RescoredIndex], n: int, d: int, k: int) -> None:
    rng = np.random.default_rng(n + d)
    vectors, ids = clustered(n, d), rng.permutation(5 * n)[:n].astype(np.int64)
    queries = clustered(20, d, seed=1)
    index = make(d)
    index.build(vectors, ids)
    assert index.fitted
    least = min(WANTED, index.tune(WANTED)) - (0.1 if k <= 10 else 0.2)
    assert consistent(index, vectors, ids, queries, k, None) >= least
    for share in (0.5, 0.1, 0.02):
        allowed = rng.choice(ids, int(share * n), replace=False)
        assert consistent(index, vectors, ids, queries, k, allowed) >= least


def test_goes_on_after_removing_and_putting_back(make: type[RescoredIndex], tmp_path: Path) -> None:
    vectors, ids = clustered(1200, 48), np.arange(1200, dtype=np.int64) * 3
    queries = clustered(30, 48, seed=2)
    index = make(48)
    index.build(vectors[:800], ids[:800])
    index.tune(0.95)
    index.remove(ids[::3])
    index.add(vectors[800:], ids[800:])
    index.remove(ids[801::3])
    index.add(vectors[:300:3], ids[:300:3])
    held = np.ones(1200, bool)
    held[:800:3] = held[801::3] = False
    held[:300:3] = True
    assert len(index) == held.sum()
    assert consistent(index, vectors[held], ids[held], queries, 10, None) >= 0.85
    itself = index.search(vectors[held], 1)[1][:, 0] > 1 - 1e-4
    assert itself.mean() >= 0.9
    index.save(tmp_path)
    loaded = make.load(tmp_path, 48)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.search(queries, 10), index.search(queries, 10), strict=True))
    loaded.remove(ids[held][:5])
    assert consistent(loaded, vectors[held][5:], ids[held][5:], queries, 10, None) >= 0.85


def test_what_was_just_added_is_found_by_the_next_query(make: type[RescoredIndex], tmp_path: Path) -> None:
    vectors, ids = clustered(700, 24), np.arange(700, dtype=np.int64)
    index = make(24)
    index.build(vectors[:600], ids[:600])
    strange = -clustered(50, 24, seed=5)  # like nothing that codes were fitted to
    for row in range(50):
        index.add(strange[row : row + 1], np.array([1000 + row]))
        assert 1000 + row in index.search(strange[row : row + 1], 2)[0][0]  # a few lie twice
    index.add(vectors[600:610], ids[600:610])
    index.save(tmp_path)
    found = make.load(tmp_path, 24).search(vectors[600:610], 1)[0]
    assert found[:, 0].tolist() == ids[600:610].tolist()
    allowed = IdSet(np.append(ids[:500], 605))
    assert index.search(vectors[605:606], 1, allowed)[0].tolist() == [[605]]


def test_removed_codes_are_in_no_file(make: type[RescoredIndex], tmp_path: Path) -> None:
    vectors, ids = clustered(300, 32), np.arange(300, dtype=np.int64)
    index = make(32)
    index.build(vectors, ids)
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    index.save(tmp_path / "with")
    index.remove(ids[250:253])
    index.save(tmp_path / "without")
    for folder, there in (("with", True), ("without", False)):
        written = b"".join(path.read_bytes() for path in (tmp_path / folder).iterdir())
        assert (vectors[251].tobytes()[:16] in written) is there


def test_a_filter_that_leaves_few_is_compared_and_said(make: type[RescoredIndex]) -> None:
    vectors, ids = clustered(500, 16), np.arange(500, dtype=np.int64)
    index = make(16)
    index.build(vectors, ids)
    few, many = IdSet(ids[:40]), IdSet(ids[:400])
    assert index.way(5, few) == "all that may answer compared"
    assert "within the filter" in index.way(5, many)
    assert "within" not in index.way(5)
    assert index.way(400, many) == "all that may answer compared"


def test_tuning_spends_more_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HnswIndex, "FEW", 60)
    index = HnswIndex(64)
    index.build(clustered(3000, 64), np.arange(3000, dtype=np.int64))
    low = index.tune(-9.0), index.effort
    high = index.tune(1.1), index.effort
    assert low[0] <= high[0]
    assert low[1] == index.EFFORTS[0]
    assert high[1] == index.EFFORTS[-1]


@pytest.mark.parametrize(("kind", "held"), [(LshIndex, 0.95), (HnswIndex, 0.97)])
def test_tuning_leaves_room_for_queries_that_are_not_held(kind: type[RescoredIndex], held: float) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3000, 16)).astype(np.float32)
    index = kind(16, few=60)
    index.build(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.arange(3000, dtype=np.int64))
    assert index.tune(0.9) >= held


def test_more_numbers_than_a_code_holds_cost_time_and_no_recall() -> None:
    """Found at 1,280 numbers a vector: the dearest search of `compact` met less than was asked for."""
    rng = np.random.default_rng(0)
    widths = (1 + np.arange(320)) ** -0.2
    vectors = (rng.normal(size=(20_000, 320)) * widths).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = CompactIndex(320)
    index.build(vectors, np.arange(len(vectors), dtype=np.int64))
    assert index.tune(0.9) >= 0.95
    assert index.effort.reach > 400


@pytest.mark.parametrize("kind", [LshIndex, LshTables])
def test_codes_may_choose_alone(kind: type[LshIndex | LshTables], tmp_path: Path) -> None:
    vectors, ids, queries = clustered(3000, 64), np.arange(3000, dtype=np.int64), clustered(30, 64, seed=1)
    index, rescored = kind(64, few=60, rescore=False), kind(64, few=60)
    for each in (index, rescored):
        each.build(vectors, ids)
        each.effort = each.EFFORTS[-1]
    alone = consistent(index, vectors, ids, queries, 10, None)
    assert 0.2 < alone < consistent(rescored, vectors, ids, queries, 10, None)
    consistent(index, vectors, ids, queries, 10, ids[::7])
    assert index.way(10).startswith("10 chosen by Hamming distance")
    signed = index._signed(queries), index._signed(vectors)
    far = np.unpackbits(signed[0][:, None] ^ signed[1][None], axis=2).sum(axis=2)
    chosen = index.search(queries, 10)[0]
    for row, names in zip(far, chosen, strict=True):
        assert row[names].max() <= np.sort(row)[9]  # nobody nearer by signature was passed over
    index.save(tmp_path)
    again = kind.load(tmp_path, 64)
    assert not again.rescore
    assert np.array_equal(again.search(queries, 10)[0], chosen)


def test_the_first_that_stand_for_something() -> None:
    positions = np.array([[4, -1, 2, 7], [-1, -1, -1, 3]])
    assert leading(positions, 2).tolist() == [[4, 2], [3, -1]]


def test_codes_are_few_beside_vectors_once_those_are_on_disk(make: type[RescoredIndex], tmp_path: Path) -> None:
    index = make(64)
    index.build(clustered(2000, 64), np.arange(2000, dtype=np.int64))
    assert index.resident() >= 2000 * 64 * 4
    index.save(tmp_path)
    loaded = make.load(tmp_path, 64)
    assert loaded.resident() < index.resident() - 2000 * 64 * 3


def test_an_empty_one_answers_nothing(make: type[RescoredIndex], tmp_path: Path) -> None:
    index = make(8)
    assert index.search(np.ones((2, 8), np.float32), 3)[0].tolist() == [[-1] * 3] * 2
    assert index.tune(0.9) == 1
    index.save(tmp_path)
    loaded = make.load(tmp_path, 8)
    loaded.add(np.eye(8, dtype=np.float32), np.arange(8, dtype=np.int64))
    assert loaded.search(np.eye(8, dtype=np.float32)[:1], 1)[0].tolist() == [[0]]


def test_the_exact_index_is_the_oracle() -> None:
    vectors, ids = clustered(500, 24), np.arange(500, dtype=np.int64)
    index = ExactIndex(24)
    index.build(vectors, ids)
    queries = clustered(5, 24, seed=3)
    assert index.search(queries, 7)[1].tolist() == pytest.approx(
        np.array(oracle(vectors, ids, queries, 7, None)), abs=1e-5
    )
