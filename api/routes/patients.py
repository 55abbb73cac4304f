"""GET /v1/patients/{patient}: a past patient's history."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, WhoOf, answers
from api.schemas import NOTICE, PatientHistory
from indexer.journal import opened
from indexer.patients import patient_history

router = APIRouter(tags=["patients"])


@router.get(
    "/v1/patients/{patient}",
    response_model=PatientHistory,
    summary="A past patient's dated history",
    responses=answers(examples.HISTORY, examples.NO_PATIENT),
)
def patient(
    patient: Annotated[str, Path(description="Pseudonym, as an answer gives it.", examples=[examples.PATIENT])],
    response: Response,
    service: ServiceOf,
    who: WhoOf,
) -> dict[str, Any]:
    """Lesions with how each was proven, dated events, and films. Opening them is written to the audit log first.

    `audit` is the entry made. Where the log cannot be written, nobody is shown.
    """
    response.headers["Cache-Control"] = NO_STORE
    history = patient_history(service.current().snapshot, patient)
    return history | {"notice": NOTICE, "audit": opened(service.journal(), who, patient)}
