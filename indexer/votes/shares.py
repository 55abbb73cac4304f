"""From neighbours' labels and similarities to shares of entities; plain arrays, no loops over films."""

import numpy as np
import numpy.typing as npt

from indexer.evaluation.voting import NOBODY

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Similarities = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

LEAST_SHARE = 1e-12
"""Keeps logarithms finite; far under any share that prints."""


def weigh(labels: Ints, similarity: Similarities, bandwidth: float) -> Reals:
    """float64 (q, k): exp((s - s nearest) / bandwidth), so the nearest weighs 1; 0 in empty places (NOBODY)."""
    near = similarity.astype(np.float64)
    behind = np.where(labels == NOBODY, 0.0, near - near[:, :1])
    return np.where(labels == NOBODY, 0.0, np.exp(behind / bandwidth))


def shares(
    labels: Ints, similarity: Similarities, prior: Reals, bandwidth: float, smoothing: float, temperature: float
) -> Reals:
    """The share of each entity, float64 (q, e), rows of sum 1.

    labels, similarity: (q, k), one place a patient, nearest first; entity codes, NOBODY in empty places. prior: (e,),
    or (q, e) for films of several archives, the archive's share of patients of each entity: so none has a share of 0,
    and where nobody votes the prior stands.
    Weights are softmax-like; the smoothed shares are then sharpened or flattened by one temperature (Guo, Pleiss, Sun
    and Weinberger 2017, On Calibration of Modern Neural Networks).
    """
    weight = weigh(labels, similarity, bandwidth)
    smoothed = _sums(labels, weight, prior.shape[-1]) + smoothing * prior
    return _tempered(smoothed, temperature)


def malignant_shares(
    malignant: Ints, similarity: Similarities, prior: float, bandwidth: float, smoothing: float
) -> Reals:
    """The share of malignant patients in the weights, float64 (q,).

    malignant: int64 (q, k), 1 malignant, 0 not, NOBODY where that is unknown. prior: share of malignant patients.
    """
    weight = weigh(malignant, similarity, bandwidth)
    found: Reals = ((weight * (malignant == 1)).sum(axis=1) + smoothing * prior) / (weight.sum(axis=1) + smoothing)
    return found


def _sums(labels: Ints, weight: Reals, n_entities: int) -> Reals:
    """Weights summed by entity, (q, e)."""
    q, k = labels.shape
    flat = np.repeat(np.arange(q), k) * n_entities + np.maximum(labels, 0).ravel()
    counted = np.bincount(flat, weight.ravel(), minlength=q * n_entities).astype(np.float64)
    return counted.reshape(q, n_entities)


def _tempered(smoothed: Reals, temperature: float) -> Reals:
    logs = np.log(np.maximum(smoothed, LEAST_SHARE)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    found: Reals = powers / powers.sum(axis=1, keepdims=True)
    return found
