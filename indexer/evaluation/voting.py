"""One patient, one vote."""

import numpy as np
import numpy.typing as npt

NOBODY = -1  # the label of an empty place, where fewer patients are there than asked for

TIE_RULE = "most patients win; ties go to the larger summed similarity, then to the nearer patient"
TEMPERATURE = 0.07
"""Of the similarity-weighted vote: a neighbour 0.07 less similar than the nearest counts 1 / e of it (Wu, Xiong, Yu and
Lin 2018, Unsupervised Feature Learning via Non-Parametric Instance Discrimination, whose value this is)."""


def vote(labels: npt.NDArray[np.int64], similarity: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The entity that most of k patients have, for each of q queries.

    labels, similarity: (q, k), nearest first; entity codes, NOBODY in empty places. Ties go to the
    larger summed similarity, then to the nearer patient. Returns (q,), NOBODY where all places are empty.
    """
    if len(labels) == 1:
        return np.array([_winner(labels[0].tolist(), similarity[0].tolist())])
    alike = labels[:, :, None] == labels[:, None, :]  # (q, k, k): k is small, and entities may be many
    known = labels != NOBODY
    votes = alike.sum(axis=2) * known
    sums = (alike @ np.where(known, similarity, 0).astype(np.float64)[:, :, None])[:, :, 0]
    leads = np.where((votes == votes.max(axis=1, keepdims=True)) & (votes > 0), sums, -np.inf)
    first = leads.argmax(axis=1)  # of equals the nearer
    winners: npt.NDArray[np.int64] = labels[np.arange(len(labels)), first]
    return winners


def _winner(labels: list[int], similarity: list[float]) -> int:
    """As `vote` of one query: a walk over a few neighbours takes less than NumPy's calls."""
    votes: dict[int, tuple[int, float]] = {}
    for label, near in zip(labels, similarity, strict=True):
        if label != NOBODY:
            count, total = votes.get(label, (0, 0.0))
            votes[label] = count + 1, total + near
    return max(votes, key=votes.__getitem__, default=NOBODY)  # the first of equals, which is the nearer


def weights(labels: npt.NDArray[np.int64], similarity: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """What each neighbour's vote weighs, (q, k): exp of its similarity over TEMPERATURE, the nearest 1, nobody 0."""
    below = similarity.astype(np.float64) - similarity[:, :1]
    found: npt.NDArray[np.float64] = np.where(labels == NOBODY, 0.0, np.exp(np.minimum(below, 0) / TEMPERATURE))
    return found


def shares(labels: npt.NDArray[np.int64], weight: npt.NDArray[np.float64], n_entities: int) -> npt.NDArray[np.float64]:
    """Each entity's share of the weights, (q, e); all 0 where nobody votes. weight: (q, k), 0 in empty places."""
    one_hot = labels[:, :, None] == np.arange(n_entities)
    sums = (one_hot * weight[:, :, None]).sum(axis=1)
    total = weight.sum(axis=1, keepdims=True)
    found: npt.NDArray[np.float64] = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return found


def leader(labels: npt.NDArray[np.int64], share: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The entity of the largest share, (q,): of equals that of the nearer patient; NOBODY where nobody votes."""
    return _nearest_of(labels, share >= share.max(axis=1, keepdims=True) - 1e-12)


def _nearest_of(labels: npt.NDArray[np.int64], leads: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """labels: (q, k). leads: (q, e). The first label in each row that leads."""
    place = np.take_along_axis(leads, np.maximum(labels, 0), axis=1) & (labels != NOBODY)  # (q, k)
    nearest = np.take_along_axis(labels, place.argmax(axis=1)[:, None], axis=1)[:, 0]
    winners: npt.NDArray[np.int64] = np.where(place.any(axis=1), nearest, NOBODY)
    return winners
