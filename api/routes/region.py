"""POST /v1/region: where the archive's segmenter sees a lesion, before anything is asked."""

from typing import Any

from fastapi import APIRouter, Request, Response

from api.lookup import query_film
from api.routes import examples
from api.routes.common import NO_STORE, ServiceOf, answers, form, on_cpu
from api.routes.films import FILE, FORM
from api.schemas import NOTICE, ProposedRegion
from api.service import Opened
from api.uploads import Upload, read_form

router = APIRouter(tags=["search"])
EXAMPLE: dict[str, Any] = {
    "notice": NOTICE,
    "rows": 2048,
    "columns": 1536,
    "region": [512, 700, 900, 1160],
    "region_origin": "segmented",
    "confidence": 0.83,
    "threshold": 0.4,
}


@router.post(
    "/v1/region",
    response_model=ProposedRegion,
    summary="Where the lesion on a film may be",
    responses=answers(EXAMPLE, examples.BAD_FILM | {"instance": "/v1/region"}),
    openapi_extra=form(FORM, examples.SHOWN),
)
async def region(request: Request, response: Response, service: ServiceOf) -> ProposedRegion:
    """The region that a search without one would ask about. Draw another where the lesion is elsewhere.

    It is the whole film where the archive has no segmenter, or where that is not sure enough.
    """
    sent = await read_form(request, FILE, 1, service.settings.max_upload_mib)
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: _propose(service.current(), sent.films[0]))


def _propose(opened: Opened, upload: Upload) -> ProposedRegion:
    segmenter = opened.segmenter
    asked = query_film(upload.data, None, name=upload.name, segmenter=segmenter, size=opened.embedder.card.size)
    return ProposedRegion(
        notice=NOTICE,
        rows=asked.film.shape[0],
        columns=asked.film.shape[1],
        region=asked.region.box,
        region_origin=asked.region.origin.value,
        confidence=asked.region.confidence,
        threshold=None if segmenter is None else segmenter.card.threshold,
    )
