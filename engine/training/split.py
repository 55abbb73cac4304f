"""Who is held back from a fit: whole split groups, entities in equal shares."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from engine.errors import QueryError, TrainingError
from engine.folds import grouped_folds
from engine.training.films import TrainingSet
from engine.training.recipe import Recipe

SHARES = 5
"""Of which one is kept for calibration, and another for validation where the recipe stops early."""


class Role(StrEnum):
    """What a film was to an encoder."""

    train = "train"
    calibration = "calibration"
    validation = "validation"


@dataclass(frozen=True)
class Split:
    """role: object (n,), a `Role` for each film of a set."""

    role: npt.NDArray[np.object_]

    def rows(self, role: Role) -> npt.NDArray[np.int64]:
        """The films of a role, in order."""
        return np.flatnonzero(self.role == role)


def folds(films: TrainingSet, n: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold of each film; see `engine.folds.grouped_folds`.

    Raises:
        TrainingError: fewer groups than folds.
    """
    groups = len(set(films.column("group")))
    try:
        return grouped_folds(films.column("group"), films.column("entity"), n, seed)
    except QueryError as error:
        raise TrainingError(
            f"the {len(films)} films of {films.title} are of {groups} split group{'s' * (groups != 1)}; a fit needs "
            f"{n} to hold some back; give films of more patients"
        ) from error


def split(films: TrainingSet, recipe: Recipe, seed: int) -> Split:
    """Hold a fifth of the groups back for calibration, and another for validation where the recipe needs it.

    An ensemble stops each member early on that member's own fold and needs no other.
    """
    fold = folds(films, SHARES, seed)
    role = np.full(len(films), Role.train, dtype=object)
    role[fold == 0] = Role.calibration
    if recipe.early_stopping is not None and recipe.folds == 1:
        role[fold == 1] = Role.validation
    return Split(role)


def some(films: TrainingSet, most: int | None, seed: int) -> TrainingSet:
    """At most so many films, whole groups drawn by `seed`; all of them where `most` is None."""
    if most is None or len(films) <= most:
        return films
    group = films.column("group")
    names = list(dict.fromkeys(group))
    chosen: set[object] = set()
    kept = 0
    for place in np.random.default_rng(seed).permutation(len(names)):
        size = int((group == names[place]).sum())
        if kept + size <= most:
            chosen.add(names[place])
            kept += size
    return films.take(np.flatnonzero([name in chosen for name in group]))
