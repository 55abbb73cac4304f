"""Groups: what pairs connect, and the split groups that near-duplicates join."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Item = TypeVar("Item", int, str)


def components(pairs: Iterable[tuple[Item, Item]]) -> dict[Item, Item]:
    """Every member of the pairs to the least member that a chain of pairs leads to, whatever the order of the pairs."""
    parent: dict[Item, Item] = {}

    def root(item: Item) -> Item:
        while parent.setdefault(item, item) != item:
            parent[item] = item = parent[parent[item]]
        return item

    for one, two in pairs:
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    return {item: root(item) for item in sorted(parent)}


def joined_groups(split_group: Sequence[str], near_group: Sequence[int | None]) -> npt.NDArray[np.str_]:
    """The split group (n,) of every film, those that near-duplicates connect under the first of their names.

    split_group: (n,), of each film. near_group: (n,), of each film, None where no film is a near-duplicate of it.
    Every film of a split group follows: a group that shares a film with two others brings all three together.
    """
    first: dict[int, str] = {}
    pairs = [
        (first.setdefault(near, split), split)
        for split, near in zip(split_group, near_group, strict=True)
        if near is not None
    ]
    joined = components(pairs)
    return np.array([joined.get(split, split) for split in split_group], dtype=np.str_)


@dataclass(frozen=True)
class NearCounts:
    """How many films have a near-duplicate, in how many groups, of how many patients."""

    films: int = 0
    groups: int = 0
    patients: int = 0


def near_counts(groups: Mapping[int, int], patient: Mapping[int, str]) -> NearCounts:
    """The counts of near groups. groups: film to its group; patient: film to its patient, others' films too."""
    return NearCounts(len(groups), len(set(groups.values())), len({patient[film] for film in groups}))
