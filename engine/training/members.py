"""Fits a recipe as it says: one network, or one per fold joined to an ensemble."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.training.ensemble import EnsembleNetwork
from engine.training.films import TrainingSet
from engine.training.fit import Epoch, Fitted, fit, labelled
from engine.training.inference import embed_films
from engine.training.metadata import Metadata
from engine.training.networks import Network
from engine.training.recipe import Recipe
from engine.training.split import folds
from engine.training.tensors import Tensors


@dataclass(frozen=True)
class Step:
    """Which fit runs, out of how many, and how far it is."""

    name: str
    number: int
    of: int
    epoch: Epoch


Tell = Callable[[Step], None]


@dataclass(frozen=True)
class Teller:
    """Puts a fit's name and number before its epochs."""

    name: str
    number: int
    of: int
    tell: Tell

    def __call__(self, epoch: Epoch) -> None:
        """After each epoch."""
        self.tell(Step(self.name, self.number, self.of, epoch))


def fit_recipe(
    films: TrainingSet,
    recipe: Recipe,
    seed: int,
    *,
    name: str = "fit",
    watch: TrainingSet | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
    tell: Tell | None = None,
) -> Fitted:
    """As `fit`; where the recipe has folds, each member is fitted without one of them and watched on it.

    Raises:
        TrainingError: fewer groups than folds, and as `fit`.
    """
    if recipe.folds == 1:
        told = None if tell is None else Teller(name, 1, 1, tell)
        return fit(films, recipe, seed, watch=watch, checkpoints=checkpoints, resume=resume, progress=told)
    chosen, entities = labelled(films, recipe)
    fold = folds(chosen, recipe.folds, seed)
    members = [
        fit(
            chosen.take(np.flatnonzero(fold != number)),
            recipe,
            seed + number,
            entities=entities,
            metadata=Metadata.of(chosen) if recipe.metadata == "fused" else None,
            watch=chosen.take(np.flatnonzero(fold == number)),
            checkpoints=None if checkpoints is None else checkpoints / f"fold{number + 1}",
            resume=resume,
            progress=None if tell is None else Teller(name, number + 1, recipe.folds, tell),
        )
        for number in range(recipe.folds)
    ]
    return joined(members, chosen)


def joined(members: list[Fitted], films: TrainingSet) -> Fitted:
    """Members of one recipe, entities and metadata as an ensemble; films: on which their embeddings are aligned."""
    first = members[0]
    networks = [member.network for member in members if isinstance(member.network, Network)]
    ensemble = EnsembleNetwork(networks)
    tensors = Tensors.of(films, first.entities, first.metadata)
    ensemble.align([embed_films(network, tensors).vectors for network in networks])
    history = tuple({"member": k + 1.0} | row for k, member in enumerate(members) for row in member.history)
    epochs, seconds = max(m.epochs for m in members), sum(m.seconds for m in members)
    return Fitted(ensemble.eval(), first.recipe, first.entities, first.metadata, epochs, history, seconds)
