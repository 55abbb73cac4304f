"""What the engines hold and are asked: unit vectors of an archive, or drawn ones, with the truth, as files."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.ann import alike, drawn
from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveError
from indexer.archive import open_snapshot, read_segments

BASE, PATIENTS, QUERIES, KTH = "base.npy", "patients.npy", "queries.npy", "kth.npy"
ASKING = 0.2
"""Share of an archive's patients whose films ask the others'."""
AT_ONCE = 1 << 17
"""Rows compared at once for the truth."""


@dataclass(frozen=True)
class Data:
    """Files of a folder: BASE float32 (n, d), PATIENTS int64 (n,) codes, QUERIES (m, d), KTH float64 (m,).

    KTH is the k-th largest inner product.

    name: archive or drawn. facts: what a stored run must agree in to be gone on with. alike: drawn beside real.
    """

    name: str
    n: int
    k: int
    folder: Path
    facts: dict[str, Any]
    alike: dict[str, Any] | None = None


def read(root: Path) -> tuple[Vectors, Ids]:
    """float32 (n, d) vectors of an archive's films, scaled to length 1, and int64 (n,) codes of their patients.

    Raises:
        ArchiveError, ArchiveCorrupt: see `open_snapshot`.
    """
    snapshot = open_snapshot(root)
    snapshot.catalogue.close()
    segments = read_segments(root, snapshot.manifest)
    ids = np.concatenate([ids for ids, _ in segments])
    vectors = np.concatenate([vectors for _, vectors in segments])
    held, first = np.unique(snapshot.vector, return_index=True)  # films of the same bytes are one vector
    rows = np.argsort(ids)
    rows = rows[np.searchsorted(ids, held, sorter=rows)]
    found = vectors[rows] / np.linalg.norm(vectors[rows], axis=1, keepdims=True)
    return np.ascontiguousarray(found, np.float32), snapshot.patient[first].astype(np.int64)


def make(archive: Path | None, n: int | None, queries: int, k: int, folder: Path, seed: int = 0) -> Data:
    """Write the files. n: vectors to draw after the archive's; None = the archive's own, asked by a fifth of it.

    Raises:
        ArchiveError: no archive named, or one of too few films.
    """
    if archive is None:
        raise ArchiveError(
            "no archive is named to take vectors from or draw them after; make one with `caselink index`"
        )
    vectors, patients = read(archive)
    if n is None:
        asking = asked_by(patients, seed)
        base, some = vectors[~asking], vectors[asking][:queries]
        return from_arrays("archive", base, some, k, folder, seed, patients=patients[~asking])
    mixture = drawn.fit(vectors, patients, seed)
    base = np.lib.format.open_memmap(folder / BASE, mode="w+", dtype=np.float32, shape=(n, vectors.shape[1]))
    whose = np.empty(n, np.int64)
    for one in drawn.blocks(mixture, n, seed):
        base[one.ids], whose[one.ids] = one.vectors, one.patients
    base.flush()
    some = drawn.queries(mixture, queries, seed)
    compared = alike.compare(vectors, patients, mixture, seed)
    return from_arrays("drawn", base, some, k, folder, seed, compared, whose)


def asked_by(patients: Ids, seed: int) -> npt.NDArray[np.bool_]:
    """(n,): films of the share ASKING of patients."""
    codes = np.unique(patients)
    some = np.random.default_rng(seed).permutation(codes)[: max(1, round(ASKING * len(codes)))]
    return np.isin(patients, some)


def from_arrays(
    name: str,
    base: Vectors,
    queries: Vectors,
    k: int,
    folder: Path,
    seed: int = 0,
    compared: dict[str, Any] | None = None,
    patients: Ids | None = None,
) -> Data:
    """Data of float32 (n, d) and (m, d) unit rows, written to `folder` with the truth by FAISS, nothing missed.

    patients: int64 (n,); None = each row is somebody else's.

    Raises:
        ArchiveError: fewer than k rows.
    """
    if len(base) < k:
        raise ArchiveError(f"{len(base)} vectors have no {k} nearest; take an archive of more films, or --n {100 * k}")
    if not isinstance(base, np.memmap):
        np.save(folder / BASE, base)
    np.save(folder / QUERIES, queries)
    np.save(folder / PATIENTS, np.arange(len(base)) if patients is None else patients)
    nearest = truth(base, queries, k)
    kth = likeness(base, queries, nearest).min(axis=1)
    np.save(folder / KTH, kth)
    digest = hashlib.sha256(queries.tobytes() + np.ascontiguousarray(base[: drawn.BLOCK]).tobytes() + kth.tobytes())
    facts = {"data": name, "n": len(base), "queries": len(queries), "k": k, "seed": seed, "sha256": digest.hexdigest()}
    return Data(name, len(base), k, folder, facts, compared)


def truth(base: Vectors, queries: Vectors, k: int) -> Ids:
    """int64 (m, k): rows of the k largest inner products, in blocks, so that the base is never copied whole."""
    best, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start in range(0, len(base), AT_ONCE):
        block = np.ascontiguousarray(base[start : start + AT_ONCE])
        near, found = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
        best, rows = np.hstack([best, near]), np.hstack([rows, found + start])
        order = np.argsort(-best, axis=1, kind="stable")[:, :k]
        best, rows = np.take_along_axis(best, order, axis=1), np.take_along_axis(rows, order, axis=1)
    return rows


def likeness(base: Vectors, queries: Vectors, rows: Ids) -> npt.NDArray[np.float64]:
    """float64 (m, k): inner products of each query with its rows; -inf where the row is -1."""
    held = base[np.maximum(rows, 0)].astype(np.float64)
    found: npt.NDArray[np.float64] = np.einsum("mkd,md->mk", held, queries.astype(np.float64))
    return np.where(rows < 0, -np.inf, found)


def recall(base: Vectors, queries: Vectors, kth: npt.NDArray[np.float64], rows: Ids) -> float:
    """Share of the k that are as near as the k-th nearest; ties count, a row given twice counts once."""
    near = likeness(base, queries, rows) >= kth[:, None] - 1e-6
    hits = [len(np.unique(row[good])) for row, good in zip(rows, near, strict=True)]
    return float(np.mean(np.minimum(hits, rows.shape[1]) / rows.shape[1]))
