"""`caselink train`: a development fit that is measured on patients held back, then a final fit on all of them."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from torchmetrics import MetricCollection

from engine.embeddings import Vectors
from engine.errors import TrainingError
from engine.training.films import TrainingSet
from engine.training.fit import Fitted, labelled
from engine.training.inference import Embedded, embed_films
from engine.training.known import facts_code, with_facts
from engine.training.members import Tell, fit_recipe
from engine.training.metrics import classifier_metrics
from engine.training.networks import Network
from engine.training.recipe import Recipe, to_toml
from engine.training.retrieval import nearest_patients, retrieval_scores
from engine.training.split import Role, Split, some, split
from engine.training.tensors import Tensors

CHECKPOINTS = "checkpoints"
ASKED = "asked.json"


class Fits(StrEnum):
    """Which fits a run makes: on four fifths of the patients and measured, on all of them, or one after the other."""

    both = "both"
    development = "development"
    final = "final"


@dataclass(frozen=True, eq=False)
class Held:
    """What the development fit makes of films: those it learned from, and calibration patients' that it never saw."""

    seen: TrainingSet
    seen_vectors: Vectors
    asked: TrainingSet
    asked_vectors: Vectors
    asked_logits: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Trained:
    """fitted: the network to use. films: all it could learn from. split: their roles in the development fit.

    held: None where there was no development fit. final: whether `fitted` has seen the films of every role.
    metrics: as in metrics.json.
    """

    fitted: Fitted
    films: TrainingSet
    split: Split
    held: Held | None
    final: bool
    metrics: dict[str, Any]


def train(
    films: TrainingSet,
    recipe: Recipe,
    seed: int,
    folder: Path,
    *,
    fits: Fits = Fits.both,
    resume: bool = False,
    tell: Tell | None = None,
) -> Trained:
    """Train as a recipe says, keeping the state of each fit under `folder`/checkpoints.

    Raises:
        TrainingError: films that nothing can be learned from as asked, or a folder with another run's state.
    """
    usable, _ = labelled(films, recipe)
    chosen = some(usable, recipe.most_films, seed)
    roles = split(chosen, recipe, seed)
    checkpoints = folder / CHECKPOINTS
    _claim(checkpoints, chosen, recipe, seed, resume=resume)
    if fits is Fits.final and recipe.early_stopping is not None and recipe.folds == 1:
        raise TrainingError(
            f"recipe {recipe.name} stops early, which only a development fit can; leave out --final-only"
        )
    metrics: dict[str, Any] = {"films": counts(chosen), "left_out": {"films": len(films) - len(chosen)}}
    fitted, held = None, None
    if fits is not Fits.final:
        parts = {role: chosen.take(roles.rows(role)) for role in Role}
        watch = parts[Role.validation] if len(parts[Role.validation]) else parts[Role.calibration]
        fitted = fit_recipe(
            parts[Role.train], recipe, seed, name="development", watch=watch,
            checkpoints=checkpoints / "development", resume=resume, tell=tell,
        )  # fmt: skip
        held, metrics["development"] = _measure(fitted, parts[Role.train], parts[Role.calibration], seed)
    if fits is not Fits.development:
        fixed = _fixed(recipe, fitted)
        fitted = fit_recipe(
            chosen, fixed, seed, name="final", checkpoints=checkpoints / "final", resume=resume, tell=tell
        )  # fmt: skip
        metrics["final"] = {"films": counts(chosen), "epochs": fitted.epochs, "seconds": round(fitted.seconds, 1)}
    assert fitted is not None
    return Trained(fitted, chosen, roles, held, fits is not Fits.development, metrics)


def counts(films: TrainingSet) -> dict[str, Any]:
    """Films, patients, split groups, and films of each entity."""
    names, number = np.unique(films.column("entity").astype(str), return_counts=True)
    return {
        "films": len(films),
        "patients": len(set(films.column("patient"))),
        "groups": len(set(films.column("group"))),
        "entities": {str(name): int(n) for name, n in zip(names, number, strict=True)},
    }


def _fixed(recipe: Recipe, development: Fitted | None) -> Recipe:
    """The recipe of the final fit: on all films nobody can say when to stop, so it runs as long as was best before.

    An ensemble's members stop each on its own fold, in the final fit too.
    """
    if recipe.early_stopping is None or recipe.folds > 1 or development is None:
        return recipe
    return recipe.model_copy(update={"early_stopping": None, "epochs": development.epochs})


def _measure(fitted: Fitted, seen: TrainingSet, asked: TrainingSet, seed: int) -> tuple[Held, dict[str, Any]]:
    """What calibration patients find among training patients, beside what the untrained backbone would find."""
    near, far = (embed_films(fitted.network, Tensors.of(f, fitted.entities, fitted.metadata)) for f in (seen, asked))
    code = facts_code(seen, fitted.recipe)
    gallery, queries = with_facts(near.vectors, seen, code), with_facts(far.vectors, asked, code)
    with isolate_rng():
        torch.manual_seed(seed)
        start = Network(fitted.recipe, len(fitted.entities), fitted.metadata)
        floor = [_unit(embed_films(start, Tensors.of(f, fitted.entities, None)).pooled) for f in (seen, asked)]
    figures = {
        "epochs": fitted.epochs,
        "seconds": round(fitted.seconds, 1),
        "train": counts(seen),
        "calibration": counts(asked),
        "retrieval": retrieval_scores(nearest_patients(queries, gallery, seen), asked, seed),
        "untrained": retrieval_scores(nearest_patients(floor[1], floor[0], seen), asked, seed),
        "classifier": _classified(far, fitted, asked),
        "history": list(fitted.history),
    }
    if code is not None:
        alone = nearest_patients(far.vectors, near.vectors, seen)
        figures["retrieval_by_pixels_alone"] = retrieval_scores(alone, asked, seed)
    return Held(seen, gallery, asked, queries, far.untold), figures


def _classified(found: Embedded, fitted: Fitted, asked: TrainingSet) -> dict[str, Any]:
    """The classifier's accuracy and macro recall on films alone and, where it knows them, with metadata."""
    labels = Tensors.of(asked, fitted.entities, None).labels
    kinds = {"films": found.untold} | ({} if fitted.metadata is None else {"films and metadata": found.logits})
    return {kind: _scored(classifier_metrics(len(fitted.entities)), logits, labels) for kind, logits in kinds.items()}


def _scored(metrics: MetricCollection, logits: npt.NDArray[np.float32], labels: torch.Tensor) -> dict[str, float]:
    known = labels >= 0  # an entity that only calibration patients have is no class
    scored = metrics(torch.from_numpy(logits)[known], labels[known])
    return {name: float(value) for name, value in scored.items()} | {"n": int(known.sum())}


def _unit(rows: npt.NDArray[np.float32]) -> Vectors:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _claim(checkpoints: Path, films: TrainingSet, recipe: Recipe, seed: int, *, resume: bool) -> None:
    """Make sure that the state in a folder is of this very run."""
    shown = [to_toml(recipe), seed, [film.sha256 for film in films.films], films.size]
    key = {"asked": hashlib.sha256(json.dumps(shown).encode()).hexdigest()}
    note = checkpoints / ASKED
    if note.is_file() and (not resume or json.loads(note.read_text(encoding="utf-8")) != key):
        cure = "name another folder, or add --resume" if not resume else "ask for the same, or name another folder"
        raise TrainingError(f"{checkpoints.parent} holds a run of other films, recipe or seed, or one begun; {cure}")
    checkpoints.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(key), encoding="utf-8")
