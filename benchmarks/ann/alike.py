"""How alike drawn vectors and real ones are, for a search: spectrum, nearest neighbours, intrinsic dimension."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.ann.drawn import BASE, Mixture, blocks
from engine.embeddings import Ids, Vectors

FIRST = (8, 16, 32, 64, 128)
QUANTILES = (10, 50, 90)
MOST = 4000
"""Films compared, each with all others."""
NEIGHBOURS = 20
"""Neighbours from which the dimension around a film is estimated."""
NO_DISTANCE = 1e-6
Reals = npt.NDArray[np.float64]


def spectrum(vectors: Vectors) -> tuple[list[float], float]:
    """Shares of the variance of (n, d) in the first FIRST directions; and the participation ratio, 1 to d."""
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    values = np.linalg.eigvalsh(centred.T @ centred)[::-1]
    values = np.maximum(values, 0) / values.sum()
    return [float(values[:first].sum()) for first in FIRST], float(1 / (values**2).sum())


def distances(vectors: Vectors, patients: Ids, k: int = NEIGHBOURS) -> Reals:
    """(n, k): Euclidean distances from each unit vector to its k nearest of other patients, the nearest first."""
    unlike = 2 - 2 * (vectors @ vectors.T).astype(np.float64)
    unlike[patients[:, None] == patients] = np.inf
    nearest = np.sort(np.partition(unlike, k - 1, axis=1)[:, :k], axis=1)
    found: Reals = np.sqrt(np.maximum(nearest, NO_DISTANCE**2))
    return found


def dimension(near: Reals) -> float:
    """The local intrinsic dimension by maximum likelihood (Levina and Bickel 2004), from distances (n, k) in order.

    The inverses of the films' estimates are averaged (MacKay and Ghahramani 2005), which takes out their bias.
    """
    inverse = np.log(near[:, -1:] / near[:, :-1]).mean(axis=1)
    return float(1 / inverse.mean())


def facts(vectors: Vectors, patients: Ids) -> dict[str, Any]:
    """One side of the comparison, as plain numbers."""
    shares, ratio = spectrum(vectors)
    near = distances(vectors, patients)
    return {
        "variance_in_first": dict(zip(map(str, FIRST), shares, strict=True)),
        "participation_ratio": ratio,
        "nearest_distance": {f"p{q}": float(np.percentile(near[:, 0], q)) for q in QUANTILES},
        "tenth_distance": {f"p{q}": float(np.percentile(near[:, 9], q)) for q in QUANTILES},
        "intrinsic_dimension": dimension(near),
    }


def compare(vectors: Vectors, patients: Ids, mixture: Mixture, seed: int = 0) -> dict[str, Any]:
    """Real vectors, float32 (n, d) of length 1, beside as many drawn ones; at most MOST of each."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:MOST])
    found = list(blocks(mixture, len(rows), seed, BASE))
    drawn, codes = (np.concatenate([getattr(one, name) for one in found]) for name in ("vectors", "patients"))
    sides = {"real": facts(vectors[rows], patients[rows]), "drawn": facts(drawn, codes)}
    fitted = {
        "clusters": len(mixture.shares),
        "shrinkage_median": float(np.median(mixture.shrinkage)),
        "between_patients": mixture.between,
        "films_per_patient": float((mixture.films * np.arange(1, len(mixture.films) + 1)).sum()),
    }
    return {"films": len(rows)} | sides | {"fitted": fitted}


def lines(compared: dict[str, Any]) -> list[Sequence[str]]:
    """Rows of a table: what, real, drawn."""
    real, drawn = _flat(compared["real"]), _flat(compared["drawn"])
    return [("", "real", "drawn"), *((name, f"{real[name]:.3f}", f"{drawn[name]:.3f}") for name in real)]


def _flat(side: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in side.items():
        said = name.replace("_", " ")
        found |= {f"{said} {key}": each for key, each in value.items()} if isinstance(value, dict) else {said: value}
    return found
