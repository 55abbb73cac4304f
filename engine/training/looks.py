"""What a fit makes of films that it learned from and of films that it never saw, for the tables of papers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.utilities.seed import isolate_rng

from engine.embeddings import Vectors
from engine.errors import TrainingError
from engine.training.attribution import Values, network_shap
from engine.training.ensemble import EnsembleNetwork
from engine.training.films import TrainingSet
from engine.training.fit import Fitted
from engine.training.inference import Embedded, embed_films
from engine.training.known import facts_code, with_facts
from engine.training.members import Tell, fit_recipe
from engine.training.networks import Network
from engine.training.recipe import Backbone, Recipe
from engine.training.tensors import Tensors

Names = npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Look:
    """near, far: unit vectors of the films learned from and of those asked. taught, asked: what the classifier answers
    for them, entity names, object (n,). seconds: of the fit.
    """

    near: Vectors
    far: Vectors
    taught: Names
    asked: Names
    seconds: float


def fit_and_look(
    taught: TrainingSet, asked: TrainingSet, recipe: Recipe, seed: int, *, name: str = "fit", tell: Tell | None = None
) -> Look:
    """Fit a recipe to some films, and show it both those and others.

    Raises:
        TrainingError: films that nothing can be learned from. EncoderError: start weights that cannot be had.
    """
    made = fit_recipe(taught, recipe, seed, name=name, tell=tell)
    near, far = (_seen(made, films) for films in (taught, asked))
    code = facts_code(taught, recipe)
    answers = [_named(found.logits, made.entities) for found in (near, far)]
    return Look(
        with_facts(near.vectors, taught, code), with_facts(far.vectors, asked, code), answers[0], answers[1],
        made.seconds,
    )  # fmt: skip


def untrained(films: TrainingSet, recipe: Recipe, seed: int = 0) -> Vectors:
    """The films' unit vectors by the packaged ImageNet weights alone, as large and in the views that a recipe sees."""
    plain = recipe.model_copy(update={"backbone": Backbone(), "metadata": "none", "mirror": False})
    with isolate_rng():
        torch.manual_seed(seed)  # of the head, which nobody looks at
        network = Network(plain, 2)
    pooled = embed_films(network, Tensors.of(films, (), None)).pooled
    return np.asarray(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12), np.float32)


def member_logits(fitted: Fitted, films: TrainingSet) -> npt.NDArray[np.float32]:
    """float32 (members, n, entities): what each network of an ensemble answers, or the one that there is."""
    tensors = Tensors.of(films, fitted.entities, fitted.metadata)
    return np.stack([embed_films(member, tensors).logits for member in _members(fitted)])


def members_shap(fitted: Fitted, usual: TrainingSet, films: TrainingSet, seed: int) -> Values:
    """SHAP values of the metadata in a fused network, the mean of an ensemble's members; see `network_shap`.

    usual: the films of training. films: those explained.
    """
    base, facts = (Tensors.of(some, fitted.entities, fitted.metadata).facts for some in (usual, films))
    branches = [member.told for member in _members(fitted) if member.told is not None]
    if base is None or facts is None or not branches:
        raise TrainingError(f"recipe {fitted.recipe.name} knows no metadata, so nothing is told by it; fuse them")
    return np.asarray(np.mean([network_shap(branch, facts, base, seed) for branch in branches], axis=0))


def has_gpu() -> bool:
    """Whether this machine has an accelerator that a paper's settings can be run on."""
    return torch.cuda.is_available()


def _members(fitted: Fitted) -> Sequence[Network]:
    network = fitted.network
    return list(network.members) if isinstance(network, EnsembleNetwork) else [network]


def _seen(made: Fitted, films: TrainingSet) -> Embedded:
    return embed_films(made.network, Tensors.of(films, made.entities, made.metadata))


def _named(logits: npt.NDArray[np.float32], entities: Sequence[str]) -> Names:
    names: Names = np.array(entities, dtype=object)[logits.argmax(axis=1)]
    return names
