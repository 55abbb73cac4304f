"""The tumour board's cases: their heads, their notes, and the agenda of a day."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from api.bodies import json_body, read_json
from api.case_vote import asked_again
from api.routes import written_examples as examples
from api.routes.audit import Limit
from api.routes.common import NO_STORE, ServiceOf, WhoOf, answers, in_thread, on_cpu
from api.schemas import (
    NOTICE,
    Agenda,
    BoardCase,
    CaseAnswer,
    CaseChange,
    CaseList,
    NewCase,
    Removed,
    SearchAnswer,
    SectionHistory,
    SectionText,
    SectionWritten,
)
from indexer import journal as kept
from indexer.journal import Journal, Section

router = APIRouter(tags=["board"])
CASES = "/v1/board/cases"
CASE = f"{CASES}/{{case}}"
SECTION = f"{CASE}/sections/{{section}}"
CaseId = Annotated[
    int,
    Path(ge=0, le=2**63 - 1, description="The case's number, as the list gives it.", examples=[examples.UNKNOWN_CASE]),
]
SectionName = Annotated[Section, Path(description="A section of the protocol.", examples=["history"])]
_ANSWER = TypeAdapter(SearchAnswer)


def whole_case(journal: Journal, case: int) -> BoardCase:
    """A case as the API shows it.

    Raises:
        NotFound: no such case.
    """
    board, held = kept.read_case(journal, case), kept.held_answer(journal, case)
    answer = None
    if held is not None:
        answer = CaseAnswer(_ANSWER.validate_python(held.answer), held.films, held.at, held.who)
    return BoardCase(NOTICE, board.case, board.sections, board.films, board.precedents, board.decision, answer)


@router.post(
    CASES,
    response_model=BoardCase,
    summary="Make a case",
    responses=answers(examples.CASE, examples.NO_TITLE),
    openapi_extra=json_body(NewCase, examples.NEW_CASE),
)
async def make(request: Request, response: Response, service: ServiceOf, who: WhoOf) -> BoardCase:
    """The last of its day's agenda. Write no names: what is typed here is kept as it is."""
    said = await read_json(request, NewCase)
    response.headers["Cache-Control"] = NO_STORE

    def work() -> BoardCase:
        journal = service.journal()
        return whole_case(journal, kept.make_case(journal, who, said.title, said.day, said.patient).case.case)

    return await in_thread(work)


@router.get(
    CASES,
    response_model=CaseList,
    summary="The board's cases",
    responses=answers(examples.CASES, examples.bad_limit(CASES)),
)
def cases(
    response: Response,
    service: ServiceOf,
    before: Annotated[
        int | None, Query(ge=0, le=2**63 - 1, description="Only cases older than this one.", examples=[41])
    ] = None,
    limit: Limit = 100,
    undated: Annotated[bool, Query(description="Only cases without a day.")] = False,
) -> CaseList:
    """Newest first."""
    response.headers["Cache-Control"] = NO_STORE
    return CaseList(NOTICE, kept.list_cases(service.journal(), undated=undated, before=before, limit=limit))


@router.get(
    "/v1/board/agenda/{day}",
    response_model=Agenda,
    summary="The cases of a day",
    responses=answers(examples.AGENDA, examples.NO_DAY),
)
def agenda(
    day: Annotated[str, Path(description="Day of the board's meeting.", examples=["2026-11-30"])],
    response: Response,
    service: ServiceOf,
) -> Agenda:
    """In the order of their positions."""
    response.headers["Cache-Control"] = NO_STORE
    return Agenda(NOTICE, day, kept.list_cases(service.journal(), day=day, limit=1000))


@router.get(
    CASE,
    response_model=BoardCase,
    summary="A case with all that it holds",
    responses=answers(examples.CASE, examples.no_case("")),
)
def case(case: CaseId, response: Response, service: ServiceOf) -> BoardCase:
    """Head, notes, films, precedents, the archive's last answer on the films, and the decision."""
    response.headers["Cache-Control"] = NO_STORE
    return whole_case(service.journal(), case)


@router.put(
    CASE,
    response_model=BoardCase,
    summary="Change a case's title, day, place in the agenda, or patient",
    responses=answers(examples.CASE, examples.no_case("")),
    openapi_extra=json_body(CaseChange, examples.CHANGE),
)
async def change(case: CaseId, request: Request, response: Response, service: ServiceOf, who: WhoOf) -> BoardCase:
    """409 where somebody changed them since `revision`. With another patient the archive is asked again, as before: the
    case's own patient does not answer.
    """
    said = await read_json(request, CaseChange)
    response.headers["Cache-Control"] = NO_STORE

    def work() -> BoardCase:
        journal = service.journal()
        new = said.model_dump(exclude={"revision"})
        before = kept.read_case(journal, case).case.patient
        if kept.change_case(journal, who, case, said.revision, **new).case.patient != before:
            kept.ask_anew(journal, who, case, asked_again(service.current, lambda: whole_case(journal, case)))
        return whole_case(journal, case)

    return await on_cpu(service, work)


@router.delete(
    CASE,
    response_model=Removed,
    summary="Take a case away",
    responses=answers(examples.REMOVED, examples.no_case("")),
)
def remove(case: CaseId, response: Response, service: ServiceOf) -> Removed:
    """With its films, notes and precedents; cannot be undone. An event in the archive stays."""
    response.headers["Cache-Control"] = NO_STORE
    kept.remove_case(service.journal(), case)
    return Removed(NOTICE, f"case {case}")


@router.put(
    SECTION,
    response_model=SectionText,
    summary="Write a section of a case's notes",
    responses=answers(examples.SECTION, examples.no_case("/sections/history")),
    openapi_extra=json_body(SectionWritten, examples.WRITTEN),
)
async def write(
    case: CaseId, section: SectionName, request: Request, response: Response, service: ServiceOf, who: WhoOf
) -> SectionText:
    """409 where somebody wrote since `revision`: `current` and `yours` hold both texts, `revision` the one to merge on.

    No text is lost: earlier ones stay in the section's history.
    """
    said = await read_json(request, SectionWritten)
    response.headers["Cache-Control"] = NO_STORE
    return await in_thread(
        lambda: kept.write_section(service.journal(), who, case, section, said.text, said.revision, said.draft)
    )


@router.get(
    SECTION,
    response_model=SectionHistory,
    summary="All that a section ever said",
    responses=answers(examples.TEXTS, examples.no_case("/sections/history")),
)
def texts(case: CaseId, section: SectionName, response: Response, service: ServiceOf) -> SectionHistory:
    """The latest first."""
    response.headers["Cache-Control"] = NO_STORE
    return SectionHistory(NOTICE, kept.section_history(service.journal(), case, section))
