"""Where two films agree: what each place of one adds to its likeness to the other, from an encoder's patches.

Patches are float32 (views, c, h, w), as `Embedder.explain` gives them; maps are float32 (views, h, w).
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from engine.embeddings import Patches

Map = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Method = Callable[[Patches, Patches], Map]


def shares(patches: Patches, other: Patches) -> Map:
    """What each cell adds to the cosine between the two films' pooled patches; the cells of all views sum to it.

    The decomposition of Stylianou, Souvenir and Pless (Visualizing Deep Similarity Networks, WACV 2019), exact for an
    encoder whose embedding is the mean over places. Zeros where a film has no features at all.
    """
    mean, theirs = pooled(patches), pooled(other)
    length = float(np.linalg.norm(mean) * np.linalg.norm(theirs))
    if length == 0:
        return np.zeros(patches[:, 0].shape, np.float32)
    return activation(patches, theirs / length)


def best_matches(patches: Patches, other: Patches) -> Map:
    """The cosine, -1..1, of each cell to the likest cell of the other film's same view; 0 where one has no features."""
    views, _, rows, columns = patches.shape
    cosine = np.einsum("vci,vcj->vij", _unit(patches), _unit(other))
    return np.asarray(cosine.max(axis=2).reshape(views, rows, columns), np.float32)


METHODS: Mapping[str, Method] = {"shares": shares, "best matches": best_matches}
DEFAULT_METHOD = "shares"
"""What finds lesions better of the two on whole films, with an untrained encoder: see benchmarks/explain.py."""


def match_maps(query: Patches, neighbour: Patches, method: str = DEFAULT_METHOD) -> tuple[Map, Map]:
    """For each of two films, how much each place agrees with the other film; scaled over all views to 0..1."""
    measure = METHODS[method]
    return scaled(measure(query, neighbour)), scaled(measure(neighbour, query))


def pooled(patches: Patches) -> Floats:
    """The mean over places, float64 (views, c)."""
    return np.asarray(patches.mean(axis=(2, 3), dtype=np.float64))


def activation(patches: Patches, direction: Floats) -> Map:
    """What each cell adds to the dot product of the pooled patches with `direction` (views, c); its sum is that."""
    cells = patches.shape[2] * patches.shape[3]
    return np.asarray(np.einsum("vchw,vc->vhw", patches.astype(np.float64), direction) / cells, np.float32)


def scaled(values: Map, counts: npt.NDArray[np.bool_] | None = None) -> Map:
    """Stretched to 0..1 over all views; zeros where all are equal.

    counts: the cells that set the scale, the others are 0; None for all.
    """
    inside = np.ones(values.shape, bool) if counts is None else counts
    if not inside.any():
        return np.zeros_like(values)
    low, high = values[inside].min(), values[inside].max()
    span = high - low
    found = (values - low) / span if span > 0 else np.zeros_like(values)
    return np.asarray(np.where(inside, found, 0), np.float32)


def _unit(patches: Patches) -> Floats:
    """Cells as unit columns, float64 (views, c, h w)."""
    columns = patches.reshape(*patches.shape[:2], -1).astype(np.float64)
    length = np.linalg.norm(columns, axis=1, keepdims=True)
    return np.asarray(np.divide(columns, length, out=np.zeros_like(columns), where=length > 0))
