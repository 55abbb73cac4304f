"""`caselink reproduce ROW`: the tables of papers, each by one command on one's own films."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.common import LOUD, QUIET, as_json, err, out, save
from api.cli.fitting import again, tell, use_threads
from engine.errors import QueryError
from engine.segmentation.recipe import Architecture
from engine.training.recipe import Scale
from indexer.durable import write_durably
from indexer.indexes.signatures import BITS
from indexer.prepare import Roi
from indexer.sources import SOURCES, SourceOptions, open_source

if TYPE_CHECKING:
    from indexer.reproduce.report import Reproduction
    from indexer.reproduce.run import Asked

app = typer.Typer(no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Folder of films with what is known of them.")]
Layout = Annotated[str, typer.Option(help=f"auto, {', '.join(SOURCES)}.")]
HowMuch = Annotated[Scale, typer.Option(help="small: minutes; cpu: 40 minutes a fit; paper: as printed, on a GPU.")]
Region = Annotated[Roi, typer.Option(help="Lesions that masks show, or whole films.")]
Folder = Annotated[Path | None, typer.Option("--out", help="Write table, figures and pictures there.")]
Json = Annotated[Path | None, typer.Option(help="Write the figures there as JSON, without pictures.")]
Seed = Annotated[int, typer.Option(min=0, help="Of splits and fits.")]
Folds = Annotated[int, typer.Option(min=2, max=10, help="Five in the paper.")]
Classifiers = Annotated[list[str] | None, typer.Option(help="A recipe; repeat. Unset = the paper's two.")]
Here = Annotated[bool, typer.Option("--here", hidden=True)]


@app.callback()
def reproduce() -> None:
    """Print a paper's table, made with one's own films."""


@app.command("r1")
def r1(
    data: Data,
    layout: Layout = "auto",
    scale: HowMuch = Scale.small,
    roi: Region = Roi.mask,
    recipe: Annotated[str | None, typer.Option(help="Whose features find neighbours; unset = the ResNet's.")] = None,
    classifier: Classifiers = None,
    bits: Annotated[int, typer.Option(min=8, max=4096, help="Of a film's hash.")] = BITS,
    splits: Annotated[int, typer.Option(min=1, max=100, help="Shuffles; three in the paper.")] = 3,
    folder: Folder = None,
    json: Json = None,
    seed: Seed = 0,
    here: Here = False,
) -> None:
    """R1 (Hinterwimmer 2024): the similar-case recommender by hash and vote, against two classifiers."""
    asked = _asked(data, layout, scale, roi, seed, here=here)
    from indexer.reproduce.run import CLASSIFIERS, reproduce_r1  # torch takes seconds to import

    chosen = classifier or CLASSIFIERS
    _print(reproduce_r1(asked, recipe=recipe, classifiers=chosen, bits=bits, splits=splits), folder, json)


@app.command("r2")
def r2(
    data: Data,
    layout: Layout = "auto",
    scale: HowMuch = Scale.small,
    roi: Region = Roi.mask,
    classifier: Classifiers = None,
    folds: Folds = 5,
    folder: Folder = None,
    json: Json = None,
    seed: Seed = 0,
    here: Here = False,
) -> None:
    """R2 (Hinterwimmer 2024): its two classifiers, ResNet and NesT, over grouped folds."""
    asked = _asked(data, layout, scale, roi, seed, here=here)
    from indexer.reproduce.run import CLASSIFIERS, reproduce_r2

    _print(reproduce_r2(asked, classifiers=classifier or CLASSIFIERS, n_folds=folds), folder, json)


@app.command("r3")
def r3(
    data: Data,
    layout: Layout = "auto",
    scale: HowMuch = Scale.small,
    network: Annotated[list[Architecture] | None, typer.Option(help="Repeat; unset = the five of the paper.")] = None,
    folds: Folds = 5,
    folder: Folder = None,
    json: Json = None,
    seed: Seed = 0,
    here: Here = False,
) -> None:
    """R3 (Bloier 2022): IoU and accuracy of five segmentation networks over grouped folds."""
    asked = _asked(data, layout, scale, Roi.whole, seed, here=here)
    from indexer.reproduce.run import reproduce_r3

    _print(reproduce_r3(asked, networks=network or tuple(Architecture), n_folds=folds), folder, json)


@app.command("r7")
def r7(
    data: Data,
    layout: Layout = "auto",
    scale: HowMuch = Scale.small,
    roi: Region = Roi.mask,
    recipe: Annotated[str, typer.Option(help="With metadata fused and five folds.")] = "r7-fusion",
    folder: Folder = None,
    json: Json = None,
    seed: Seed = 0,
    here: Here = False,
) -> None:
    """R7 (Hinterwimmer 2024, PLOS Digital Health): metadata, image, both joined, and five networks summed."""
    asked = _asked(data, layout, scale, roi, seed, here=here)
    from indexer.reproduce.run import reproduce_r7

    _print(reproduce_r7(asked, recipe=recipe), folder, json)


def _asked(data: Path, layout: str, scale: Scale, roi: Roi, seed: int, *, here: bool) -> "Asked":
    if roi is Roi.segment:
        raise QueryError("the papers look at regions that people drew, or at whole films; use --roi mask or whole")
    listing = open_source(data, layout, SourceOptions())
    again(here=here)
    use_threads()
    from indexer.reproduce.run import Asked

    return Asked(listing, scale, roi, seed, tell, lambda line: err.print(line, soft_wrap=True))


def _print(found: "Reproduction", folder: Path | None, json: Path | None) -> None:
    """The table on the screen; with a folder also as Markdown, JSON and pictures."""
    if folder is not None:
        _write(found, folder)
    if json is not None:
        save(json, as_json(found.to_dict()))
    out.print(found.title, style=LOUD, soft_wrap=True)
    if found.synthetic:
        out.print("SYNTHETIC films: these figures say nothing about real ones", style=LOUD)
    for table in (*found.tables, found.scales):
        out.print()
        for line in table.lines():
            out.print(line, soft_wrap=True)
    out.print()
    for note in found.notes:
        out.print(note, style=QUIET, soft_wrap=True)


def _write(found: "Reproduction", folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QueryError(f"{folder} cannot be made ({error.strerror}); name another folder") from None
    name = f"{found.row}-{found.scale.value}"
    save(folder / f"{name}.md", found.markdown())
    save(folder / f"{name}.json", as_json(found.to_dict()))
    for file, data in found.pictures.items():
        write_durably(folder / file, data)
    err.print(f"written: {folder / name}.md, .json and {len(found.pictures)} pictures", soft_wrap=True)
