"""One fit of a recipe to films: Lightning runs the loop, on whatever accelerators there are."""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.utilities.seed import isolate_rng
from safetensors.torch import load_model, save_model

from engine.errors import TrainingError
from engine.training.ensemble import EnsembleNetwork
from engine.training.films import TrainingSet
from engine.training.metadata import Metadata
from engine.training.module import FilmModule, Watched
from engine.training.networks import Network
from engine.training.quiet import quiet
from engine.training.recipe import Recipe
from engine.training.tensors import Tensors

LAST = "last.ckpt"
DONE, DONE_WEIGHTS = "done.json", "done.safetensors"


@dataclass(frozen=True)
class Epoch:
    """An epoch that ended. precision: at 1, of the validation films; None where nobody looked. left_s: to the end."""

    number: int
    of: int
    loss: float
    precision: float | None
    seconds: float
    left_s: float


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained network, in eval mode on the CPU. epochs: after how many; the best one where it stopped early.

    entities: the classes, in the classifier's order. history: rows of epoch, loss and, at times, precision.
    """

    network: Network | EnsembleNetwork
    recipe: Recipe
    entities: tuple[str, ...]
    metadata: Metadata | None
    epochs: int
    history: tuple[dict[str, float], ...]
    seconds: float


def fit(
    films: TrainingSet,
    recipe: Recipe,
    seed: int,
    *,
    entities: tuple[str, ...] | None = None,
    metadata: Metadata | None = None,
    watch: TrainingSet | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Callable[[Epoch], None] | None = None,
) -> Fitted:
    """Fit a recipe's network to films with an entity; the same films and seed give the same weights on one machine.

    entities, metadata: the classes and the words for metadata, where they are more than these films show; None = those
    of the films.
    watch: films of other patients whose precision-at-1 is looked at; a recipe with early stopping stops by it.
    checkpoints: a folder that gets the state after each epoch, and the weights when it is done. resume: go on from
    there, if anything is there.

    Raises:
        TrainingError: films without two entities, or of too few groups. EncoderError: a start that cannot be had.
    """
    chosen, found = labelled(films, recipe)
    entities = entities or found
    if recipe.early_stopping is not None and watch is None:
        raise TrainingError(f"recipe {recipe.name} stops early and needs validation films; give some, or a fixed end")
    with isolate_rng(), quiet(), tempfile.TemporaryDirectory(prefix="caselink-fit-") as scratch:
        torch.manual_seed(seed)
        if recipe.metadata == "fused" and metadata is None:
            metadata = Metadata.of(chosen)
        network = Network(recipe, len(entities), metadata)
        network.to(memory_format=torch.channels_last)  # convolutions on a CPU take it 1.3 times as fast
        watched = None if watch is None else _watched(watch, recipe, entities, metadata)
        done = _done(checkpoints) if resume and checkpoints else None
        if done is None:
            module = FilmModule(
                network, recipe, Tensors.of(chosen, entities, metadata), len(entities), seed, watched, metadata
            )
            folder, began = checkpoints or Path(scratch), time.perf_counter()
            epochs = _run(module, recipe, folder, resume=resume, keep=checkpoints is not None, progress=progress)
            done = _Done(epochs, tuple(module.history), time.perf_counter() - began)
            if checkpoints:
                done.save(checkpoints, network)
        elif checkpoints:
            load_model(network, checkpoints / DONE_WEIGHTS)
    return Fitted(network.cpu().eval(), recipe, entities, metadata, done.epochs, done.history, done.seconds)


@dataclass(frozen=True)
class _Done:
    """What is kept of a fit that ended, beside its weights."""

    epochs: int
    history: tuple[dict[str, float], ...]
    seconds: float

    def save(self, folder: Path, network: Network) -> None:
        """The note goes last: where it lies, the weights are whole."""
        save_model(network.cpu(), str(folder / DONE_WEIGHTS))
        draft = folder / f".{DONE}"
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.rename(folder / DONE)


def _done(folder: Path) -> _Done | None:
    """The fit that ended in a folder, if one did."""
    if not (folder / DONE).is_file():
        return None
    fields = json.loads((folder / DONE).read_text(encoding="utf-8"))
    return _Done(fields["epochs"], tuple(fields["history"]), fields["seconds"])


def labelled(films: TrainingSet, recipe: Recipe) -> tuple[TrainingSet, tuple[str, ...]]:
    """The films that a recipe learns from, and their entities in alphabetical order.

    Raises:
        TrainingError: no labels, or but one entity.
    """
    entity = films.column("entity")
    rows = [row for row, name in enumerate(entity) if name is not None and name not in recipe.leave_out]
    if not rows:
        raise TrainingError(
            f"none of the {len(films)} films of {films.title} has an entity to learn; give the source a table that "
            f"names them ({', '.join(recipe.leave_out) or 'nothing'} is left out)"
        )
    entities = tuple(sorted({str(entity[row]) for row in rows}))
    if len(entities) < 2:
        raise TrainingError(
            f"all {len(rows)} films of {films.title} have the entity {entities[0]!r}; a fit needs two entities or more"
        )
    return films.take(rows), entities


def _watched(films: TrainingSet, recipe: Recipe, entities: tuple[str, ...], metadata: Metadata | None) -> Watched:
    rows = [row for row, film in enumerate(films.films) if film.entity in entities]
    if not rows:
        raise TrainingError(f"no validation film has one of the entities {', '.join(entities)}; give other patients")
    every = 1 if recipe.early_stopping is not None else recipe.watch_every
    return Watched(Tensors.of(films.take(rows), entities, metadata), every)


def _run(
    module: FilmModule,
    recipe: Recipe,
    folder: Path,
    *,
    resume: bool,
    keep: bool,
    progress: Callable[[Epoch], None] | None,
) -> int:
    """Train; returns after how many epochs the weights are."""
    best = recipe.early_stopping is not None
    module.tell = _Progress(recipe.epochs, progress)
    callbacks: list[Callback] = []
    saver = _saver(folder, "best", monitor="precision")
    if best:
        callbacks.append(saver)
    if keep:
        callbacks.append(_saver(folder, Path(LAST).stem))  # after the best one, of which it keeps note
    if recipe.early_stopping is not None:
        callbacks.append(EarlyStopping("precision", patience=recipe.early_stopping, mode="max"))
    several = torch.cuda.is_available() and torch.cuda.device_count() > 1
    trainer = Trainer(
        accelerator="auto",
        devices="auto",
        strategy="ddp_spawn" if several else "auto",  # so that one process goes on afterwards, not several
        precision="bf16-mixed" if torch.cuda.is_available() else "32-true",
        max_epochs=recipe.epochs,
        callbacks=callbacks,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=keep or best,
        use_distributed_sampler=False,
        deterministic=True,
        gradient_clip_val=recipe.optimiser.clip,
        default_root_dir=folder,
    )
    last = folder / LAST
    trainer.fit(module, ckpt_path=last if resume and last.is_file() else None, weights_only=True)
    if not best:
        return recipe.epochs
    state = torch.load(saver.best_model_path, map_location="cpu", weights_only=True)
    module.load_state_dict(state["state_dict"])
    return int(state["epoch"]) + 1


def _saver(folder: Path, name: str, monitor: str | None = None) -> ModelCheckpoint:
    """Saves the state after an epoch, whole or not at all: after each, or where `monitor` is higher than ever."""
    return ModelCheckpoint(
        folder, name, monitor=monitor, mode="max", save_top_k=1, save_on_train_epoch_end=True,
        enable_version_counter=False,
    )  # fmt: skip


class _Progress:
    """Makes an `Epoch` of each row of a module's history, for who asked how far a fit is."""

    def __init__(self, epochs: int, tell: Callable[[Epoch], None] | None) -> None:
        self.epochs, self.tell = epochs, tell
        self.began, self.known = time.perf_counter(), 0

    def __call__(self, history: Sequence[dict[str, float]]) -> None:
        """After each epoch; a resumed fit counts its time from where it goes on."""
        if self.tell is None:
            return
        self.known = self.known or len(history) - 1
        row, done = history[-1], len(history)
        seconds = time.perf_counter() - self.began
        left = seconds / (done - self.known) * (self.epochs - done)
        self.tell(Epoch(done, self.epochs, row["loss"], row.get("precision"), seconds, left))
