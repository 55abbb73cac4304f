"""What members type into a case's notes and have not saved: kept for each of them alone, so that no reload loses it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from api.bodies import json_body, read_json
from api.routes import written_examples as examples
from api.routes.audit import Limit
from api.routes.common import NO_STORE, ServiceOf, WhoOf, answers, in_thread
from api.schemas import NOTICE, KeptDraft, Removed
from api.written import DraftList, DraftTyped
from indexer import journal as kept

router = APIRouter(tags=["board"])
DRAFTS = "/v1/board/drafts"
DRAFT = f"{DRAFTS}/{{draft}}"
DraftId = Annotated[
    str, Path(description="32 hex digits, chosen by who types: one for each time a section is opened.",
              examples=[examples.DRAFT_ID])
]  # fmt: skip


@router.get(
    DRAFTS,
    response_model=DraftList,
    summary="What you typed and did not save",
    responses=answers(examples.DRAFTS, examples.bad_limit(DRAFTS)),
)
def drafts(
    response: Response,
    service: ServiceOf,
    who: WhoOf,
    case: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Only in this case.", examples=[3])] = None,
    limit: Limit = 100,
) -> DraftList:
    """Your own, the oldest first; nobody is shown another's."""
    response.headers["Cache-Control"] = NO_STORE
    return DraftList(NOTICE, kept.drafts(service.journal(), who, case, limit))


@router.put(
    DRAFT,
    response_model=KeptDraft,
    summary="Keep what is being typed",
    responses=answers(examples.DRAFT, examples.no_case("") | {"instance": f"{DRAFTS}/{examples.DRAFT_ID}"}),
    openapi_extra=json_body(DraftTyped, examples.TYPED),
)
async def keep(draft: DraftId, request: Request, response: Response, service: ServiceOf, who: WhoOf) -> KeptDraft:
    """In place of what the same draft said before. Saving the section with `draft` takes it away again."""
    said = await read_json(request, DraftTyped)
    response.headers["Cache-Control"] = NO_STORE
    return await in_thread(
        lambda: kept.keep_draft(service.journal(), who, draft, said.case, said.section, said.text, said.revision)
    )


@router.delete(
    DRAFT,
    response_model=Removed,
    summary="Throw away what you typed",
    responses=answers(examples.REMOVED | {"removed": f"draft {examples.DRAFT_ID}"}, examples.NO_DRAFT),
)
def drop(draft: DraftId, response: Response, service: ServiceOf, who: WhoOf) -> Removed:
    """One of your own; one that is not there is no mistake."""
    response.headers["Cache-Control"] = NO_STORE
    kept.drop_draft(service.journal(), who, draft)
    return Removed(NOTICE, f"draft {draft}")
