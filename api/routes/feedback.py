"""What people say of answers: it is kept, listed and exported, and changes no answer by itself."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.archived import find
from api.bodies import json_body, read_json
from api.routes import written_examples as examples
from api.routes.audit import Before, Limit
from api.routes.common import NO_STORE, ServiceOf, WhoOf, answers, in_thread, texts
from api.routes.examples import QUERY
from api.schemas import NOTICE, FeedbackEntry, FeedbackGiven, FeedbackKind, FeedbackList
from api.service import Service
from engine.errors import QueryError
from indexer.archive import Snapshot
from indexer.journal import Neighbour, as_csv, as_json_lines, feedback_given, judge, training_pairs, turned_out

router = APIRouter(tags=["feedback"])
FORMATS = {"csv": ("text/csv", as_csv), "jsonl": ("application/jsonl", as_json_lines)}


@router.post(
    "/v1/feedback",
    response_model=FeedbackEntry,
    summary="Say that a past film is similar or not, or how a past query turned out",
    responses=answers(examples.JUDGEMENT, examples.NO_NEIGHBOUR),
    openapi_extra=json_body(FeedbackGiven, examples.JUDGED),
)
async def give(request: Request, response: Response, service: ServiceOf, who: WhoOf) -> FeedbackEntry:
    """Stored with who and when. `similar` and `not similar` need `film`, `histology` needs `entity`."""
    said = await read_json(request, FeedbackGiven)
    response.headers["Cache-Control"] = NO_STORE
    return await in_thread(lambda: _store(service, who, said))


def _store(service: Service, who: str, said: FeedbackGiven) -> FeedbackEntry:
    journal = service.journal()
    if said.kind is FeedbackKind.histology:
        if said.film is not None:
            raise QueryError(f"histology is said of a query, not of film {said.film}; leave the film out")
        return turned_out(journal, who, said.query, said.entity or "", said.proof, said.note)
    if said.film is None or said.entity or said.proof:
        raise QueryError(f"{said.kind} is said of a neighbour alone; give its film, and no entity or proof")
    return judge(journal, who, said.query, said.kind, _neighbour(service.current().snapshot, said.film), said.note)


def _neighbour(snapshot: Snapshot, film: int) -> Neighbour:
    held = find(snapshot, film)
    row = snapshot.row_of_film(film)
    facts = snapshot.films.slice(row, 1).to_pylist()[0]
    return Neighbour(film, held.sha256, facts["patient"], facts["entity"])


@router.get(
    "/v1/feedback",
    response_model=FeedbackList,
    summary="What was said of answers",
    responses=answers(examples.FEEDBACK, examples.bad_limit("/v1/feedback")),
)
def given(
    response: Response,
    service: ServiceOf,
    who: WhoOf,
    query: Annotated[
        str | None, Query(description="sha256 of a query film; only what was said of it.", examples=[QUERY])
    ] = None,
    before: Before = None,
    limit: Limit = 100,
) -> FeedbackList:
    """Newest first."""
    response.headers["Cache-Control"] = NO_STORE
    entries = feedback_given(service.journal(), query=query, before=before, limit=limit)
    return FeedbackList(NOTICE, entries, who)


@router.get(
    "/v1/feedback/pairs",
    response_class=Response,
    summary="Judged pairs, to train on",
    responses=texts("text/csv", examples.PAIRS, examples.NO_FORMAT),
)
def pairs(
    service: ServiceOf,
    format: Annotated[str, Query(description="csv | jsonl")] = "csv",
) -> Response:
    """Query film and neighbour by the sha256 of their bytes, the last word of each user, and the query's histology.

    A table unless JSON lines are asked for.
    """
    if format not in FORMATS:
        raise QueryError(f"format {format[:40]!r} is not written; ask for {' or '.join(FORMATS)}")
    media, write = FORMATS[format]
    name = f"caselink-pairs.{format}"
    headers = {"Cache-Control": NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(write(training_pairs(service.journal())), media_type=media, headers=headers)
