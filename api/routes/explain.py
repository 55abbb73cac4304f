"""POST /v1/explain: where a query's film and an archived one agree."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from api.explain import MOST_VOTERS, RULE, explain, told
from api.explained import Explanation
from api.lookup import query_film
from api.routes.common import NO_STORE, ServiceOf, answers, form, on_cpu
from api.routes.search import FILMS, regions_of
from api.schemas import NOTICE
from api.service import Opened
from api.uploads import Form, Upload, read_form
from engine.errors import QueryError

router = APIRouter(tags=["search"])
MANY = ("roi", "voters")
"""Fields that may be sent several times."""
_MAP = {
    "rows": 2048,
    "columns": 1536,
    "box": [413, 637, 1013, 1237],
    "maps": [{"view": "region", "square": [413, 637, 1013, 1237], "grid": [[0.0, 0.25], [1.0, 0.5]]}],
    "overlay": "(a PNG with alpha in base64)",
}
EXAMPLE: dict[str, Any] = {
    "notice": NOTICE,
    "film": 17,
    "picture": "original",
    "similarity": 0.931204,
    "exact": True,
    "rule": RULE,
    "query": _MAP,
    "neighbour": _MAP | {"rows": 2140, "columns": 1320},
    "activation_of": None,
    "activation_rule": "no entity was asked for",
    "activation": None,
    "warnings": [],
}
ASKED: dict[str, Any] = {"files": "(the film's bytes)", "film": 17, "roi": ["512,700,900,1160"]}
NO_FILM: dict[str, Any] = {
    "type": "/problems/not-found",
    "title": "Nothing is known by that name",
    "status": 404,
    "detail": "the archive has no film 999999; take its number from an answer",
    "code": "no_archived_film",
    "values": {"number": "999999"},
    "instance": "/v1/explain",
}


class ExplainFields(BaseModel):
    """The form's fields beside its film."""

    film: int = Field(description="The archived film's number, as an answer gives it.", ge=0, le=2**63 - 1)
    roi: list[str] = Field(
        default_factory=list,
        description="Lesion box x0,y0,x1,y1 in film pixels, or `whole`; none = as the archive's segmenter proposes.",
        max_length=1,
    )
    entity: str = Field("", description="What the second map shall speak for, such as the vote's; empty for none.")
    voters: list[int] = Field(
        default_factory=list,
        description="Films of similar patients who had that entity, for encoders without a classifier.",
        max_length=MOST_VOTERS,
    )


def _form_schema() -> dict[str, Any]:
    film = {"type": "string", "format": "binary", "description": "The query's film: DICOM, PNG, JPEG, TIFF."}
    fields: dict[str, Any] = ExplainFields.model_json_schema()["properties"]
    return {"type": "object", "required": [FILMS, "film"], "properties": {FILMS: film} | fields}


@router.post(
    "/v1/explain",
    response_model=Explanation,
    summary="Where a film of yours and an archived one agree",
    responses=answers(EXAMPLE, NO_FILM),
    openapi_extra=form(_form_schema(), ASKED),
)
async def explanation(request: Request, response: Response, service: ServiceOf) -> Explanation:
    """Each place's share of the two films' similarity, on both films; and what on yours speaks for an entity.

    It shows what the encoder compared, not where a lesion is. Research use only; not a diagnosis.
    """
    sent = await read_form(request, FILMS, 1, service.settings.max_upload_mib)
    asked = _fields(sent)
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: _explain(service.current(), sent.films[0], asked))


def _fields(sent: Form) -> ExplainFields:
    given: dict[str, object] = {}
    for name, values in sent.fields.items():
        if name not in ExplainFields.model_fields:
            known = ", ".join([FILMS, *ExplainFields.model_fields])
            raise QueryError(f"{name[:40]!r} is no field of an explanation; its fields are {known}")
        if name not in MANY and len(values) > 1:
            raise QueryError(f"{name[:40]!r} was sent {len(values)} times; send it once")
        given[name] = values if name in MANY else values[0]
    try:
        return ExplainFields.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


def _explain(opened: Opened, upload: Upload, asked: ExplainFields) -> Explanation:
    (region,) = regions_of(asked.roi, 1)
    size = opened.embedder.card.size
    film = query_film(upload.data, region, name=upload.name, segmenter=opened.segmenter, size=size)
    entity = asked.entity.strip() or None
    return told(explain(opened.snapshot, opened.embedder, film, asked.film, entity=entity, voters=asked.voters))
