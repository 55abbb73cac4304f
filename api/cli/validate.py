"""`caselink validate`: cross-validate a recipe on one's own films, beside the encoder that nobody trained on them."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.common import as_json, err, save
from api.cli.evaluate import show
from api.cli.fitting import again, tell, use_threads
from api.settings import settings
from engine.encoders import DEFAULT, open_encoder
from engine.errors import QueryError, SourceError
from engine.training.recipe import Recipe, Scale, load_recipe
from indexer.evaluation import CROSS_VALIDATION, LEAVE_OUT, evaluate_folds, markdown, merging, over_baseline, paired
from indexer.prepare import Roi
from indexer.sources import SOURCES, Listing, SourceOptions, open_source

USUAL_FOLDS = 5


def validate(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe (`caselink train --list`), or a .toml file.")],
    data: Annotated[Path, typer.Option(help="Folder of films with what is known of them.")],
    layout: Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")] = "auto",
    folds: Annotated[int | None, typer.Option(help="Folds of split groups; unset = 5.")] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A centre whose films ask those of all others, in place of folds; repeat.")
    ] = None,
    scale: Annotated[Scale | None, typer.Option(help="How much of the recipe to run; unset = as it says.")] = None,
    roi: Annotated[Roi, typer.Option(help="Lesions that masks show, or whole films.")] = Roi.mask,
    merge: Annotated[list[str] | None, typer.Option(help="'one=other': also report with other counted as one.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, fits and bootstrap.")] = 0,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples.")] = 1000,
    state: Annotated[Path | None, typer.Option(help="Keep the fits there, and go on with those begun.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    table: Annotated[Path | None, typer.Option("--markdown", help="Write the tables there as Markdown.")] = None,
    here: Annotated[bool, typer.Option("--here", hidden=True)] = False,
) -> None:
    """Fit a recipe once per fold, without the fold's patients, and let these ask: precision, votes, macro recall.

    The same folds with the untrained default encoder stand beside, as paired differences.
    """
    if folds is not None and leave_out:
        raise QueryError("--folds and --leave-out are different protocols; give one of them")
    chosen = load_recipe(recipe, scale)
    again(here=here)
    use_threads()
    listing = open_source(data, layout, SourceOptions())
    found = _measured(listing, chosen, roi, folds, leave_out or [], merge or [], seed, resamples, state)
    found["manifest"] |= {"scale": None if scale is None else scale.value, "synthetic": listing.synthetic}
    if table:
        save(table, markdown(found))
    if json:
        save(json, as_json(found))
    show(found)


def _measured(
    listing: Listing,
    recipe: Recipe,
    roi: Roi,
    folds: int | None,
    centres: list[str],
    merge: list[str],
    seed: int,
    resamples: int,
    state: Path | None,
) -> dict[str, Any]:
    from indexer.training import training_set  # torch takes seconds to import, and the allocator is set only now
    from indexer.validation import Partition, embedded, fitted

    films, left = training_set(listing, roi, recipe.views, recipe.size, loose=recipe.loose)
    err.print(f"{recipe.title}: {len(films)} films of {films.title} read, {len(left)} left out", soft_wrap=True)
    embedder = open_encoder(DEFAULT, settings().cache / "encoders")
    plain, _ = training_set(listing, roi, embedder.card.views, embedder.card.size)
    if [film.sha256 for film in plain.films] != [film.sha256 for film in films.films]:
        raise SourceError(f"films of {films.title} changed while they were read; leave them alone and run again")
    if centres:
        parts = [Partition.by_centre(each, recipe, centres) for each in (films, plain)]
    else:
        parts = [Partition.grouped(each, recipe, folds or USUAL_FOLDS, seed) for each in (films, plain)]
    floor = parts[1].untrained(embedded(parts[1].films, embedder))
    pairs = fitted(parts[0], recipe, seed, checkpoints=state, resume=state is not None, tell=tell)
    options: dict[str, Any] = {
        "names": [fold.name for fold in parts[0].folds], "protocol": LEAVE_OUT if centres else CROSS_VALIDATION,
        "resamples": resamples, "seed": seed, "merge": merging(merge),
    }  # fmt: skip
    result, below = evaluate_folds(pairs, **options), evaluate_folds(floor, **options)
    facts = {"model": recipe.name, "recipe": recipe.title, "source": films.title, "roi": roi.value, "index": "exact"}
    against = {
        "archive": films.title,
        "roi": roi.value,
        "model": DEFAULT,
        "model_fingerprint": embedder.card.fingerprint,
        "trained": False,
    }
    return {
        **result.to_dict(facts),
        "paired": {**paired(result, below), "n_left_out": 0, "against": against},
        "floor": below.to_dict(against)["groups"],
        "over_metadata": over_baseline(result, "metadata"),
    }
