"""Drawn vectors: like those they are drawn after, the same each time, and a stream that knows no length."""

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.ann import alike, drawn
from benchmarks.ann.drawn import BLOCK, FURTHER, Block, Mixture, blocks, fit, queries, shrunk
from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError

D, CLUSTERS, BETWEEN = 256, 12, 0.6


def made_up(n: int, seed: int) -> tuple[Vectors, Ids]:
    """Films of patients with one to three, in normal clusters of differing shape, of length 1."""
    fixed, rng = np.random.default_rng(7), np.random.default_rng(seed)
    means = fixed.normal(size=(CLUSTERS, D)) * np.linspace(1, 0.1, D)
    axes = [np.linalg.qr(fixed.normal(size=(D, D)))[0] for _ in range(CLUSTERS)]
    patient = np.repeat(np.arange(n), rng.integers(1, 4, size=n))[:n]
    cluster = rng.integers(CLUSTERS, size=n)[patient]
    scale = 0.8 / np.arange(1, D + 1) ** 0.5
    common, own = rng.normal(size=(n, D))[patient] * BETWEEN**0.5, rng.normal(size=(n, D)) * (1 - BETWEEN) ** 0.5
    residual = (common + own) * scale
    vectors = means[cluster] + np.stack([row @ axes[one] for row, one in zip(residual, cluster, strict=True)])
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32), patient.astype(np.int64)


@pytest.fixture(scope="module")
def real() -> tuple[Vectors, Ids]:
    return made_up(1500, seed=1)


@pytest.fixture(scope="module")
def mixture(real: tuple[Vectors, Ids]) -> Mixture:
    return fit(*real, seed=2)


def test_drawn_vectors_are_like_the_real_ones(real: tuple[Vectors, Ids], mixture: Mixture) -> None:
    found = alike.compare(*real, mixture, seed=3)
    one, other = found["real"], found["drawn"]
    assert list(other["variance_in_first"].values()) == pytest.approx(list(one["variance_in_first"].values()), abs=0.04)
    assert other["participation_ratio"] == pytest.approx(one["participation_ratio"], rel=0.15)
    for name in ("nearest_distance", "tenth_distance"):
        assert list(other[name].values()) == pytest.approx(list(one[name].values()), rel=0.08)
    assert other["intrinsic_dimension"] == pytest.approx(one["intrinsic_dimension"], rel=0.2)
    assert len(alike.lines(found)) == 1 + 5 + 1 + 3 + 3 + 1


def test_what_the_mixture_learned(real: tuple[Vectors, Ids], mixture: Mixture) -> None:
    assert mixture.between == pytest.approx(BETWEEN, abs=0.1)
    assert len(mixture.shares) == pytest.approx((1500 / 2) ** 0.5, abs=1)
    assert mixture.shares.sum() == pytest.approx(1) and mixture.films.sum() == pytest.approx(1)
    assert len(mixture.films) == 3
    assert ((mixture.shrinkage >= 0) & (mixture.shrinkage <= 1)).all()


def test_a_stream_is_its_blocks_and_knows_no_length(mixture: Mixture) -> None:
    some, more = list(blocks(mixture, BLOCK + 5, 9)), list(blocks(mixture, 2 * BLOCK, 9))
    assert [len(one.ids) for one in some] == [BLOCK, 5]
    assert _same(some[0], more[0])
    assert _same(some[1], Block(*(part[:5] for part in more[1])))
    assert _same(more[1], drawn.block(mixture, 1, 9))
    assert np.array_equal(np.concatenate([one.ids for one in more]), np.arange(2 * BLOCK))
    assert not set(more[0].patients.tolist()) & set(more[1].patients.tolist())


def _same(one: Block, other: Block) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_seed_decides(real: tuple[Vectors, Ids], mixture: Mixture) -> None:
    again = drawn.block(fit(*real, seed=2), 0, 9)
    assert _same(again, drawn.block(mixture, 0, 9))
    assert not np.array_equal(again.vectors, drawn.block(mixture, 0, 10).vectors)


def test_drawn_films_have_length_one_and_patients(mixture: Mixture) -> None:
    found = drawn.block(mixture, 3, 4)
    assert found.vectors.dtype == np.float32 and found.ids.dtype == found.patients.dtype == np.int64
    assert np.linalg.norm(found.vectors, axis=1) == pytest.approx(np.ones(BLOCK), abs=1e-5)
    counts = np.unique(np.unique(found.patients, return_counts=True)[1], return_counts=True)[1]
    assert counts[:3] / counts.sum() == pytest.approx(mixture.films, abs=0.02)
    mates = found.patients[1:] == found.patients[:-1]
    near = (found.vectors[1:] * found.vectors[:-1]).sum(axis=1)
    assert near[mates].mean() > near[~mates].mean() + 0.1


def test_those_who_ask_are_further_patients(mixture: Mixture) -> None:
    asked = queries(mixture, 100, 9)
    assert asked.shape == (100, D)
    base = next(blocks(mixture, BLOCK, 9))
    assert (asked @ base.vectors.T).max() < 1 - 1e-6
    asking = drawn.block(mixture, 0, 9, drawn.QUERIES).patients
    assert asking.min() >= FURTHER > base.patients.max()


def test_small_clusters_are_shrunk_most() -> None:
    rng = np.random.default_rng(0)
    spread: npt.NDArray[np.float64] = np.linspace(2, 0.1, 20)
    pooled = np.eye(20)
    few, many = (shrunk(rng.normal(size=(n, 20)) * spread, pooled)[1] for n in (5, 5000))
    assert many < 0.05 < 0.3 < few <= 1
    assert shrunk(np.zeros((1, 20)), pooled) == (pytest.approx(pooled), 1.0)


def test_shrunk_covariance_is_nearer_the_true_one() -> None:
    rng = np.random.default_rng(1)
    true = np.diag(np.linspace(2, 0.1, 20) ** 2)
    errors = []
    for _ in range(20):
        residual = rng.normal(size=(15, 20)) * np.linspace(2, 0.1, 20)
        sample = residual.T @ residual / 14
        errors.append([((one - true) ** 2).sum() for one in (sample, shrunk(residual, true * 1.2)[0])])
    assert np.mean(errors, axis=0)[1] < np.mean(errors, axis=0)[0]


def test_too_few_films_are_refused() -> None:
    with pytest.raises(ArchiveError, match="150 films .* 200 or more"):
        fit(*made_up(150, 0))


def test_dimension_of_a_sheet_is_two() -> None:
    rng = np.random.default_rng(2)
    sheet = np.zeros((2000, 8), np.float32)
    sheet[:, :2] = rng.uniform(-0.1, 0.1, size=(2000, 2))
    sheet[:, 2] = np.sqrt(1 - (sheet**2).sum(axis=1))
    assert alike.dimension(alike.distances(sheet, np.arange(2000))) == pytest.approx(2, abs=0.2)


def test_distances_leave_the_own_patient_out() -> None:
    vectors, patients = made_up(60, 4)
    near = alike.distances(vectors, patients, k=2)
    for row in range(60):
        apart = [float(np.linalg.norm(vectors[row] - vectors[i])) for i in range(60) if patients[i] != patients[row]]
        assert near[row] == pytest.approx(sorted(apart)[:2], abs=1e-4)
