"""The films of a source as several recipes see them, the same films in the same order for each."""

from collections.abc import Sequence

import numpy as np

from engine.errors import SourceError
from engine.region import View
from engine.training.films import TrainingSet
from engine.training.fit import labelled
from engine.training.recipe import Recipe
from engine.training.split import some
from indexer.prepare import Roi
from indexer.sources import Listing
from indexer.training import LeftOut, training_set


class Films:
    """Reads a source once for each size and set of views asked for. left: files that cannot be read, and why."""

    def __init__(self, listing: Listing, roi: Roi) -> None:
        self.listing, self.roi = listing, roi
        self.left: list[LeftOut] = []
        self._read: dict[tuple[tuple[View, ...], int], TrainingSet] = {}

    def seen_by(self, recipe: Recipe) -> TrainingSet:
        """Every film as a recipe's encoder sees it.

        Raises:
            SourceError: no film can be read, or they are others than they were before.
        """
        key = recipe.views, recipe.size
        if key not in self._read:
            found, left = training_set(self.listing, self.roi, *key)
            for known in self._read.values():
                if [film.sha256 for film in known.films] != [film.sha256 for film in found.films]:
                    raise SourceError(
                        f"films of {found.title} changed while they were read; leave them alone and run again"
                    )
            self._read[key], self.left = found, left
        return self._read[key]

    def chosen(self, recipes: Sequence[Recipe], seed: int) -> list[TrainingSet]:
        """For each recipe the films that all of them learn from, no more than the least of them takes.

        Raises:
            TrainingError: no two entities. SourceError: as `seen_by`.
        """
        first = self.seen_by(recipes[0])
        left_out = tuple({name for recipe in recipes for name in recipe.leave_out})
        usable, _ = labelled(first, recipes[0].model_copy(update={"leave_out": left_out}))
        limits = [recipe.most_films for recipe in recipes if recipe.most_films is not None]
        kept = {film.sha256 for film in some(usable, min(limits, default=None), seed).films}
        rows = np.array([row for row, film in enumerate(first.films) if film.sha256 in kept], dtype=np.int64)
        return [self.seen_by(recipe).take(rows) for recipe in recipes]
