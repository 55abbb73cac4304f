"""R3 (Bloier 2022): five segmentation networks over grouped folds, IoU and pixel accuracy, as the paper's table."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.errors import TrainingError
from engine.folds import grouped_folds
from engine.segmentation.data import SegmentTensors, teachable
from engine.segmentation.fit import fit_network, limited
from engine.segmentation.measure import calibrate, look, outcomes, pixel_scores
from engine.segmentation.metrics import scores
from engine.segmentation.recipe import PREFIX, Architecture, SegmentRecipe, load_segment_recipe
from engine.training.films import TrainingSet
from engine.training.recipe import Scale

FOLDS = 5
NAMES = {
    Architecture.unet: "U-Net",
    Architecture.unetpp: "U-Net++",
    Architecture.deeplabv3: "DeepLabV3",
    Architecture.deeplabv3plus: "DeepLabV3+",
    Architecture.manet: "MA-Net",
}
PUBLISHED = "IoU 73.78 to 87.43 % over the five setups (Bloier 2022, other films, ResNet34, 256 x 256)"


@dataclass(frozen=True)
class Fold:
    """One network's means over the films with a lesion in one fold; accuracy: share of pixels that are right."""

    iou: float
    accuracy: float
    dice: float
    box_iou: float
    hit_rate: float
    films: int
    seconds: float


def reproduce_r3(
    films: TrainingSet,
    scale: Scale | None = None,
    seed: int = 0,
    *,
    folds: int = FOLDS,
    architectures: Sequence[Architecture] = tuple(Architecture),
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Each network fitted on all folds but one and measured on that one, no split group on both sides.

    films: with the view `film` and masks. folds: at most so many; the same films in each for every network. Returns
    plain data: what was done, and under "rows" one dict a network with its folds, mean and standard deviation.

    Raises:
        TrainingError: too few masks or groups. EncoderError: start weights that cannot be had.
    """
    chosen = teachable(films)
    rows = []
    for architecture in architectures:
        recipe = load_segment_recipe(f"{PREFIX}{architecture}", scale)
        some = limited(chosen, recipe.most_films, seed)
        fold_of = _folds(some, folds, seed)
        done: list[Fold] = []
        for fold in range(folds):
            taught, asked = some.take(np.flatnonzero(fold_of != fold)), some.take(np.flatnonzero(fold_of == fold))
            began = time.perf_counter()
            network = fit_network(taught, recipe, seed).network
            done.append(_measured(network, asked, recipe, time.perf_counter() - began))
            if progress is not None:
                progress(f"{NAMES[architecture]}, fold {fold + 1}/{folds}: IoU {100 * done[-1].iou:.1f} %")
        parameters = sum(p.numel() for p in network.parameters())
        rows.append(_row(architecture, recipe.net.encoder, recipe.size, recipe.epochs, parameters, done))
    return {
        "paper": "R3, Bloier 2022",
        "published": PUBLISHED,
        "source": films.title,
        "films": len(chosen),
        "scale": None if scale is None else scale.value,
        "seed": seed,
        "split": f"{folds} folds by split group",
        "rows": rows,
    }


def _folds(films: TrainingSet, folds: int, seed: int) -> Any:
    drawn = np.array([film.mask is not None and bool(film.mask.any()) for film in films.films], dtype=object)
    groups = films.column("group")
    if len(set(groups)) < folds:
        raise TrainingError(f"{films.title} has {len(set(groups))} split groups; {folds} folds need as many or more")
    return grouped_folds(groups, drawn, folds, seed)


def _measured(network: Any, films: TrainingSet, recipe: SegmentRecipe, seconds: float) -> Fold:
    seen, cut = look(network, SegmentTensors.of(films), recipe.size, mirror=recipe.mirror), recipe.cut
    lesion = seen.masks.any(axis=(1, 2))
    iou, dice, accuracy = (values[lesion] for values in pixel_scores(seen, cut))
    found = scores(outcomes(seen, cut, calibrate(seen, cut), 0.0, [None] * len(films)))
    mean = [float(np.mean(values)) if lesion.any() else float("nan") for values in (iou, accuracy, dice)]
    return Fold(mean[0], mean[1], mean[2], found.box_iou, found.hit_rate, int(lesion.sum()), seconds)


def _row(
    architecture: Architecture, encoder: str, size: int, epochs: int, parameters: int, folds: list[Fold]
) -> dict[str, Any]:
    values = {
        name: [getattr(fold, name) for fold in folds] for name in ("iou", "accuracy", "dice", "box_iou", "hit_rate")
    }
    summary = {name: {"mean": float(np.mean(each)), "sd": float(np.std(each, ddof=1))} for name, each in values.items()}
    return {
        "network": NAMES[architecture],
        "architecture": architecture.value,
        "encoder": encoder,
        "size": size,
        "epochs": epochs,
        "parameters": parameters,
        "seconds": sum(fold.seconds for fold in folds),
        "folds": [asdict(fold) for fold in folds],
    } | summary


def r3_table(result: dict[str, Any]) -> str:
    """The result as the paper's table, in Markdown; per cent, mean and standard deviation over folds."""
    lines = [
        "| network | encoder | IoU | accuracy | Dice | box IoU | lesion hit |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in result["rows"]:
        cells = [
            f"{100 * row[name]['mean']:.2f} ± {100 * row[name]['sd']:.2f}"
            for name in ("iou", "accuracy", "dice", "box_iou", "hit_rate")
        ]
        lines.append(f"| {row['network']} | {row['encoder']}, {row['size']} px | " + " | ".join(cells) + " |")
    lines.append(
        f"\n{result['split']}, {result['films']} films of {result['source']}. Published: {result['published']}."
    )
    return "\n".join(lines)
