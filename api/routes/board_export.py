"""GET /v1/board/cases/{case}/export: a case as a document to file."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.routes import written_examples as examples
from api.routes.board import CASE, CaseId, whole_case
from api.routes.common import NO_STORE, ServiceOf, WhoOf, on_cpu, texts
from api.service import Service
from engine.errors import QueryError
from indexer import journal as kept

router = APIRouter(tags=["board"])
MEDIA = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
LANGUAGES = ("en", "de")


@router.get(
    f"{CASE}/export",
    response_class=Response,
    summary="A case as PDF or DOCX",
    responses=texts(MEDIA["pdf"], "(the document)", examples.no_case("/export")),
)
async def export(
    case: CaseId,
    service: ServiceOf,
    who: WhoOf,
    format: Annotated[str, Query(description="pdf | docx")] = "pdf",
    language: Annotated[str, Query(description="en | de")] = "en",
) -> Response:
    """One to three A4 pages: films with side, date and key, precedents, the vote with its interval, the notes, the
    decision, how the similar patients were found. Long notes are shortened in the PDF, which says so. Each precedent's
    patient is written to the audit log as opened.
    """
    for name, value, known in (("format", format, tuple(MEDIA)), ("language", language, LANGUAGES)):
        if value not in known:
            raise QueryError(f"{name} {value[:40]!r} is not written; ask for {' or '.join(known)}")
    return await on_cpu(service, lambda: _export(service, case, who, format, language))


def _export(service: Service, case: int, who: str, format: str, language: str) -> Response:
    journal = service.journal()
    board = whole_case(journal, case)
    from api.report import WRITERS, gather, report_of  # here, as matplotlib and scipy.stats are slow to load

    snapshot = service.current().snapshot
    for patient in {one.patient for one in board.precedents} & snapshot.patient_code.keys():
        kept.opened(journal, who, patient)  # the document tells their course, as opening their history does
    report = report_of(gather(snapshot, journal, board, who), language)
    name = f'attachment; filename="caselink-case-{case}.{format}"'
    headers = {"Cache-Control": NO_STORE, "Content-Disposition": name}
    return Response(WRITERS[format](report), media_type=MEDIA[format], headers=headers)
