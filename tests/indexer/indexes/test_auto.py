import numpy as np
import pytest

from engine.errors import ArchiveError
from indexer.indexes import auto
from indexer.indexes.auto import Limits, Measured, choose
from indexer.indexes.compact import CompactIndex
from indexer.indexes.hnsw import HnswIndex


def clustered(n: int, d: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(9, d))[rng.integers(0, 9, n)] + rng.normal(size=(n, d)) * 0.4
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_few_are_all_compared() -> None:
    vectors = clustered(500)
    index, choice = choose(vectors, np.arange(500, dtype=np.int64), Limits())
    assert (index.name, choice.name, len(choice.measured)) == ("exact", "exact", 1)
    assert "500 vectors" in choice.why


def test_more_are_measured_and_the_fastest_within_limits_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "SMALL", 1000)
    for kind in (CompactIndex, HnswIndex):
        monkeypatch.setattr(kind, "FEW", 500)
    vectors = clustered(3000)
    index, choice = choose(vectors, np.arange(3000, dtype=np.int64), Limits(0.5), (CompactIndex, HnswIndex))
    assert [each.name for each in choice.measured] == ["exact", "compact", "hnsw"]
    kept = [each for each in choice.measured if not each.misses(Limits(0.5))]
    assert choice.name == index.name == min(kept, key=lambda each: each.ms).name
    assert len(index) == 3000


def test_where_none_keeps_the_limits_it_says_what_is_missed() -> None:
    vectors = clustered(200)
    index, choice = choose(vectors, np.arange(200, dtype=np.int64), Limits(0.9, ms=1e-9), (CompactIndex,))
    assert choice.name == index.name
    assert "none keeps the limits" in choice.why
    assert "against 1e-09" in choice.why


@pytest.mark.parametrize(
    ("limits", "missed"),
    [
        (Limits(0.9), []),
        (Limits(0.99), ["recall 0.95 against 0.99"]),
        (Limits(0.9, ms=1.0, gib=0.1), ["ms 2 against 1", "GiB 0.5 against 0.1"]),
        (Limits(0.9, ms=2.0, gib=0.5), []),
    ],
)
def test_limits_missed(limits: Limits, missed: list[str]) -> None:
    assert Measured("any", 0.95, 2.0, 0.5, 1.0).misses(limits) == missed


@pytest.mark.parametrize(
    ("limits", "said"), [((0.0,), "recall of 0.0"), ((0.9, -1.0), "-1.0 ms"), ((0.9, None, 0), "0 gib")]
)
def test_limits_that_nothing_can_keep_are_refused(limits: tuple[float, ...], said: str) -> None:
    with pytest.raises(ArchiveError, match=said):
        Limits(*limits)
