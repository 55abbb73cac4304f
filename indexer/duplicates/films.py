"""Near-duplicates among films in memory, as a trainer needs them before it splits."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine.embeddings import Ids, Vectors
from indexer.duplicates.groups import components
from indexer.duplicates.hashes import Grey, perceptual_hash
from indexer.duplicates.likeness import NEAR, likeness, small_picture
from indexer.duplicates.lookalikes import Lookalikes


@dataclass(frozen=True)
class Pair:
    """Two near-duplicate films, the earlier first, and their likeness (0.6 to 1)."""

    one: int
    two: int
    likeness: float


def near_pairs(pictures: Sequence[Vectors]) -> list[Pair]:
    """Every pair of near-duplicates among films, float32 (H, W) in 0..1 each, by their place in the sequence."""
    known = Lookalikes()
    small: list[Grey] = []
    found = []
    for number, pixels in enumerate(pictures):
        grey = np.asarray(cv2.convertScaleAbs(pixels, alpha=255), dtype=np.uint8)
        small.append(small_picture(grey))
        phash = perceptual_hash(grey)
        for match in known.near(phash):
            alike = likeness(small[number], small[match.film], match)
            if alike >= NEAR:
                found.append(Pair(match.film, number, alike))
        known.add(number, phash)
    return found


def near_duplicates(pictures: Sequence[Vectors]) -> Ids:
    """int64 (n,): the near group of each film, -1 where no other is a near-duplicate of it.

    pictures: float32 (H, W) in 0..1, of any sizes. A group's number is the place of its first film. A trainer keeps
    a group on one side of every split: see `joined_groups`.
    """
    groups = components((pair.one, pair.two) for pair in near_pairs(pictures))
    return np.array([groups.get(number, -1) for number in range(len(pictures))], dtype=np.int64)
