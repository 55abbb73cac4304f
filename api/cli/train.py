"""`caselink train`: fit an encoder to one's own films, by a recipe."""

import time
from collections.abc import Mapping
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.common import LOUD, as_json, err, out, save
from api.cli.fitting import again, tell, use_threads
from api.cli.segment import segment_films, tell_epoch
from api.cli.segment import train_segmenter as segment_alone
from engine.encoders.runtime import usable_cores
from engine.errors import SourceError, TrainingError
from engine.segmentation.recipe import load_segment_recipe, segment_recipe_names
from engine.training.recipe import SEGMENT, Recipe, Scale, load_recipe, recipe_names
from indexer.prepare import Roi
from indexer.sources import SOURCES, Listing, SourceOptions, open_source
from indexer.training import run_calibration, training_set
from indexer.votes.films import CALIBRATION_FILE

SHOWN = 10


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe (see --list), or a .toml file.")] = "default",
    data: Annotated[Path | None, typer.Option(help="Folder of films with what is known of them.")] = None,
    layout: Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")] = "auto",
    run: Annotated[Path | None, typer.Option("--out", help="The run folder to make.")] = None,
    scale: Annotated[Scale | None, typer.Option(help="How much of it to run; unset = as the recipe says.")] = None,
    roi: Annotated[Roi, typer.Option(help="Learn from lesions that masks show, or from whole films.")] = Roi.mask,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance; the same seed gives the same weights.")] = 0,
    list_: Annotated[bool, typer.Option("--list", help="Show the recipes and end.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was cut off.")] = False,
    dev_only: Annotated[bool, typer.Option("--dev-only", help="Only the fit that is measured.")] = False,
    final_only: Annotated[bool, typer.Option("--final-only", help="Only the fit on all films, unmeasured.")] = False,
    table: Annotated[Path | None, typer.Option(help="CSV of the films (folder layout).")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the run's figures and the time it took there.")] = None,
    here: Annotated[bool, typer.Option("--here", hidden=True)] = False,
) -> None:
    """Train an encoder on a source of films; `caselink index --encoder RUN` then uses it."""
    if list_:
        _list()
        return
    if data is None or run is None:
        raise SourceError("say which films with --data FOLDER and where to with --out RUN, or ask for --list")
    if dev_only and final_only:
        raise TrainingError("--dev-only and --final-only leave no fit to make; give one of them, or neither for both")
    if roi is Roi.segment:
        raise TrainingError("a fit learns from regions that people drew, or from whole films; use --roi mask or whole")
    alone = Path(recipe).stem.startswith(SEGMENT)
    chosen = None if alone else load_recipe(recipe, scale)
    again(here=here)
    use_threads()
    listing = open_source(data, layout, SourceOptions(table))
    fits = "development" if dev_only else "final" if final_only else "both"
    began = time.perf_counter()
    if chosen is None:
        figures = dict(segment_alone(recipe, listing, run, seed, scale=scale, resume=resume).card.metrics)
    else:
        figures = _fit(chosen, listing, run, roi, seed, scale, fits, resume=resume)
    if json:
        took = {"seconds": round(time.perf_counter() - began, 1), "cores": usable_cores(), "resumed": resume}
        save(json, as_json(figures | {"took": took}))


def _fit(
    chosen: Recipe,
    listing: Listing,
    run: Path,
    roi: Roi,
    seed: int,
    scale: Scale | None,
    fits: str,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Fit the encoder, and its segmenter where the recipe names one, and write the run folder; its figures."""
    from engine.segmentation.data import too_few_masks
    from engine.training.publish import (  # torch and Lightning take seconds to import; --list needs neither
        METRICS_FILE,
        publish,
    )
    from engine.training.run import Fits
    from engine.training.run import train as fit
    from engine.training.segmenter import train_segmenter

    films, left = training_set(listing, roi, chosen.views, chosen.size, loose=chosen.loose)
    for file, reason in left[:SHOWN]:
        err.print(f"left out: {file}: {reason}", soft_wrap=True)
    err.print(f"{chosen.title}: {len(films)} films of {films.title} read, {len(left)} left out", soft_wrap=True)
    few = None if chosen.segmenter == "none" else too_few_masks(films)
    if few:
        err.print(f"no segmenter: {few}; films without a drawn region will be compared whole", soft_wrap=True)
        chosen = chosen.model_copy(update={"segmenter": "none"})
    trained = fit(films, chosen, seed, run, fits=Fits(fits), resume=resume, tell=tell)
    if few:
        trained.metrics["no_segmenter"] = few
    if chosen.segmenter != "none":
        trained.metrics["segmenter"] = train_segmenter(
            segment_films(listing, load_segment_recipe(chosen.segmenter, scale).size),
            trained,
            chosen,
            seed,
            run,
            scale=scale,
            resume=resume,
            progress=tell_epoch,
        )
    card = publish(trained, run, seed=seed, scale=scale)
    calibration = None if trained.held is None else run_calibration(trained.held, card)
    if calibration is not None:
        (run / CALIBRATION_FILE).write_text(calibration.to_json(), encoding="utf-8")
    out.print(f"{card.name} ({card.fingerprint}): {card.trained_on}", soft_wrap=True)
    out.print(
        f"report: {run / 'report.html'}\nuse it: caselink index FILMS --archive ARCHIVE --encoder {run}", soft_wrap=True
    )
    figures: dict[str, Any] = loads((run / METRICS_FILE).read_text(encoding="utf-8"))
    return figures


def _list() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        _show(name, recipe.title, recipe.method, recipe.scales, recipe.paper)
    for name in segment_recipe_names():
        segmenter = load_segment_recipe(name)
        _show(name, segmenter.title, "segmentation", segmenter.scales, segmenter.paper)


def _show(name: str, title: str, method: str, scales: Mapping[Scale, Any], paper: str) -> None:
    apart = [scale.value for scale in Scale if scale in scales]
    said = f"{', '.join(apart)}, else as it stands" if len(apart) < len(Scale) else ", ".join(apart)
    out.print(name, style=LOUD)
    for line in (title, f"method: {method}", f"scales: {said}", paper):
        out.print(f"  {line}", soft_wrap=True)
