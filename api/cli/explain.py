"""`caselink explain`: a film and a similar past patient's side by side, with where they agree."""

import io
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image, ImageDraw, ImageFont

from api.boxes import parse_roi
from api.cli.common import LOUD, QUIET, encoder_for, out
from api.explain import INEXACT, RULE, SMALL, Pair
from api.explain import explain as explained
from api.lookup import ask, query_film
from engine.errors import QueryError
from engine.explain import Heat, Look, drawn_out, laid_over
from engine.region import Origin, Region
from indexer.answer import NOTICE, Answer, SimilarCase
from indexer.archive import Archive
from indexer.durable import write_durably
from indexer.regions import open_segmenter

SIDE, GAP, LINE = 640, 16, 26
INK, SOFT, AMBER = (231, 234, 236), (169, 180, 189), (245, 185, 66)
Picture = npt.NDArray[np.uint8]


def explain(
    film: Annotated[Path, typer.Argument(help="The film asked about: DICOM, PNG, JPEG or TIFF.")],
    archive: Annotated[Path, typer.Option(help="The archive to ask.")],
    png: Annotated[Path, typer.Option("--png", help="Write the picture there.")],
    roi: Annotated[
        str | None,
        typer.Option(help="Lesion box x0,y0,x1,y1 in film pixels, or whole; unset = as for `caselink query`."),
    ] = None,
    rank: Annotated[int, typer.Option(min=1, help="Which similar patient, 1 = the nearest.")] = 1,
    k: Annotated[int, typer.Option("-k", help="Patients who vote.")] = 5,
    where: Annotated[str | None, typer.Option(help="Filter, as for `caselink query`.")] = None,
    include_self: Annotated[bool, typer.Option(help="Let the film's own patient answer too.")] = False,
    entity: Annotated[str | None, typer.Option(help="What the third picture speaks for; unset = the vote's.")] = None,
    encoder: Annotated[str | None, typer.Option(help="Unset = the archive's own.")] = None,
) -> None:
    """Draw where a film and a similar past patient's agree, and what on it speaks for an entity."""
    with Archive(archive) as opened:
        embedder = encoder_for(archive, encoder).embedder
        segmenter, box = open_segmenter(archive, opened.snapshot.manifest), None if roi is None else parse_roi(roi)
        asked = query_film(film, box, segmenter=segmenter, size=embedder.card.size)
        answer = ask(opened.snapshot, embedder, [asked], k=max(k, rank), where=where, include_self=include_self)
        if rank > len(answer.cases):
            raise QueryError(
                f"--rank {rank} is beyond the {len(answer.cases)} patients who may answer; give a lower one"
            )
        case, meant = answer.cases[rank - 1], entity or answer.label
        pair = explained(
            opened.snapshot, embedder, asked, case.films[0].film, entity=meant, voters=voters(answer, meant)
        )
    _write(png, figure(pair, case))
    if answer.manifest["synthetic"]:
        out.print("SYNTHETIC archive: no film or history is of a real person", style=LOUD)
    out.print(NOTICE, style=QUIET)
    for line in said(pair, case):
        out.print(line)


def voters(answer: Answer, entity: str | None) -> list[int]:
    """The best film of each similar patient who had an entity."""
    return [case.films[0].film for case in answer.cases if entity is not None and case.entity == entity]


def said(pair: Pair, case: SimilarCase) -> list[str]:
    """What the picture shows, in words."""
    both, speaks = pair.agreement, pair.activation
    lines = [f"patient {case.patient} ({case.entity or 'entity not known'}), similarity {both.similarity:.3f}"]
    lines.append(f"left and middle: {RULE if both.exact else INEXACT}")
    if speaks.entity is not None:
        lines.append(f"{'right' if speaks.heats else 'no third picture'}: {speaks.entity}, {speaks.rule}")
    return [*lines, *([f"note: {SMALL}"] if pair.small else [])]


def figure(pair: Pair, case: SimilarCase) -> Image.Image:
    """Both films under their maps, and the query's under what speaks for the entity, where that is known."""
    panels = [
        ("Your film", pair.query, pair.agreement.query),
        (f"Patient {case.rank}: {case.entity or 'entity not known'}", pair.neighbour, pair.agreement.neighbour),
    ]
    if pair.activation.heats is not None:
        panels.append((f"Speaks for {pair.activation.entity}", pair.query, pair.activation.heats))
    width = len(panels) * (SIDE + GAP) + GAP
    sheet = Image.new("RGB", (width, SIDE + 2 * GAP + 2 * LINE))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for number, (title, seen, heats) in enumerate(panels):
        left = GAP + number * (SIDE + GAP)
        picture = _panel(seen, heats)
        sheet.paste(picture, (left + (SIDE - picture.width) // 2, GAP + (SIDE - picture.height) // 2))
        pen.text((left, GAP + SIDE + 6), title, INK, font)
    pen.text((GAP, SIDE + 2 * GAP + LINE - 4), NOTICE, SOFT, ImageFont.load_default(13))
    return sheet


def _panel(seen: Look, heats: tuple[Heat, ...]) -> Image.Image:
    """A film with its map, and the compared region's outline."""
    rows, columns = seen.film.shape
    picture = Image.fromarray(laid_over(seen.film.pixels, drawn_out(heats, (0, 0, columns, rows), SIDE), SIDE))
    if seen.region.origin is not Origin.whole:
        scale = picture.width / columns, picture.height / rows
        ImageDraw.Draw(picture).rectangle(_edges(seen.region, scale), outline=AMBER, width=2)
    return picture


def _edges(region: Region, scale: tuple[float, float]) -> tuple[float, float, float, float]:
    return region.x0 * scale[0], region.y0 * scale[1], region.x1 * scale[0] - 1, region.y1 * scale[1] - 1


def _write(path: Path, picture: Image.Image) -> None:
    data = io.BytesIO()
    picture.save(data, "PNG")
    try:
        write_durably(path, data.getvalue())
    except OSError as error:
        raise QueryError(f"{path} cannot be written ({error.strerror}); name another place") from None
