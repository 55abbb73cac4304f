"""One patient, one vote."""

import numpy as np
import numpy.typing as npt

NOBODY = -1  # the label of an empty place, where fewer patients are there than asked for

TIE_RULE = "most patients win; ties go to the larger summed similarity, then to the nearer patient"


def vote(labels: npt.NDArray[np.int64], similarity: npt.NDArray[np.float32], n_entities: int) -> npt.NDArray[np.int64]:
    """The entity that most of k patients have, for each of q queries.

    labels, similarity: (q, k), nearest first; entity codes below n_entities, NOBODY in empty places. Ties go to the
    larger summed similarity, then to the nearer patient. Returns (q,), NOBODY where all places are empty.
    """
    one_hot = labels[:, :, None] == np.arange(n_entities)  # (q, k, e)
    votes = one_hot.sum(axis=1)
    sums = (one_hot * similarity[:, :, None].astype(np.float64)).sum(axis=1)
    leads = votes == votes.max(axis=1, keepdims=True)
    sums = np.where(leads, sums, -np.inf)
    leads = sums == sums.max(axis=1, keepdims=True)
    place = np.take_along_axis(leads, np.maximum(labels, 0), axis=1) & (labels != NOBODY)  # (q, k)
    nearest = np.take_along_axis(labels, place.argmax(axis=1)[:, None], axis=1)[:, 0]
    winners: npt.NDArray[np.int64] = np.where(place.any(axis=1), nearest, NOBODY)
    return winners
