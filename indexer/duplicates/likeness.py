"""Confirming on pixels that two films are one exposure: how alike their detail is, once they lie on each other."""

import cv2
import numpy as np
import numpy.typing as npt

from indexer.duplicates.hashes import Grey, Match, inside

SIDE = 128
NEAR = 0.6
"""Likeness from which two films are called near-duplicates.

Over the pairs of btxrd and fracatlas whose hashes or outlines are alike, looked at by eye: one exposure held twice has
0.91 and more, cut short 0.71, in another window 0.63. Below lie one shoulder in two windows or exposed twice (0.54) and
films that must not be joined: two patients in one pose (0.49 at most), the left and right knee of one patient (0.39), a
hand that moved in the same frame (0.25).
"""
LOWEST_SHARE = 0.2
"""Share of windows that may be unlike: a marker, a hand that moved in the same frame may not hide in the median."""
WINDOW = 17
"""Pixels of a window's side, about a tenth of the film."""
FINE = 2.5
"""Pixels of the blur that takes away what two knees have in common, their outline."""
TEXTURE = 4.0
"""Variance in squared grey levels of 255 from which a window has detail to compare."""
NOISE = 1.0
"""Variance added below the fraction, so that noise in flat windows is no detail."""
STEP = 4
LEAST_COVER = 0.5
"""Share of the film that must be covered by the other, and of its detail that must be in both."""
FEWEST = 20
ROUGH_SIDE = 32
ROUGHLY_ALIKE = 0.9
"""Correlation at 32 pixels under which the finer alignment is not worth its time."""
ROUGH_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 25, 1e-4)
STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
SMOOTH = 5
"""Pixels of the blur under which films are aligned."""

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def small_picture(grey: Grey) -> Grey:
    """A film's picture, uint8 (H, W), as `likeness` compares it: square, uint8 (128, 128)."""
    how = cv2.INTER_AREA if min(grey.shape) > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=how), dtype=np.uint8)


def likeness(one: Grey, two: Grey, match: Match) -> float:
    """How alike the detail of two films is: 1 for the same, about 0 for two films; 0.6 and more is a near-duplicate.

    one, two: uint8 (128, 128), as `small_picture` gives them. match: how the hash of `one` lay on that of `two`.
    The fifth lowest of the correlations of small windows, after the outline is taken away, over windows that have
    detail in both films: a corner that was cut short, or whose detail an exposure swallowed, does not count.
    """
    matched = _planes(one, two, match)
    # what was cut short has another border than the whole film, so the whole of both is looked at too
    whole = matched if match.mine == match.other == 0 else _planes(one, two, match._replace(mine=0, other=0))
    everywhere = np.ones((SIDE, SIDE), dtype=np.float32)
    at_once = max(_agreement(*planes, everywhere) for planes in (matched, whole))
    if at_once >= NEAR:
        return at_once
    mine, other = matched
    warp = _align(mine, other)
    if warp is None:
        return at_once
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(other, warp, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REFLECT)
    cover = cv2.warpAffine(np.ones_like(other), warp, (SIDE, SIDE), flags=how) > 0.99
    return max(at_once, _agreement(mine, np.asarray(moved, np.float32), cover.astype(np.float32)))


def _planes(one: Grey, two: Grey, match: Match) -> tuple[Plane, Plane]:
    """The matching faces of both films, the first in the pose and polarity of the second."""
    mine = match.pose.turn(_face(one if match.mine == 0 else one[inside(one)])).astype(np.float32)
    other = _face(two if match.other == 0 else two[inside(two)]).astype(np.float32)
    return 255 - mine if match.inverted else mine, other


def _face(picture: Grey) -> Grey:
    if picture.shape == (SIDE, SIDE):
        return picture
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _align(one: Plane, two: Plane) -> Plane | None:
    """The affine map, float32 (2, 3), that lays `two` on `one` (Evangelidis 2008); None where nothing does."""
    size = (ROUGH_SIDE, ROUGH_SIDE)
    small = [cv2.resize(film, size, interpolation=cv2.INTER_AREA) for film in (one, two)]
    rough, all_of = np.eye(2, 3, dtype=np.float32), np.ones(size, dtype=np.uint8)
    everywhere = np.ones((SIDE, SIDE), dtype=np.uint8)
    try:
        alike, found = cv2.findTransformECC(small[0], small[1], rough, cv2.MOTION_AFFINE, ROUGH_STEPS, all_of, 3)
        if alike < ROUGHLY_ALIKE:
            return None
        warp = np.asarray(found, dtype=np.float32)
        warp[:, 2] *= SIDE / ROUGH_SIDE
        _, found = cv2.findTransformECC(one, two, warp, cv2.MOTION_AFFINE, STEPS, everywhere, SMOOTH)
    except cv2.error:  # it says so by an error where it does not converge
        return None
    return np.asarray(found, dtype=np.float32)


def _agreement(one: Plane, two: Plane, cover: Plane) -> float:
    """The fifth lowest correlation of windows within `cover` with detail in both; 0 where too few have."""
    if cover.mean() < LEAST_COVER:
        return 0.0
    size = (WINDOW, WINDOW)
    share = cv2.boxFilter(cover, -1, size)
    mean = np.maximum(share, 1e-6)
    details = [(film - cv2.GaussianBlur(film, (0, 0), FINE)) * cover for film in (one, two)]
    means = [cv2.boxFilter(detail, -1, size) / mean for detail in details]
    spreads = [cv2.boxFilter(d * d, -1, size) / mean - m * m for d, m in zip(details, means, strict=True)]
    together = cv2.boxFilter(details[0] * details[1], -1, size) / mean - means[0] * means[1]
    at = np.s_[::STEP, ::STEP]
    held = share[at] > LEAST_COVER
    first, second = ((spread[at] > TEXTURE) & held for spread in spreads)
    both, either = int((first & second).sum()), int((first | second).sum())
    if both < FEWEST or both < LEAST_COVER * either:
        return 0.0
    noisy = [np.maximum(spread[at], 0) + NOISE for spread in spreads]
    correlation = together[at] / np.sqrt(noisy[0] * noisy[1])
    return float(np.quantile(correlation[first & second], LOWEST_SHARE))
