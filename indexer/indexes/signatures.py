"""Signatures of locality-sensitive hashing (Charikar 2002): the sides of hyperplanes on which a vector lies.

The search of Hinterwimmer 2024 (R1): near vectors share most bits, so neighbours are those at small Hamming distance.
Beside exact search it loses neighbours; `kept` says how many.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Self

import faiss
import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors
from engine.errors import QueryError
from indexer.indexes.reduction import Reduction, linear

Signature = npt.NDArray[np.uint8]
BITS = 256
SEED = 0
MOST = 32_768
"""Vectors that planes are learned from."""
WIDEST = 48
"""Directions that parallel planes stand across."""
SPAN = 1.2
"""Standard deviations from the mean to the outermost of them."""
HELD = 1 << 24
"""Bytes of differences held at once."""


def signatures(vectors: Vectors, bits: int = BITS) -> Signature:
    """uint8 (n, ceil(bits / 8)) of float32 (n, d): FAISS `IndexLSH`, whose planes are the same in every run.

    Raises QueryError for fewer than 8 or more than 4096 bits.
    """
    if not 8 <= bits <= 4096:
        raise QueryError(f"{bits} bits make no usable hash; ask for 8 to 4096, 256 is usual")
    found = _random_planes(vectors.shape[1], bits).sa_encode(np.ascontiguousarray(vectors, np.float32))
    return np.asarray(found, np.uint8)


@cache
def _random_planes(dimension: int, bits: int) -> faiss.IndexLSH:
    """Drawn once a process: that takes milliseconds, and a query's signature far less."""
    return faiss.IndexLSH(dimension, bits)


def hamming(queries: Signature, table: Signature) -> npt.NDArray[np.int64]:
    """int64 (m, n): bits that differ between each of m queries and each of n signatures."""
    found = np.empty((len(queries), len(table)), np.int64)
    step = max(1, HELD // max(1, table.size))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        found[rows] = np.bitwise_count(queries[rows, None] ^ table).sum(axis=2, dtype=np.int64)
    return found


def kept(queries: Vectors, table: Vectors, k: int = 10, bits: int = BITS) -> float:
    """Share of the k nearest by cosine that are among the k nearest by Hamming distance; ties by place in the table."""
    k = min(k, len(table))
    exact = np.argsort(-(queries @ table.T), axis=1, kind="stable")[:, :k]
    apart = hamming(signatures(queries, bits), signatures(table, bits))
    hashed = np.argsort(apart, axis=1, kind="stable")[:, :k]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(exact, hashed, strict=True)]))


class Planes(StrEnum):
    """Where hyperplanes stand; all but random ones are fitted to the vectors.

    random: through the mean, in any direction (Charikar 2002). itq: through the mean, at right angles, turned so that
    vectors lie far from them (Gong and Lazebnik 2011); for no more bits than numbers, those beyond are random.
    parallel: a few beside each other across each of the widest directions, randomly turned among themselves, so that
    the bits that differ count how many steps two vectors are apart.
    """

    random = "random"
    itq = "itq"
    parallel = "parallel"


@dataclass(frozen=True)
class Signer:
    """Hyperplanes for one archive: float32 (d, bits) normals and (bits,) offsets; a bit is set above its plane."""

    normals: Vectors
    offsets: Vectors

    @property
    def bits(self) -> int:
        """Bits of a signature."""
        return len(self.offsets)

    @classmethod
    def fit(cls, vectors: Vectors, bits: int, planes: Planes = Planes.parallel) -> Self:
        """Planes for these vectors (n, d), the same in every run. See `Planes`."""
        rng = np.random.default_rng(SEED)
        d = vectors.shape[1]
        sample = vectors if len(vectors) <= MOST else vectors[rng.choice(len(vectors), MOST, replace=False)]
        mean = sample.mean(axis=0, dtype=np.float64)
        normals = rng.normal(size=(d, bits))
        offsets = mean @ normals
        if planes is Planes.itq:
            turned = min(d, bits)
            normals[:, :turned] = _turned(sample - mean, turned)
            offsets = mean @ normals
        if planes is Planes.parallel:
            widest = Reduction.fit(sample, 1.0, min(WIDEST, bits)).directions
            steps = bits // widest.shape[1]
            turn, _ = np.linalg.qr(rng.normal(size=(widest.shape[1],) * 2))
            along = np.repeat(widest @ turn, steps, axis=1)
            places = sample @ along
            apart = np.tile(np.linspace(-SPAN, SPAN, steps) if steps > 1 else np.zeros(1), widest.shape[1])
            normals[:, : along.shape[1]] = along
            offsets[: along.shape[1]] = places.mean(axis=0) + apart * places.std(axis=0)
            order = rng.permutation(bits)  # so that a slice of a signature, a table's key, tells of many directions
            normals, offsets = normals[:, order], offsets[order]
        return cls(normals.astype(np.float32), offsets.astype(np.float32))

    def __call__(self, vectors: Vectors) -> Signature:
        """uint8 (n, bits / 8) of float32 (n, d)."""
        apart = self._transform.apply(np.ascontiguousarray(vectors, np.float32))
        return np.packbits(apart > 0, axis=1, bitorder="little")

    @cached_property
    def _transform(self) -> faiss.LinearTransform:
        return linear(self.normals, -self.offsets)


def _turned(centred: Vectors, bits: int) -> Vectors:
    """ITQ's orthogonal planes (d, bits), read off FAISS's transform."""
    d = centred.shape[1]
    transform = faiss.ITQTransform(d, bits, bits < d)
    transform.train(np.ascontiguousarray(centred, np.float32))
    moved = transform.apply(np.concatenate([np.zeros((1, d)), np.eye(d)]).astype(np.float32))
    return np.asarray(moved[1:] - moved[0])
