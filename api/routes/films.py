"""Pictures of films: archived ones by their number, and one's own before it is sent as a query."""

import json
from dataclasses import asdict
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.archived import describe, find, original, thumbnail
from api.pictures import View, ViewQuery, png
from api.routes import examined_examples, examples
from api.routes.common import NO_STORE, PNG, REVALIDATE, ServiceOf, answers, form, on_cpu, pictures
from api.schemas import ArchivedFilm
from api.service import Service
from api.uploads import Upload, read_form
from engine.readers import read
from indexer.remarks import remarks

router = APIRouter(tags=["films"])
FILE = "file"
FORM = {
    "type": "object",
    "required": [FILE],
    "properties": {FILE: {"type": "string", "format": "binary", "description": "One film."}},
}
MOST_WARNINGS = 10
LARGEST_ID = 2**63 - 1
FilmId = Annotated[
    int, Path(ge=0, le=LARGEST_ID, description="The film's number, as an answer gives it.", examples=[17])
]


@router.get(
    "/v1/films/{film}",
    response_model=ArchivedFilm,
    summary="What the archive knows of a film",
    responses=answers(examined_examples.FILM, examples.NO_FILM),
)
def film(film: FilmId, response: Response, service: ServiceOf) -> ArchivedFilm:
    """The film and its lesion, as an answer shows them; the patient's history is another, audited question."""
    response.headers["Cache-Control"] = NO_STORE
    return describe(service.current().snapshot, film)


@router.get(
    "/v1/films/{film}/preview",
    response_class=Response,
    summary="An archived film as PNG",
    responses=pictures(examples.NO_FILM, kept=True),
)
async def film_preview(film: FilmId, view: ViewQuery, request: Request, service: ServiceOf) -> Response:
    """From the original where it is still in its place and unchanged, else from the archive's own small copy.

    `X-Caselink-Preview` says which: original | thumbnail. `X-Caselink-Synthetic: true` marks a generated film.
    """
    return await on_cpu(service, lambda: _show(service, film, view, request.headers.get("if-none-match", "")))


def _show(service: Service, film: int, view: View, kept: str) -> Response:
    found = find(service.current().snapshot, film)
    tag = sha256(f"{found.sha256} {view.model_dump_json()}".encode()).hexdigest()[:32]
    headers = {"ETag": f'"{tag}"', "Cache-Control": REVALIDATE}
    if found.synthetic:
        headers["X-Caselink-Synthetic"] = "true"
    if tag in kept:
        return Response(status_code=304, headers=headers)
    picture = original(found, view.size)
    headers["X-Caselink-Preview"] = "thumbnail" if picture is None else "original"
    return Response(png((picture or thumbnail(service.root, found)).pixels, view), media_type=PNG, headers=headers)


@router.post(
    "/v1/preview",
    response_class=Response,
    summary="A film of one's own as PNG, as it will be seen",
    responses=pictures(examples.BAD_FILM),
    openapi_extra=form(FORM, examples.SHOWN),
)
async def upload_preview(view: ViewQuery, request: Request, service: ServiceOf) -> Response:
    """The upload is shown and forgotten.

    `X-Film-Rows` and `X-Film-Columns` give the full film's pixels, in which regions are drawn; `X-Film-Side`,
    `X-Film-View`, `X-Film-Body-Part`, `X-Film-Taken` (a day) and `X-Film-Spacing` (millimetres per row and column,
    calibrated) what its header says; `X-Film-Warnings` a JSON list of what was odd, `X-Film-Remarks` their codes.
    """
    sent = await read_form(request, FILE, 1, service.settings.max_upload_mib)
    return await on_cpu(service, lambda: _show_upload(service, sent.films[0], view))


def _show_upload(service: Service, upload: Upload, view: View) -> Response:
    service.current()  # a film that nothing can be asked about is not worth a drawing
    film = read(upload.data, name=upload.name, at_least=view.size)
    headers = {
        "Cache-Control": NO_STORE,
        "X-Film-Rows": str(film.shape[0]),
        "X-Film-Columns": str(film.shape[1]),
        "X-Film-Warnings": json.dumps(film.warnings[:MOST_WARNINGS]),
        "X-Film-Remarks": json.dumps([asdict(one) for one in remarks(*film.warnings[:MOST_WARNINGS])]),
    }
    header, spacing = film.header, film.spacing
    said = {
        "X-Film-Side": header.side,
        "X-Film-View": header.view,
        "X-Film-Body-Part": header.body_part,
        "X-Film-Taken": header.taken and header.taken.isoformat(),
        "X-Film-Spacing": spacing and json.dumps([spacing.row, spacing.column]),
    }
    headers |= {name: value for name, value in said.items() if value and value.isascii() and value.isprintable()}
    return Response(png(film.pixels, view), media_type=PNG, headers=headers)
