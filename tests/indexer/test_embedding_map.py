"""The map of an archive's vectors, against a whole decomposition."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import ArchiveCorrupt
from indexer.archive import Archive, Snapshot, read_segments
from indexer.embedding_map import embedding_map, widest


@pytest.fixture(scope="module")
def snapshot(
    tmp_path_factory: pytest.TempPathFactory,
    lay: Callable[..., Path],
    draw: Callable[..., bytes],
    index: Callable[..., Any],
) -> Any:
    folder = tmp_path_factory.mktemp("map")
    for part in range(2):
        films = {f"{n}.png": draw(n + 10 * part) for n in range(6)}
        index(lay(folder / f"films{part}", films, [{"file": name, "patient_id": name} for name in films]), folder / "a")
    with Archive(folder / "a") as opened:
        yield opened.snapshot


def slow(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    return centred @ axes[:2].T, sizes[:2] ** 2 / (sizes**2).sum()


@pytest.mark.parametrize("seed", range(4))
def test_the_two_widest_directions_against_a_whole_decomposition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(40, 9)) * np.arange(1, 10)).astype(np.float32)
    xy, explained = widest(vectors)
    wanted, shares = slow(vectors)
    assert np.abs(xy) == pytest.approx(np.abs(wanted), abs=1e-4)
    assert explained == pytest.approx(shares, abs=1e-6)
    assert widest(vectors)[0] == pytest.approx(xy)


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (2, 5), (7, 1), (3, 2)])
def test_few_vectors(shape: tuple[int, int]) -> None:
    xy, explained = widest(np.ones(shape, np.float32))
    assert xy.shape == (shape[0], 2) and np.allclose(xy, 0) and explained == (0, 0)


def test_every_film_of_a_small_archive_is_on_it(snapshot: Snapshot) -> None:
    found = embedding_map(snapshot)
    assert found.film.tolist() == snapshot.film.tolist() and found.films == 12
    assert np.abs(found.xy).max() == 1
    assert len(snapshot.manifest.segments) > 1
    vectors = {
        int(n): v
        for ids, rows in read_segments(snapshot.root, snapshot.manifest)
        for n, v in zip(ids, rows, strict=True)
    }
    wanted, _ = slow(np.stack([vectors[n] for n in snapshot.vector.tolist()]))
    assert np.abs(found.xy) == pytest.approx(np.abs(wanted) / np.abs(wanted).max(), abs=1e-4)


def test_of_a_larger_one_the_same_few(snapshot: Snapshot) -> None:
    found = embedding_map(snapshot, most=5)
    assert len(found.film) == 5 and found.films == 12
    assert set(found.film.tolist()) <= set(snapshot.film.tolist())
    assert (np.diff(found.film) > 0).all()
    assert embedding_map(snapshot, most=5).film.tolist() == found.film.tolist()


def test_a_damaged_segment_is_not_drawn(snapshot: Snapshot) -> None:
    first, *rest = snapshot.manifest.segments
    manifest = replace(snapshot.manifest, segments=(replace(first, sha256="0" * 64), *rest))
    with pytest.raises(ArchiveCorrupt):
        embedding_map(replace(snapshot, manifest=manifest))
