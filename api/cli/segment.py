"""Segmenters on the command line: `caselink train segment-...`, `caselink segment-metrics`, and R3's table."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from api.cli.common import LOUD, err, out, print_json
from engine.region import View
from engine.segmentation import SEGMENTER_CARD, Segmenter, SegmenterFiles
from engine.segmentation.metrics import WORDS, per_centre, scores
from indexer.prepare import Roi
from indexer.segment_metrics import segment_outcomes
from indexer.sources import SOURCES, Listing, SourceOptions, open_source
from indexer.training import training_set

if TYPE_CHECKING:
    from engine.segmentation.fit import SegmentEpoch
    from engine.training.films import TrainingSet
    from engine.training.recipe import Scale

SHOWN = 10


def train_segmenter(
    recipe: str, listing: Listing, run: Path, seed: int, *, scale: "Scale | None" = None, resume: bool = False
) -> SegmenterFiles:
    """Train a segmenter by a recipe of its own into a run folder: segmenter.onnx and segmenter.json."""
    from engine.segmentation.fit import LAST, fit_segmenter  # torch takes seconds to import
    from engine.segmentation.recipe import load_segment_recipe

    chosen = load_segment_recipe(recipe, scale)
    films = segment_films(listing, chosen.size)
    checkpoints = run / "checkpoints" / "segmenter"
    if not resume:
        (checkpoints / LAST).unlink(missing_ok=True)
    files = fit_segmenter(films, chosen, run, seed, tell_epoch, checkpoints=checkpoints, resume=resume)
    card = files.card
    out.print(f"{card.name} ({card.fingerprint}): {card.metrics['training_seconds']:.0f} s")
    _print({"films held out": card.metrics})
    out.print(f"use it beside an encoder: copy {files.onnx.name} and {SEGMENTER_CARD} of {run} into the encoder's run")
    return files


def segment_films(listing: Listing, size: int) -> "TrainingSet":
    """The whole films of a source with their masks, cut for a segmenter of `size`."""
    films, left = training_set(listing, Roi.whole, (View.film,), size)
    for file, reason in left[:SHOWN]:
        err.print(f"left out: {file}: {reason}", soft_wrap=True)
    return films


def tell_epoch(epoch: "SegmentEpoch") -> None:
    """A line on stderr after each epoch."""
    left = f"{epoch.left_s / 60:.1f} min left" if epoch.left_s >= 60 else f"{epoch.left_s:.0f} s left"
    print(f"segmenter, epoch {epoch.number}/{epoch.of}: loss {epoch.loss:.3f}, {left}", file=sys.stderr, flush=True)


def segment_metrics(
    source: Annotated[Path, typer.Argument(help="Films with lesion masks.")],
    run: Annotated[Path, typer.Option("--encoder", help="Run, or an archive's encoder folder, with a segmenter.")],
    layout: Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")] = "auto",
    table: Annotated[Path | None, typer.Option(help="CSV of the films (folder layout).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Measure a segmenter on films with masks: IoU, Dice, lesion hits, and how often it dares; per centre too."""
    segmenter = Segmenter.load(run)
    listing = open_source(source, layout, SourceOptions(table))
    told, left = segment_outcomes(listing, segmenter)
    for file, reason in left[:SHOWN]:
        err.print(f"left out: {file}: {reason}", soft_wrap=True)
    apart = {f"centre {name}": each for name, each in per_centre(told).items()}
    groups = {name: each.to_dict() for name, each in ({"all": scores(told)} | apart).items()}
    if json:
        facts = {"source": listing.title, "segmenter": segmenter.card.name, "fingerprint": segmenter.card.fingerprint}
        print_json(facts | {"groups": groups})
        return
    out.print(f"{segmenter.card.name} ({segmenter.card.fingerprint}) on {listing.title}", style=LOUD)
    _print(groups)


def _print(groups: Mapping[str, Mapping[str, float]]) -> None:
    """A column a group; shares in per cent."""
    table = Table("", *groups, box=None, padding=(0, 2, 0, 0))
    counts = [f"{group['films']:.0f} + {group['empty']:.0f}" for group in groups.values()]
    table.add_row("films with and without a lesion", *counts)
    for name, words in WORDS.items():
        table.add_row(words, *(f"{100 * group[name]:.1f} %" for group in groups.values()))
    out.print(table)
