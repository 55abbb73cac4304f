"""POST /v1/search: films in, similar past patients out."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError, field_validator

from api.boxes import Box, Whole, parse_roi
from api.lookup import QueryFilm, ask, query_film
from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, answers, form, on_cpu
from api.schemas import Answer, QueryFacts, SearchAnswer
from api.service import Opened
from api.uploads import Form, Upload, read_form
from engine.errors import QueryError, RegionError
from engine.facts import OLDEST, Facts, sites_of
from engine.radiograph import Sex

router = APIRouter(tags=["search"])
FILMS = "files"


class SearchFields(BaseModel):
    """The form's fields beside its films."""

    k: int = Field(5, description="Patients wanted.")
    where: str = Field(
        "", description="Filter over the columns that GET /v1/archive lists; empty for all.", examples=["sex = 'F'"]
    )
    roi: list[str] = Field(
        default_factory=list,
        description="Lesion box x0,y0,x1,y1 in film pixels, one a film in order; `whole` for a whole film; empty, or "
        "none at all, for the region that the archive's segmenter proposes, or a whole film where it has none.",
        examples=[["512,700,900,1160"]],
    )
    include_self: bool = Field(False, description="Let the query's own patient answer too.")
    all_stages: bool = Field(False, description="Let films taken after treatment answer too.")
    age: float | None = Field(None, ge=0, le=OLDEST, description="Years, where known and no header says so.")
    sex: Sex | None = Field(None, description="F or M, where known.")
    site: str = Field("", description="Bones or joints, several joined by ';'.", examples=["tibia;fibula"])

    @field_validator("age", "sex", mode="before")
    @classmethod
    def _unsaid(cls, value: object) -> object:
        """An empty field of a form says nothing."""
        return value or None if isinstance(value, str) else value

    @property
    def filter(self) -> str | None:
        """The filter; None for all."""
        return self.where if self.where.strip() else None

    @property
    def facts(self) -> Facts:
        """What is said of the patient."""
        return Facts(self.age, self.sex, sites_of(self.site))


def form_schema() -> dict[str, Any]:
    """The form of a search, for OpenAPI."""
    film = {"type": "string", "format": "binary"}
    films = {
        "type": "array",
        "items": film,
        "minItems": 1,
        "description": "Films of one patient: DICOM, PNG, JPEG, TIFF.",
    }
    return {"type": "object", "required": [FILMS], "properties": {FILMS: films} | _properties()}


def _properties() -> dict[str, Any]:
    properties: dict[str, Any] = SearchFields.model_json_schema()["properties"]
    return properties


@router.post(
    "/v1/search",
    response_model=SearchAnswer,
    summary="The past patients whose films look most like these",
    responses=answers(examples.ANSWER, examples.BAD_FILTER),
    openapi_extra=form(form_schema(), examples.ASKED),
)
async def search(request: Request, response: Response, service: ServiceOf) -> SearchAnswer:
    """One case a patient, their best films under it, and the vote of their entities.

    Several films are fused to one query and must be of one patient. Research use only; not a diagnosis.
    """
    limits = service.settings
    sent = await read_form(request, FILMS, limits.max_films, limits.max_upload_mib)
    asked = search_fields(sent)
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: answer_on(service.current(), sent.films, asked))


def search_fields(sent: Form) -> SearchFields:
    """The form's fields beside its films.

    Raises:
        QueryError: a field that is unknown or sent twice. RequestValidationError: a value that cannot be understood.
    """
    given: dict[str, object] = {}
    for name, values in sent.fields.items():
        if name not in SearchFields.model_fields:
            known = ", ".join([FILMS, *SearchFields.model_fields])
            raise QueryError(f"{name[:40]!r} is no field of a search; its fields are {known}")
        if name != "roi" and len(values) > 1:
            raise QueryError(f"{name[:40]!r} was sent {len(values)} times; send it once")
        given[name] = values if name == "roi" else values[0]
    try:
        return SearchFields.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


def answer_on(opened: Opened, uploads: Sequence[Upload], asked: SearchFields) -> SearchAnswer:
    """What an archive answers on uploaded films.

    Raises:
        FilmError, RegionError, QueryError: see `api.lookup`.
    """
    films = query_films(opened, uploads, asked.roi)
    answer = ask(
        opened.snapshot,
        opened.embedder,
        films,
        k=asked.k,
        where=asked.filter,
        include_self=asked.include_self,
        all_stages=asked.all_stages,
        said=asked.facts,
    )
    return with_queries(answer, [_facts(upload, film) for upload, film in zip(uploads, films, strict=True)])


def with_queries(answer: Answer, queries: Iterable[QueryFacts]) -> SearchAnswer:
    """An answer with the films that were asked about."""
    known = {field.name: getattr(answer, field.name) for field in fields(Answer)}
    return SearchAnswer(**known, queries=tuple(queries))


def query_films(opened: Opened, uploads: Sequence[Upload], roi: Sequence[str]) -> list[QueryFilm]:
    """Uploaded films with the regions that are asked about. roi: see `regions_of`.

    Raises:
        FilmError, RegionError: see `api.lookup`.
    """
    return [
        query_film(upload.data, box, name=upload.name, segmenter=opened.segmenter, size=opened.embedder.card.size)
        for upload, box in zip(uploads, regions_of(roi, len(uploads)), strict=True)
    ]


def regions_of(roi: Sequence[str], films: int) -> list[Box | Whole | None]:
    """What is asked about on each film. roi: one text a film in order (`parse_roi`), or none at all.

    Raises:
        RegionError: another number of regions than films, or one that cannot be read.
    """
    if not roi:
        return [None] * films
    if len(roi) != films:
        raise RegionError(f"{len(roi)} regions for {films} films; send one a film in order, empty for a proposed one")
    return [parse_roi(text) for text in roi]


def _facts(upload: Upload, asked: QueryFilm) -> QueryFacts:
    film, header = asked.film, asked.film.header
    return QueryFacts(
        name=upload.name,
        rows=film.shape[0],
        columns=film.shape[1],
        region=asked.region.box,
        region_origin=asked.region.origin.value,
        side=header.side,
        view=header.view,
        body_part=header.body_part,
        spacing_mm=None if film.spacing is None else (film.spacing.row, film.spacing.column),
        warnings=film.warnings,
        confidence=asked.region.confidence,
        sha256=film.sha256,
        taken=header.taken,
    )
