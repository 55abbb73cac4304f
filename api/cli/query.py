"""`caselink query`: films in, similar past patients out."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.table import Table

from api.boxes import WHOLE, parse_box, parse_roi
from api.cli.common import LOUD, QUIET, encoder_for, known, out, print_json, proof_of
from api.lookup import QueryFilm, ask, query_film
from engine.errors import RegionError
from engine.facts import OLDEST, Facts, sites_of
from engine.radiograph import Sex
from engine.readers import read
from engine.segmentation import Segmenter
from indexer.answer import Answer
from indexer.archive import Archive
from indexer.masks import read_mask
from indexer.regions import open_segmenter


def query(
    films: Annotated[list[Path], typer.Argument(help="Films of one patient: DICOM, PNG, JPEG or TIFF.")],
    archive: Annotated[Path, typer.Option(help="The archive to ask.")],
    k: Annotated[int, typer.Option("-k", help="Patients wanted.")] = 5,
    roi: Annotated[
        str | None,
        typer.Option(
            help="Lesion box x0,y0,x1,y1 in film pixels (one film), or whole; unset = as the archive proposes."
        ),
    ] = None,
    mask: Annotated[Path | None, typer.Option(help="Picture of the lesion, nonzero = lesion (one film).")] = None,
    where: Annotated[str | None, typer.Option(help="Filter, e.g. \"age between 5 and 20 and sex='F'\".")] = None,
    include_self: Annotated[bool, typer.Option(help="Let the query's own patient answer too.")] = False,
    all_stages: Annotated[bool, typer.Option(help="Let films after treatment answer too.")] = False,
    age: Annotated[float | None, typer.Option(min=0, max=OLDEST, help="Years, where no header says so.")] = None,
    sex: Annotated[Sex | None, typer.Option(help="F or M, where no header says so.")] = None,
    site: Annotated[str | None, typer.Option(help="Bones or joints, several joined by ';'.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Unset = the archive's own.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the Answer as JSON.")] = False,
) -> None:
    """Show the past patients whose films look most like these, and what their diagnoses vote for."""
    if (roi not in (None, WHOLE) or mask) and len(films) > 1:
        raise RegionError(f"one region cannot serve {len(films)} films; query the film with the lesion by itself")
    if roi is not None and mask:
        raise RegionError("give either --roi or --mask, not both")
    with Archive(archive) as opened:
        embedder = encoder_for(archive, encoder).embedder
        segmenter = open_segmenter(archive, opened.snapshot.manifest)
        asked = [_film(path, roi, mask, segmenter, embedder.card.size) for path in films]
        answer = ask(
            opened.snapshot, embedder, asked, k=k, where=where, include_self=include_self, all_stages=all_stages,
            said=Facts(age, sex, sites_of(site)),
        )  # fmt: skip
    if json:
        print_json(TypeAdapter(Answer).dump_python(answer, mode="json"))
    else:
        print_answer(answer)


def _film(path: Path, roi: str | None, mask: Path | None, segmenter: Segmenter | None, size: int) -> QueryFilm:
    if mask:
        film = read(path)
        return QueryFilm(film, read_mask(mask, film.shape))
    region = None if roi is None else parse_roi(roi) or parse_box(roi)  # an empty one is refused
    return query_film(path, region, segmenter=segmenter, size=size)


def print_answer(answer: Answer) -> None:
    """An answer as a table for people."""
    if answer.manifest["synthetic"]:
        out.print("SYNTHETIC archive: no film or history is of a real person", style=LOUD)
    out.print(answer.manifest["notice"], style=QUIET)
    out.print(f"Similar past patients in {answer.manifest['archive']}", style=LOUD)
    out.print(_cases(answer))
    if answer.label is None:
        out.print(f"no vote: {answer.reason}")
    for ballot in answer.tally:
        share = "" if answer.shares is None else f", calibrated share {_percent(answer.shares[ballot.entity])}"
        out.print(
            f"{ballot.patients} of {sum(answer.vote.values())} similar patients had {ballot.entity} "
            f"(summed similarity {ballot.similarity:.3f}{share})"
        )
    _limits(answer)
    out.print(answer.rule, style=QUIET)
    for warning in answer.warnings:
        out.print(f"note: {warning}")


def _limits(answer: Answer) -> None:
    """The set of entities, the malignant share, the nearest malignant case, and what the shares rest on."""
    chosen = answer.prediction_set
    if chosen is not None:
        names = ", ".join(f"{entity} {_percent((answer.shares or {})[entity])}" for entity in chosen.entities)
        out.print(f"{_percent(chosen.coverage)} prediction set (from {chosen.patients} patients): {names}")
    if answer.malignant is not None:
        side = "above" if answer.malignant.above else "under"
        share, point = _percent(answer.malignant.share), _percent(answer.malignant.threshold)
        out.print(f"malignant share {share}, {side} the operating point of {point}")
    case = answer.nearest_malignant
    if case is None:
        out.print(f"nearest malignant case: {answer.malignant_note}")
    else:
        where = f"number {case.rank} above" if case.rank else "beyond the patients above"
        entity = known(case.entity)
        out.print(f"nearest malignant case: {entity}, similarity {case.similarity:.3f}, {case.patient}, {where}")
    if answer.shares_note:
        out.print(answer.shares_note, style=QUIET)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _cases(answer: Answer) -> Table:
    """A row a patient, within 80 columns; words wrap, numbers and pseudonyms do not."""
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("", "alike", "entity", "proof", "site", "age", "sex", "patient", "films"):
        table.add_column(name, no_wrap=name not in {"entity", "proof", "site"}, overflow="fold")
    for case in answer.cases:
        facts = (known(fact) for fact in (case.entity, proof_of(case.proof), case.site, case.age, case.sex))
        table.add_row(str(case.rank), f"{case.similarity:.3f}", *facts, case.patient, str(len(case.films)))
    return table
