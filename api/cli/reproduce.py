"""`caselink reproduce`: the tables of papers, each by one command."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.common import as_json, err, out, save
from api.cli.segment import segment_films
from engine.training.recipe import Scale
from indexer.sources import SOURCES, SourceOptions, open_source

app = typer.Typer(no_args_is_help=True)


@app.callback()
def reproduce() -> None:
    """Print a paper's table, made with one's own films."""


@app.command("r3")
def r3(
    data: Annotated[Path, typer.Option(help="Films with lesion masks.")],
    layout: Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")] = "auto",
    scale: Annotated[Scale | None, typer.Option(help="How much of it; unset = as the recipes say.")] = None,
    folds: Annotated[int, typer.Option(min=2, max=10, help="Five in the paper.")] = 5,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
) -> None:
    """R3 (Bloier 2022): IoU and accuracy of five segmentation networks over grouped folds."""
    from engine.segmentation.recipe import PREFIX, Architecture, load_segment_recipe
    from engine.segmentation.reproduce import r3_table, reproduce_r3  # torch takes seconds to import

    size = max(load_segment_recipe(f"{PREFIX}{each}", scale).size for each in Architecture)
    films = segment_films(open_source(data, layout, SourceOptions()), size)
    result = reproduce_r3(films, scale, seed, folds=folds, progress=lambda line: err.print(line))
    if json:
        save(json, as_json(result))
    out.print(r3_table(result), soft_wrap=True)
