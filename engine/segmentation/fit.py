"""Fitting a segmenter: `fit_network` runs the loop, `fit_segmenter` makes of it what a run folder carries."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities.seed import isolate_rng

from engine.errors import TrainingError
from engine.folds import grouped_folds
from engine.segmentation.data import LEAST_FILMS, SegmentTensors, teachable
from engine.segmentation.export import export_segmenter
from engine.segmentation.files import SegmenterFiles
from engine.segmentation.measure import calibrate, look, outcomes
from engine.segmentation.metrics import per_centre, scores
from engine.segmentation.module import Row, SegmentModule
from engine.segmentation.networks import SegmentationNetwork
from engine.segmentation.recipe import SegmentRecipe
from engine.training.films import TrainingSet
from engine.training.quiet import quiet

LAST = "last.ckpt"


@dataclass(frozen=True)
class SegmentEpoch:
    """An epoch that ended. left_s: to the end of the fit."""

    number: int
    of: int
    loss: float
    seconds: float
    left_s: float


Progress = Callable[[SegmentEpoch], None]


@dataclass(frozen=True, eq=False)
class FittedSegmenter:
    """A trained network, in eval mode on the CPU. history: rows of epoch and loss."""

    network: SegmentationNetwork
    recipe: SegmentRecipe
    history: tuple[Row, ...]
    seconds: float


def fit_network(
    films: TrainingSet,
    recipe: SegmentRecipe,
    seed: int,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> FittedSegmenter:
    """Fit a recipe's network to `teachable` films; the same films and seed give the same weights on one machine.

    checkpoints: a folder that gets the state after each epoch; resume: go on from there, if anything is there.

    Raises:
        TrainingError: films without view or masks. EncoderError: a start that cannot be had.
    """
    chosen = teachable(films)
    with isolate_rng(), quiet(), tempfile.TemporaryDirectory(prefix="caselink-fit-") as scratch:
        torch.manual_seed(seed)
        network = SegmentationNetwork(recipe.net)
        module = SegmentModule(network, recipe, SegmentTensors.of(chosen), seed)
        module.tell = _Told(recipe.epochs, progress)
        began = time.perf_counter()
        _run(module, recipe, checkpoints or Path(scratch), keep=checkpoints is not None, resume=resume)
        seconds = time.perf_counter() - began
    return FittedSegmenter(network.cpu().eval(), recipe, tuple(module.history), seconds)


def fit_segmenter(
    films: TrainingSet,
    recipe: SegmentRecipe,
    out: Path,
    seed: int,
    progress: Progress | None = None,
    *,
    watch: TrainingSet | None = None,
    checkpoints: Path | None = None,
    resume: bool = False,
) -> SegmenterFiles:
    """Fit, calibrate, measure and export a segmenter: segmenter.onnx and segmenter.json in `out`.

    films: with the view `film`; those with a mask, and those known to show no lesion, are used. watch: films of other
    patients that calibrate and measure it; None = a share of the split groups (`recipe.held_out`) teaches nothing and
    does that. The card's metrics are of those films.

    Raises:
        TrainingError, EncoderError: see `fit_network`; also for too few groups to hold some out.
    """
    chosen = limited(teachable(films), recipe.most_films, seed)
    taught, asked = (chosen, teachable(watch)) if watch is not None else held_out(chosen, recipe.held_out, seed)
    fitted = fit_network(taught, recipe, seed, checkpoints=checkpoints, resume=resume, progress=progress)
    seen = look(fitted.network, SegmentTensors.of(asked), recipe.size, mirror=recipe.mirror)
    calibration = calibrate(seen, recipe.cut)
    centres = [film.centre for film in asked.films]
    told = outcomes(seen, recipe.cut, calibration, recipe.threshold, centres)
    metrics = scores(told).to_dict() | {"training_films": len(taught), "training_seconds": round(fitted.seconds, 1)}
    for centre, found in per_centre(told).items():
        metrics |= {f"{name}, centre {centre}": value for name, value in found.to_dict().items()}
    return export_segmenter(fitted.network, recipe, calibration, metrics, films.title, out)


def held_out(films: TrainingSet, share: float, seed: int) -> tuple[TrainingSet, TrainingSet]:
    """Films that teach and films that do not, no split group on both sides; films without a lesion in both.

    Raises:
        TrainingError: too few split groups.
    """
    groups, lesion = films.column("group"), np.array([_drawn(film.mask) for film in films.films], dtype=object)
    folds = max(2, round(1 / share))
    if len(set(groups)) < folds:
        raise TrainingError(
            f"{films.title} has {len(set(groups))} split groups; holding {share:.0%} of them out needs {folds} or more"
        )
    fold = grouped_folds(groups, lesion, folds, seed)
    return films.take(np.flatnonzero(fold != 0)), films.take(np.flatnonzero(fold == 0))


def limited(films: TrainingSet, most: int | None, seed: int) -> TrainingSet:
    """At most so many films, by whole split groups drawn from `seed`; None = all.

    A first group that is larger is taken all the same, and groups go on until a few films have a lesion.
    """
    if most is None or len(films) <= most:
        return films
    groups = films.column("group")
    rows: list[int] = []
    for group in np.random.default_rng(seed).permutation(np.array(sorted(set(groups)), dtype=object)):
        drawn = sum(_drawn(films.films[row].mask) for row in rows)
        members = np.flatnonzero(groups == group).tolist()
        if len(rows) + len(members) <= most or drawn < 2 * LEAST_FILMS:
            rows += members
    return films.take(sorted(rows))


def _drawn(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None) -> bool:
    return mask is not None and bool(mask.any())


def _run(module: SegmentModule, recipe: SegmentRecipe, folder: Path, *, keep: bool, resume: bool) -> None:
    callbacks: list[Callback] = []
    if keep:
        callbacks.append(
            ModelCheckpoint(
                folder, "epoch", save_last=True, save_top_k=1, save_on_train_epoch_end=True,
                enable_version_counter=False,
            )
        )  # fmt: skip
    gpu = torch.cuda.is_available()
    trainer = Trainer(
        accelerator="auto",
        devices=1,
        precision="bf16-mixed" if gpu else "32-true",
        max_epochs=recipe.epochs,
        callbacks=callbacks,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=keep,
        use_distributed_sampler=False,
        deterministic="warn" if gpu else True,
        default_root_dir=folder,
    )
    last = folder / LAST
    trainer.fit(module, ckpt_path=last if resume and last.is_file() else None, weights_only=True)


class _Told:
    """Makes a `SegmentEpoch` of each row of a module's history, for who asked how far a fit is."""

    def __init__(self, epochs: int, tell: Progress | None) -> None:
        self.epochs, self.tell = epochs, tell
        self.began, self.known = time.perf_counter(), 0

    def __call__(self, history: Sequence[Row]) -> None:
        """After each epoch; a resumed fit counts its time from where it goes on."""
        if self.tell is None:
            return
        self.known = self.known or len(history) - 1
        done, seconds = len(history), time.perf_counter() - self.began
        left = seconds / (done - self.known) * (self.epochs - done)
        self.tell(SegmentEpoch(done, self.epochs, history[-1]["loss"], seconds, left))
