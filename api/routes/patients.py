"""GET /v1/patients/{patient}: a past patient's history."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, answers
from api.schemas import NOTICE, PatientHistory
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
) -> dict[str, Any]:
    """Lesions with how each was proven, dated events, and films."""
    response.headers["Cache-Control"] = NO_STORE
    return patient_history(service.current().snapshot, patient) | {"notice": NOTICE}
