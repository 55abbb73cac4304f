"""Every variant of every engine that is installed, against plain NumPy; registering one puts it under these tests."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.ann.engines import ENGINES, Engine
from benchmarks.ann.engines.base import padded, rescored
from engine.embeddings import Ids, Vectors

ROWS, K = 2000, 10
ROUGH = {"datasketch-lsh": 0.3, "datasketch-forest": 0.5, "faiss-binary": 0.5, "faiss-binary hash 12 bits": 0.3}
"""Recall that engines over bits reach in some setting; the others reach 0.95."""
CASES = [(engine, variant) for engine in ENGINES.values() for variant in engine.variants]


def unit(rng: np.random.Generator, n: int) -> Vectors:
    """Clusters, as films lie in: neighbours of rows without any say nothing."""
    means = np.random.default_rng(99).normal(size=(40, 256))
    vectors = means[rng.integers(40, size=n)] + rng.normal(size=(n, 256)) * np.linspace(1.2, 0, 256)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


VECTORS, QUERIES = unit(np.random.default_rng(0), ROWS), unit(np.random.default_rng(1), 24)
TRUTH: Ids = np.argsort(-(QUERIES @ VECTORS.T), axis=1, kind="stable")[:, :K]


def recall(found: Ids) -> float:
    return float(np.mean([len(np.intersect1d(a, b)) / K for a, b in zip(found, TRUTH, strict=True)]))


@pytest.fixture(params=CASES, ids=[f"{engine.name} {variant}" for engine, variant in CASES])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine over VECTORS, which it might read alone, and whose array was overwritten since."""
    kind, variant = request.param
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own, as they are imported and used
        if why := kind.installed():
            pytest.skip(why)
        engine = kind(dict(kind.variants[variant]), 1, tmp_path)
        given = VECTORS.copy()
        given.setflags(write=False)
        engine.build(given)
        given.setflags(write=True)
        given[:] = np.nan
        yield engine
        engine.close()


def test_engine_finds_the_nearest(built: Engine) -> None:
    said = [json.dumps(setting, sort_keys=True) for setting in built.settings()]
    assert said and len(set(said)) == len(said)
    found = [built.search(QUERIES, K, setting) for setting in built.settings()]
    for rows in found:
        assert rows.shape == TRUTH.shape and rows.dtype == np.int64
        assert rows.min() >= -1 and rows.max() < ROWS
        assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in rows)
    best = max(found, key=recall)
    whole = next(f"{built.name} {name}" for name, options in built.variants.items() if options == built.options)
    assert recall(best) >= ROUGH.get(whole, ROUGH.get(built.name, 0.95))
    likeness = np.where(best < 0, -1, np.take_along_axis(QUERIES @ VECTORS.T, np.maximum(best, 0), axis=1))
    assert (np.diff(likeness, axis=1) <= 0.02).all()  # best first, as well as few bits can tell
    single = np.concatenate([built.search(query[None], K, built.settings()[-1]) for query in QUERIES[:8]])
    assert np.mean(single == found[-1][:8]) > 0.9
    built.save()


@pytest.mark.parametrize("kind", ENGINES.values(), ids=list(ENGINES))
def test_engine_says_what_it_is(kind: type[Engine]) -> None:
    assert kind.kind in {"own", "library", "system", "hash table"}
    assert kind.variants and json.dumps(dict(kind.variants))
    why = kind.installed()
    assert kind.version() if why is None else "install the extra" in why


def test_candidates_are_compared_again_by_their_vectors() -> None:
    candidates = np.array([[3, 1, -1, 7], [0, -1, -1, -1]], np.int64)
    found = rescored(QUERIES[:2], VECTORS, candidates, 3)
    order = sorted((3, 1, 7), key=lambda row: -float(QUERIES[0] @ VECTORS[row]))
    assert found.tolist() == [order, [0, -1, -1]]
    assert rescored(QUERIES[:1], VECTORS, np.empty((1, 0), np.int64), 2).tolist() == [[-1, -1]]


def test_short_rows_are_filled_and_long_ones_cut() -> None:
    assert padded([[4], [], [1, 2, 3]], 2).tolist() == [[4, -1], [-1, -1], [1, 2]]
