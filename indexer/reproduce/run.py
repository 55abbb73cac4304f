"""The rows R1, R2 and R7 from a source of films to a `Reproduction`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import EncoderError, RecipeError
from engine.region import View
from engine.segmentation.recipe import PREFIX, Architecture, load_segment_recipe
from engine.segmentation.reproduce import reproduce_r3 as segmenters
from engine.training.films import TrainingSet
from engine.training.looks import has_gpu
from engine.training.members import Tell
from engine.training.recipe import Recipe, Scale, load_recipe
from indexer.indexes.signatures import BITS
from indexer.prepare import Roi
from indexer.reproduce import published
from indexer.reproduce.films import Films
from indexer.reproduce.neighbours import Votes
from indexer.reproduce.r1 import Model, measure
from indexer.reproduce.r1_tables import (
    differ,
    entity_table,
    hash_note,
    main_table,
    significance_figures,
    significance_table,
)
from indexer.reproduce.r2 import cross_validate, r2_table
from indexer.reproduce.r7 import compare, r7_tables
from indexer.reproduce.report import Reproduction, Table
from indexer.reproduce.scores import Spread
from indexer.reproduce.significance import CAUTION
from indexer.reproduce.splits import SHUFFLES, folds, shuffles
from indexer.sources import Listing
from indexer.training import training_set

RESNET, NEST, FUSION = "r2-resnet", "r2-nest", "r7-fusion"
CLASSIFIERS = (RESNET, NEST)
NO_GPU = "the paper's settings take a GPU, and here is none"
TITLES = {
    "r1": 'R1: similar-case recommender (Hinterwimmer 2024, "A link to the past", Eur Radiol)',
    "r2": 'R2: classifier baselines (Hinterwimmer 2024, "A link to the past", Eur Radiol)',
    "r3": "R3: lesion segmentation (Bloier 2022)",
    "r7": "R7: image and metadata fused (Hinterwimmer 2024, PLOS Digital Health)",
}
CLOSING = "Research use only; no diagnosis."


@dataclass(frozen=True)
class Asked:
    """What to run. tell: after each epoch. say: lines for who waits."""

    listing: Listing
    scale: Scale
    roi: Roi = Roi.mask
    seed: int = 0
    tell: Tell | None = None
    say: Callable[[str], None] | None = None


def not_run(row: str, scale: Scale, why: str) -> Reproduction:
    """A row without figures; no other scale's stand in."""
    return Reproduction(row, TITLES[row], scale, why=why)


def cannot(scale: Scale) -> str | None:
    """Why this machine does not run a scale; None where it does."""
    return NO_GPU if scale is Scale.paper and not has_gpu() else None


def reproduce_r1(
    asked: Asked,
    *,
    recipe: str | None = None,
    classifiers: Sequence[str] = CLASSIFIERS,
    bits: int = BITS,
    splits: int = SHUFFLES,
) -> Reproduction:
    """R1's table. recipe: whose features are hashed; None = those of the first classifier, as in the paper.

    Raises:
        CaselinkError: films that nothing can be learned from, an unknown recipe, bits out of range.
    """
    if why := cannot(asked.scale):
        return not_run("r1", asked.scale, why)
    films = Films(asked.listing, asked.roi)
    names = [*classifiers, *([] if recipe is None or recipe in classifiers else [recipe])]
    models = _models(films, [load_recipe(name, asked.scale) for name in names], asked.seed)
    features, baseline_models = models[names.index(recipe or names[0])], models[: len(classifiers)]
    chosen = shuffles(features.films, splits, asked.seed)
    try:
        found = measure(features, baseline_models, chosen, asked.seed, bits=bits, tell=asked.tell, say=asked.say)
    except EncoderError as error:
        return not_run("r1", asked.scale, str(error))
    baselines = [model.name for model in baseline_models]
    results = {votes: differ(found, baselines, votes) for votes in Votes}
    tables = [main_table(found, baselines), entity_table(found)]
    tables += [significance_table(each, votes) for votes, each in results.items() if each]
    notes = [
        *_counts(features.films, films),
        f"{splits} shuffled stratified 80/20 splits of whole patients and near-duplicates; no test patient has a film "
        "among those learned from (the paper tests only patients with a single film)",
        f"features: embedding of {described(features)}",
        *(f"classifier: {described(model)}" for model in baseline_models),
        hash_note(found, bits),
        "vote: the most neighbours win, ties go to the larger summed similarity, then to the nearer; film votes count "
        "every near film, patient votes each patient once, by their nearest film",
        "macro precision and recall: means over the entities of the test films",
        *([CAUTION] if any(results.values()) else []),
        *(f"{name}: not run: {why}" for name, why in found.failed.items()),
        published.R1_CARE,
        CLOSING,
    ]
    figures = {"figures": found.to_dict(), "significance": significance_figures(results), "bits": bits}
    return _made("r1", asked, tables, notes, features.films, figures, found.pictures)


