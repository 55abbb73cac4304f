"""GET /v1/audit: who opened which past patient."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.routes import written_examples as examples
from api.routes.common import NO_STORE, ServiceOf, answers
from api.routes.examples import PATIENT
from api.schemas import NOTICE, AuditLog
from indexer.journal import audit_log

router = APIRouter(tags=["audit"])
Limit = Annotated[int, Query(description="Most entries, 1 to 1000.")]
Before = Annotated[
    int | None, Query(ge=0, le=2**63 - 1, description="Only entries older than this one, to page on.", examples=[41])
]


@router.get(
    "/v1/audit",
    response_model=AuditLog,
    summary="Who opened which past patient",
    responses=answers(examples.AUDIT, examples.bad_limit("/v1/audit")),
)
def audit(
    response: Response,
    service: ServiceOf,
    who: Annotated[str | None, Query(description="Only theirs.", examples=["a.mueller"])] = None,
    patient: Annotated[str | None, Query(description="Only openings of this patient.", examples=[PATIENT])] = None,
    before: Before = None,
    limit: Limit = 100,
) -> AuditLog:
    """Newest first. `patient` is null where they were erased since. Reading the log is not written to it."""
    response.headers["Cache-Control"] = NO_STORE
    found = audit_log(service.journal(), who=who, patient=patient, before=before, limit=limit)
    return AuditLog(NOTICE, found)
