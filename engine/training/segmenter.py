"""The segmenter of a run: trained beside the encoder, so that new films get their region without a person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.segmentation.fit import SegmentEpoch, fit_segmenter
from engine.segmentation.recipe import load_segment_recipe
from engine.training.films import TrainingSet
from engine.training.recipe import Recipe, Scale
from engine.training.run import CHECKPOINTS, Trained
from engine.training.split import Role


def train_segmenter(
    films: TrainingSet,
    trained: Trained,
    recipe: Recipe,
    seed: int,
    folder: Path,
    *,
    scale: Scale | None = None,
    resume: bool = False,
    progress: Callable[[SegmentEpoch], None] | None = None,
) -> dict[str, Any]:
    """Fit the segmenter that a recipe names to all films with masks, into `folder`; returns its measured figures.

    Beside an encoder that only had a development fit, calibration patients teach the segmenter nothing either.

    Raises:
        TrainingError: too few masks. RecipeError: no such segmenter.
    """
    chosen = load_segment_recipe(recipe.segmenter, scale)
    checkpoints = folder / CHECKPOINTS / "segmenter"
    taught, watch = films, None
    if not trained.final:
        kept = set(trained.films.take(trained.split.rows(Role.calibration)).column("sha256"))
        held = {film.group for film in films.films if film.sha256 in kept}
        aside = [row for row, film in enumerate(films.films) if film.group in held]
        rest = [row for row, film in enumerate(films.films) if film.group not in held]
        taught, watch = films.take(rest), films.take(aside)
    files = fit_segmenter(
        taught, chosen, folder, seed, progress, watch=watch, checkpoints=checkpoints, resume=resume
    )  # fmt: skip
    return dict(files.card.metrics)