def reproduce_r2(asked: Asked, *, classifiers: Sequence[str] = CLASSIFIERS, n_folds: int = 5) -> Reproduction:
    """R2's table: classifiers by cross-validation over whole patients.

    Raises:
        CaselinkError: films that nothing can be learned from, fewer split groups than folds.
    """
    if why := cannot(asked.scale):
        return not_run("r2", asked.scale, why)
    films = Films(asked.listing, asked.roi)
    models = _models(films, [load_recipe(name, asked.scale) for name in classifiers], asked.seed)
    splits = folds(models[0].films, n_folds, asked.seed)
    found = cross_validate(models, splits, asked.seed, tell=asked.tell, say=asked.say)
    notes = [
        *_counts(models[0].films, films),
        f"{n_folds}-fold cross-validation of whole patients and near-duplicates; training figures are of the films "
        "learned from",
        *(f"{model.name}: {described(model)}" for model in models),
        *(f"{name}: not run: {why}" for name, why in found.failed.items()),
        CLOSING,
    ]
    return _made("r2", asked, [r2_table(found, [m.name for m in models])], notes, models[0].films, found.to_dict())


def reproduce_r7(asked: Asked, *, recipe: str = FUSION) -> Reproduction:
    """R7's table: metadata alone, image alone, both, and the ensemble, on patients that none of them saw.

    recipe: one with metadata fused and five folds.

    Raises:
        CaselinkError: films that nothing can be learned from, fewer split groups than folds.
    """
    if why := cannot(asked.scale):
        return not_run("r7", asked.scale, why)
    films = Films(asked.listing, asked.roi)
    model = _models(films, [load_recipe(recipe, asked.scale)], asked.seed)[0]
    split = shuffles(model.films, 1, asked.seed)[0]
    try:
        found = compare(model.films, model.recipe, split, asked.seed, tell=asked.tell, say=asked.say)
    except EncoderError as error:
        return not_run("r7", asked.scale, str(error))
    known = {
        name: sum(value is not None and value != () for value in model.films.column(name))
        for name in ("age", "sex", "site", "position")
    }
    notes = [
        *_counts(model.films, films),
        f"{len(split.taught)} films teach, {len(split.asked)} of other patients ask; each of the five members learns "
        "from four fifths of the former and stops early on the rest; ± over members, brackets: 95 % over split groups",
        f"network: {described(model)}",
        "known of the films: " + ", ".join(f"{name} {number}" for name, number in known.items()),
        CLOSING,
    ]
    return _made("r7", asked, r7_tables(found), notes, model.films, found.to_dict())


