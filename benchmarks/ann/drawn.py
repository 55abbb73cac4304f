"""Vectors drawn to be like those of an archive, as many as one wants: its spectrum, its clusters, its patients.

A mixture of normal clusters is fitted to real vectors. A film is its cluster's mean, a part that its patient's films
share and a part of its own, scaled to length 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import faiss
import numpy as np
import numpy.typing as npt

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError

BLOCK = 1 << 12
"""Films drawn together; a block is the same however many are asked for."""
LEAST = 200
"""Films below which no spectrum is worth drawing from."""
PER_CENTROID = 256
BASE, QUERIES = 0, 1
"""Streams of one seed that never meet."""
FURTHER = 1 << 40
"""The least code of a patient who asks; those of films lie below."""
Reals = npt.NDArray[np.float64]


class Block(NamedTuple):
    """Films drawn: int64 (n,) ids, float32 (n, d) vectors of length 1, int64 (n,) codes of patients."""

    ids: Ids
    vectors: Vectors
    patients: Ids


@dataclass(frozen=True, eq=False)
class Mixture:
    """What films are drawn from, over c clusters in d dimensions.

    shares: (c,) of films. means: float32 (c, d). factors: float32 (c, d, d), a film's residual is a row of normal
    numbers times its cluster's. shrinkage: (c,), how much of each cluster's covariance is the pooled one. between: the
    share of the variance within a cluster that a patient's films have in common. films: (m,), share of patients with
    1, 2, .. m films.
    """

    shares: Reals
    means: Vectors
    factors: Vectors
    shrinkage: Reals
    between: float
    films: Reals


def fit(vectors: Vectors, patients: Ids, seed: int = 0) -> Mixture:
    """The mixture of real vectors, float32 (n, d), and their patients, int64 (n,): sqrt(n / 2) clusters by k-means.

    Raises:
        ArchiveError: fewer than LEAST vectors.
    """
    n, d = vectors.shape
    if n < LEAST:
        raise ArchiveError(f"{n} films say too little of how films lie; name an archive with {LEAST} or more")
    means, cluster = _clusters(vectors, max(1, round((n / 2) ** 0.5)), seed)
    residual = vectors.astype(np.float64) - means[cluster]
    count = np.bincount(cluster, minlength=len(means))
    pooled = residual.T @ residual / max(1, n - len(means))
    factors, shrinkage = np.empty((len(means), d, d), np.float32), np.empty(len(means))
    for number in range(len(means)):
        covariance, shrinkage[number] = shrunk(residual[cluster == number], pooled)
        factors[number] = _factor(covariance)
    between = between_patients(residual, cluster, patients, float(np.trace(pooled)))
    sizes = np.bincount(np.unique(patients, return_counts=True)[1])[1:]
    return Mixture(count / n, means.astype(np.float32), factors, shrinkage, between, sizes / sizes.sum())


def _clusters(vectors: Vectors, wanted: int, seed: int) -> tuple[Reals, Ids]:
    """Means float64 (c, d) and the cluster of each vector; clusters without one are left out."""
    found = faiss.Kmeans(
        vectors.shape[1], wanted, niter=25, nredo=3, seed=seed + 1, min_points_per_centroid=1,
        max_points_per_centroid=PER_CENTROID,
    )  # fmt: skip
    found.train(np.ascontiguousarray(vectors))
    nearest = found.index.search(np.ascontiguousarray(vectors), 1)[1][:, 0]
    _, cluster = np.unique(nearest, return_inverse=True)
    sums = np.zeros((int(cluster.max()) + 1, vectors.shape[1]))
    np.add.at(sums, cluster, vectors)
    return sums / np.bincount(cluster)[:, None], cluster.astype(np.int64)


def shrunk(residual: Reals, pooled: Reals) -> tuple[Reals, float]:
    """A cluster's covariance, drawn towards the pooled one, and by how much, 0 to 1.

    residual: (n, d), distances from the cluster's mean. After Ledoit and Wolf (2004) with `pooled` as target: the share
    is the variance of the sample covariance over its squared distance from the target, so that small clusters are
    shrunk most; one film alone, wholly.
    """
    n = len(residual)
    if n < 2:
        return pooled, 1.0
    sample = residual.T @ residual / (n - 1)
    lengths = (residual**2).sum(axis=1)
    crossed = np.einsum("ij,jk,ik->", residual, sample, residual, optimize=True)
    noise = ((lengths**2).sum() - 2 * crossed + n * (sample**2).sum()) / n**2
    apart = ((sample - pooled) ** 2).sum()
    share = 1.0 if apart == 0 else float(np.clip(noise / apart, 0, 1))
    return share * pooled + (1 - share) * sample, share


def _factor(covariance: Reals) -> Vectors:
    values, axes = np.linalg.eigh(covariance)
    return np.asarray(np.sqrt(np.maximum(values, 0))[:, None] * axes.T, np.float32)


def between_patients(residual: Reals, cluster: Ids, patients: Ids, total: float) -> float:
    """The share of the variance within clusters that films of one patient have in common, 0 to 1.

    total: variance within clusters, all dimensions together. Films of one patient and one cluster are compared; 0 where
    there are no two.
    """
    _, group = np.unique(np.stack([cluster, patients]), axis=1, return_inverse=True)
    group = group.reshape(-1)
    count = np.bincount(group)
    sums = np.zeros((len(count), residual.shape[1]))
    np.add.at(sums, group, residual)
    several, free = count[group] > 1, (count - 1).sum()
    if not free or total <= 0:
        return 0.0
    own = ((residual - sums[group] / count[group][:, None])[several] ** 2).sum() / free
    return float(np.clip(1 - own / total, 0, 1))


def block(mixture: Mixture, number: int, seed: int, stream: int = BASE) -> Block:
    """The `number`-th BLOCK films of a stream, by itself; a patient's films stay in one block."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, number)))
    sizes = rng.choice(len(mixture.films), size=BLOCK, p=mixture.films) + 1
    patient = np.repeat(np.arange(BLOCK), sizes)[:BLOCK]
    cluster = rng.choice(len(mixture.shares), size=BLOCK, p=mixture.shares)[patient]
    d = mixture.means.shape[1]
    common = rng.standard_normal((int(patient[-1]) + 1, d), np.float32)[patient]
    own = rng.standard_normal((BLOCK, d), np.float32)
    normal = np.float32(mixture.between**0.5) * common + np.float32((1 - mixture.between) ** 0.5) * own
    vectors = mixture.means[cluster]
    for one in np.unique(cluster):
        rows = cluster == one
        vectors[rows] += normal[rows] @ mixture.factors[one]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first = number * BLOCK
    return Block(np.arange(first, first + BLOCK, dtype=np.int64), vectors, patient + first + stream * FURTHER)


def blocks(mixture: Mixture, n: int, seed: int, stream: int = BASE) -> Iterator[Block]:
    """n films in blocks of BLOCK, the last one cut; no more than one is held."""
    for number in range(-(-n // BLOCK)):
        rest = slice(n - number * BLOCK)
        found = block(mixture, number, seed, stream)
        yield Block(found.ids[rest], found.vectors[rest], found.patients[rest])


def queries(mixture: Mixture, m: int, seed: int) -> Vectors:
    """float32 (m, d): films of further patients."""
    return np.concatenate([found.vectors for found in blocks(mixture, m, seed, QUERIES)])
