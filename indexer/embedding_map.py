"""The archive's vectors in two dimensions, to look at: their two widest directions (PCA)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

from engine.embeddings import Ids, Vectors
from indexer.archive import Snapshot
from indexer.segments import read_segment

MOST = 4_000
"""Films on the map of a larger archive; drawn by chance, always the same ones of a version."""
METHOD = "PCA"


@dataclass(frozen=True)
class EmbeddingMap:
    """Films on a plane. film: int64 (n,), ascending. xy: float64 (n, 2), the farther axis within -1..1.

    explained: share of the variance along each. films: of the archive.
    """

    film: Ids
    xy: npt.NDArray[np.float64]
    explained: tuple[float, float]
    films: int


def embedding_map(snapshot: Snapshot, most: int = MOST) -> EmbeddingMap:
    """Map a version's films, or `most` of them.

    Raises:
        ArchiveCorrupt: a segment that is not the one written.
    """
    total = len(snapshot.film)
    rows = np.arange(total)
    if total > most:
        rows = np.sort(np.random.default_rng(snapshot.manifest.version).choice(total, most, replace=False))
    vectors = _vectors(snapshot, snapshot.vector[rows])
    xy, explained = widest(vectors)
    far = np.abs(xy).max(initial=0.0)
    return EmbeddingMap(snapshot.film[rows], xy / far if far > 0 else xy, explained, total)


def widest(vectors: Vectors) -> tuple[npt.NDArray[np.float64], tuple[float, float]]:
    """Vectors (n, d) along their two widest directions, float64 (n, 2), and the share of the variance along each.

    The sign of a direction is that of its largest number, so that a map does not flip.
    """
    n, d = vectors.shape
    if n < 2 or d < 2:
        return np.zeros((n, 2)), (0.0, 0.0)
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    spread = centred.T @ centred
    values, axes = eigh(spread, subset_by_index=[d - 2, d - 1])
    axes = axes[:, ::-1] * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])[::-1]
    whole = float(np.trace(spread))
    shares = np.clip(values[::-1], 0, None) / whole if whole > 0 else np.zeros(2)
    return centred @ axes, (float(shares[0]), float(shares[1]))


def _vectors(snapshot: Snapshot, wanted: Ids) -> Vectors:
    """The vectors of these ids, in order; one segment in memory at a time."""
    found = np.zeros((len(wanted), snapshot.manifest.card.dimension), np.float32)
    for segment in snapshot.manifest.segments:
        ids, vectors = read_segment(snapshot.root, segment)
        order = np.argsort(ids)
        place = np.minimum(np.searchsorted(ids, wanted, sorter=order), len(ids) - 1)
        here = ids[order[place]] == wanted
        found[here] = vectors[order[place[here]]]
    return found
