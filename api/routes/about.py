"""What is served: the archive's facts, whether it can be asked, and the types of problems."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.problems import Kind, all_kinds
from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, answers
from api.schemas import NOTICE, ArchiveFacts, Health, Limits, ProblemKind, Ready
from engine.errors import NotFound

router = APIRouter(tags=["about"])
KindName = Annotated[str, Path(description="Last part of a problem's type.", examples=["filter"])]
PLACES = frozenset({"source"})
"""Columns whose values are folders of the machine that indexed; a filter may name them, nobody is told them."""


@router.get(
    "/v1/archive",
    response_model=ArchiveFacts,
    summary="What the archive holds, and what a filter may name",
    responses=answers(examples.ARCHIVE, examples.only_get("/v1/archive")),
)
def archive(response: Response, service: ServiceOf) -> dict[str, Any]:
    """Counts, the model's card, sources, filter columns with their commonest values, and the limits of a query."""
    response.headers["Cache-Control"] = NO_STORE
    limits = Limits(service.settings.max_films, service.settings.max_upload_mib)
    facts = service.facts()
    columns = [each | {"values": []} if each["name"] in PLACES else each for each in facts["columns"]]
    return facts | {"columns": columns, "notice": NOTICE, "limits": asdict(limits)}


@router.get(
    "/healthz",
    response_model=Health,
    summary="Whether the process answers",
    responses=answers(examples.HEALTH, examples.only_get("/healthz"), of_archive=False),
)
async def healthz() -> Health:
    """Says nothing of the archive; see /readyz."""
    return Health("alive", NOTICE)


@router.get(
    "/readyz",
    response_model=Ready,
    summary="Whether the archive can be asked",
    responses=answers(examples.READY, examples.only_get("/readyz")),
)
def readyz(response: Response, service: ServiceOf) -> Ready:
    """503 with the reason where the archive or its encoder cannot be opened; it is tried again at each question."""
    response.headers["Cache-Control"] = NO_STORE
    snapshot = service.current().snapshot
    manifest = snapshot.manifest
    films, patients = len(snapshot.film), len(snapshot.patients)
    return Ready("ready", NOTICE, manifest.synthetic, manifest.title, manifest.version, films, patients)


@router.get(
    "/problems",
    response_model=list[ProblemKind],
    summary="Every type of problem",
    responses=answers([examples.PROBLEM_KIND], examples.only_get("/problems"), of_archive=False),
)
async def problem_kinds() -> list[ProblemKind]:
    """What any answer of 400 or more may be."""
    return [_kind(kind) for kind in all_kinds().values()]


@router.get(
    "/problems/{kind}",
    response_model=ProblemKind,
    summary="What a type of problem means",
    responses=answers(examples.PROBLEM_KIND, examples.NO_KIND, of_archive=False),
)
async def problem_kind(kind: KindName) -> ProblemKind:
    """Where the `type` of a problem document leads."""
    found = all_kinds().get(kind)
    if found is None:
        raise NotFound(f"there is no type of problem {kind[:40]!r}; GET /problems lists them")
    return _kind(found)


def _kind(kind: Kind) -> ProblemKind:
    return ProblemKind(f"/problems/{kind.slug}", kind.title, kind.status)