def reproduce_r3(
    asked: Asked, *, networks: Sequence[Architecture] = tuple(Architecture), n_folds: int = 5
) -> Reproduction:
    """R3's table: segmentation networks by cross-validation over whole patients.

    Raises:
        CaselinkError: too few films with masks, or split groups.
    """
    if why := cannot(asked.scale):
        return not_run("r3", asked.scale, why)
    size = max(load_segment_recipe(f"{PREFIX}{each}", asked.scale).size for each in networks)
    films, left = training_set(asked.listing, Roi.whole, (View.film,), size)
    try:
        found = segmenters(films, asked.scale, asked.seed, folds=n_folds, architectures=networks, progress=asked.say)
    except EncoderError as error:
        return not_run("r3", asked.scale, str(error))
    notes = [
        f"{found['split']}, {found['films']} films of {found['source']}; {len(left)} files left out",
        *(
            f"{row['network']}: {row['encoder']} encoder, {row['size']} x {row['size']}, {row['epochs']} epochs, "
            f"{row['parameters'] / 1e6:.1f} million weights, {row['seconds']:.0f} s"
            for row in found["rows"]
        ),
        CLOSING,
    ]
    return _made("r3", asked, [_r3_table(found)], notes, films, {"figures": found})


def _r3_table(found: dict[str, Any]) -> Table:
    shown = {"iou": "IoU", "accuracy": "accuracy", "dice": "Dice", "box_iou": "box IoU", "hit_rate": "lesion hit"}
    rows = []
    for number, row in enumerate(found["rows"]):
        cells = [str(Spread(tuple(fold[name] for fold in row["folds"]))) for name in shown]
        rows.append((row["network"], *cells, f"IoU {published.R3}" if number == 0 else ""))
    return Table("", ("per cent", *shown.values(), published.COLUMN), tuple(rows))


def described(model: Model) -> str:
    """Backbone, start, size and epochs in words: at small scales they are not the paper's."""
    recipe = model.recipe
    name = _network(recipe)
    starts = {"packaged": "its packaged ImageNet weights", "imagenet": "ImageNet weights", "random": "random weights"}
    start = starts.get(recipe.backbone.start, f"the weights of {recipe.backbone.start}")
    return f"recipe {recipe.name}: {name} from {start}, {recipe.size} x {recipe.size}, {recipe.epochs} epochs"


def _called(recipe: Recipe) -> str:
    """A classifier's row names the network that was run, which at small scales is not the recipe's namesake."""
    return f"classifier {recipe.name}: {_network(recipe)}"


def _network(recipe: Recipe) -> str:
    return "tf_efficientnet_lite0" if recipe.backbone.name == "default" else recipe.backbone.name


def _models(films: Films, recipes: Sequence[Recipe], seed: int) -> list[Model]:
    twice = [recipe.name for place, recipe in enumerate(recipes) if recipe.name in {r.name for r in recipes[:place]}]
    if twice:
        raise RecipeError(f"two recipes are named {twice[0]}, and the table could not tell them apart; rename one")
    sets = films.chosen(recipes, seed)
    return [Model(_called(recipe), recipe, one) for recipe, one in zip(recipes, sets, strict=True)]


def _counts(chosen: TrainingSet, films: Films) -> list[str]:
    names, numbers = np.unique(chosen.column("entity").astype(str), return_counts=True)
    told = ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
    return [
        f"{len(chosen)} films of {len(set(chosen.column('patient')))} patients in {len(set(chosen.column('group')))} "
        f"split groups, of {chosen.title}; {len(films.left)} files left out: {told}"
    ]


def _made(
    row: str,
    asked: Asked,
    tables: Sequence[Table],
    notes: Sequence[str],
    films: TrainingSet,
    figures: dict[str, Any],
    pictures: dict[str, bytes] | None = None,
) -> Reproduction:
    facts = {"source": films.title, "films": len(films), "seed": asked.seed, "roi": asked.roi.value}
    return Reproduction(
        row, TITLES[row], asked.scale, tuple(tables), tuple(notes), facts | figures, pictures or {},
        asked.listing.synthetic,
    )  # fmt: skip
