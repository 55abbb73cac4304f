"""What is served: the archive's facts, whether it can be asked, and the types of problems."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Response

from api.problems import all_kinds
from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, answers
from api.schemas import NOTICE, ArchiveFacts, Health, Limits, ProblemKind, Ready
from engine.errors import NotFound
from indexer.facts import archive_facts

router = APIRouter(tags=["about"])


@router.get(
    "/v1/archive",
    response_model=ArchiveFacts,
    summary="What the archive holds, and what a filter may name",
    responses=answers(examples.ARCHIVE, examples.NO_PARAMETER),
)
def archive(response: Response, service: ServiceOf) -> dict[str, Any]:
    """Counts, the model's card, sources, filter columns with their commonest values, and the limits of a query."""
    response.headers["Cache-Control"] = NO_STORE
    limits = Limits(service.settings.max_films, service.settings.max_upload_mib)
    return archive_facts(service.current().snapshot) | {"notice": NOTICE, "limits": asdict(limits)}


@router.get(
    "/healthz",
    response_model=Health,
    summary="Whether the process answers",
    responses=answers(examples.HEALTH, examples.NO_PARAMETER),
)
async def healthz() -> Health:
    """Says nothing of the archive; see /readyz."""
    return Health("alive", NOTICE)


@router.get(
    "/readyz",
    response_model=Ready,
    summary="Whether the archive can be asked",
    responses=answers(examples.READY, examples.NO_PARAMETER),
)
def readyz(response: Response, service: ServiceOf) -> Ready:
    """503 with the reason where the archive or its encoder cannot be opened; it is tried again at each question."""
    response.headers["Cache-Control"] = NO_STORE
    snapshot = service.current().snapshot
    manifest = snapshot.manifest
    films, patients = len(snapshot.film), len(snapshot.patients)
    return Ready("ready", NOTICE, manifest.synthetic, manifest.title, manifest.version, films, patients)


@router.get(
    "/problems/{kind}",
    response_model=ProblemKind,
    summary="What a type of problem means",
    responses=answers(examples.PROBLEM_KIND, examples.NO_PARAMETER),
)
async def problem_kind(kind: str) -> ProblemKind:
    """Where the `type` of a problem document leads."""
    found = all_kinds().get(kind)
    if found is None:
        raise NotFound(f"there is no type of problem {kind[:40]!r}; there are {', '.join(sorted(all_kinds()))}")
    return ProblemKind(f"/problems/{found.slug}", found.title, found.status)
