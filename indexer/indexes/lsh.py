"""Locality-sensitive hashing (Charikar 2002): a vector becomes the sides of hyperplanes on which it lies.

The search of Hinterwimmer 2024 (R1): near vectors share most bits, so neighbours are those at small Hamming distance.
Beside exact search it loses neighbours; `kept` says how many.
"""

import faiss
import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors
from engine.errors import QueryError

Signature = npt.NDArray[np.uint8]
BITS = 256
HELD = 1 << 24
"""Bytes of differences held at once."""


def signatures(vectors: Vectors, bits: int = BITS) -> Signature:
    """uint8 (n, ceil(bits / 8)) of float32 (n, d): FAISS `IndexLSH`, whose planes are the same in every run.

    Raises QueryError for fewer than 8 or more than 4096 bits.
    """
    if not 8 <= bits <= 4096:
        raise QueryError(f"{bits} bits make no usable hash; ask for 8 to 4096, 256 is usual")
    found = faiss.IndexLSH(vectors.shape[1], bits).sa_encode(np.ascontiguousarray(vectors, np.float32))
    return np.asarray(found, np.uint8)


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
