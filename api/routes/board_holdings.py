"""What a board's case holds besides its notes: films, precedents, the decision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.archived import find
from api.bodies import json_body, read_json
from api.case_vote import asked_again, case_vote, own_patients, vector_of
from api.lookup import embedded
from api.pictures import LARGEST, View, ViewQuery, png
from api.routes import examples as common_examples
from api.routes import written_examples as examples
from api.routes.board import CASE, CaseId, whole_case
from api.routes.common import NO_STORE, PNG, ServiceOf, WhoOf, answers, form, in_thread, on_cpu, pictures
from api.routes.search import FILMS, SearchFields, form_schema, query_films, search_fields
from api.schemas import NOTICE, BoardCase, DecisionKept, DecisionMade, NewPrecedent, NotRecorded
from api.service import Opened, Service
from api.uploads import Upload, read_form
from engine.errors import ArchiveError
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Region
from indexer import journal as kept
from indexer.events import record_decision
from indexer.journal import NewFilm
from indexer.search import own_rows

router = APIRouter(tags=["board"])
FILM = f"{CASE}/films/{{film}}"
IDENTITY_DIGITS = 8
SMALL = View.model_validate({"size": LARGEST})
FilmId = Annotated[
    int, Path(ge=0, le=2**63 - 1, description="The film's number within the board, as its case gives it.", examples=[5])
]


@router.post(
    f"{CASE}/films",
    response_model=BoardCase,
    summary="Add films to a case, and ask the archive about them",
    responses=answers(examples.CASE, examples.no_case("/films")),
    openapi_extra=form(form_schema(), common_examples.ASKED),
)
async def add_films(case: CaseId, request: Request, response: Response, service: ServiceOf, who: WhoOf) -> BoardCase:
    """Takes what a search takes, asks about all films of the case together, and keeps the answer in place of an
    earlier one. The case's own patient does not answer.

    Each film is kept as a picture without its header, with side, view, date, spacing, its patient's pseudonym and its
    embedding. One that is there already is asked about as it is given now; one kept before by another encoder is not
    asked about, `films` of the answer says so. A case without a patient becomes that one's.
    """
    limits = service.settings
    sent = await read_form(request, FILMS, limits.max_films, limits.max_upload_mib)
    asked = search_fields(sent)
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: _add(service, who, case, sent.films, asked))


def _add(service: Service, who: str, case: int, films: Sequence[Upload], asked: SearchFields) -> BoardCase:
    journal = service.journal()
    head = kept.read_case(journal, case).case
    opened = service.current()
    unnamed = [replace(film, name=f"film {n}") for n, film in enumerate(films, 1)]  # a file's name may be a patient's
    queries = query_films(opened, unnamed, asked.roi)
    vectors = embedded(opened.snapshot, opened.embedder, queries, asked.facts)
    made, patients = [], set()
    for upload, query, vector in zip(unnamed, queries, vectors, strict=True):
        film = read(upload.data, name=upload.name, at_least=LARGEST)
        owner = _owner(opened, film)
        patients |= {owner} - {None}
        made.append(_kept(film, query.region, owner, vector_of(opened.snapshot, query, vector)))
    patient = patients.pop() if len(patients) == 1 else None
    kept.add_films(
        journal, who, case, made, patient, lambda held: case_vote(opened, held, own_patients(head, held), asked)
    )
    return whole_case(journal, case)


def _owner(opened: Opened, film: Radiograph) -> str | None:
    """The pseudonym of a film's patient: one that the archive knows, else that of its header."""
    snapshot = opened.snapshot
    rows = own_rows(snapshot, [film])
    if len(rows):
        return str(min(snapshot.patients[code] for code in snapshot.patient[rows].tolist()))
    name = film.header.patient
    return snapshot.pseudonyms.patient(name) if name else None


def _kept(film: Radiograph, region: Region, owner: str | None, asked: kept.FilmVector) -> NewFilm:
    header, rows_columns = film.header, film.shape
    return NewFilm(
        film.sha256,
        png(film.pixels, SMALL),
        *rows_columns,
        region.box,
        region.origin.value,
        header.side,
        header.view,
        header.body_part,
        header.taken.isoformat() if header.taken else None,
        None if film.spacing is None else (film.spacing.row, film.spacing.column),
        owner or f"film {film.sha256[:IDENTITY_DIGITS]}",
        asked,
    )


@router.delete(
    FILM,
    response_model=BoardCase,
    summary="Take a film out of a case",
    responses=answers(
        examples.CASE,
        examples.no_case_film(""),
    ),
)
async def remove_film(case: CaseId, film: FilmId, response: Response, service: ServiceOf, who: WhoOf) -> BoardCase:
    """Where the answer rests on it, the archive is asked again on the others, as it was asked before."""
    response.headers["Cache-Control"] = NO_STORE
    return await on_cpu(service, lambda: _remove(service, who, case, film))


def _remove(service: Service, who: str, case: int, film: int) -> BoardCase:
    journal = service.journal()
    # until it is done, others see the case with the film and its answer
    kept.remove_film(journal, who, case, film, asked_again(service.current, lambda: whole_case(journal, case)))
    return whole_case(journal, case)


@router.get(
    f"{FILM}/preview",
    response_class=Response,
    summary="A case's film as PNG",
    responses=pictures(examples.no_case_film("/preview")),
)
async def film_preview(case: CaseId, film: FilmId, view: ViewQuery, service: ServiceOf) -> Response:
    """The picture that was kept; at most 2048 pixels on its long side."""

    def work() -> bytes:
        return png(read(kept.film_picture(service.journal(), case, film), name=f"film {film}").pixels, view)

    return Response(await on_cpu(service, work), media_type=PNG, headers={"Cache-Control": NO_STORE})


@router.post(
    f"{CASE}/precedents",
    response_model=BoardCase,
    summary="Set an archived film beside a case's films",
    responses=answers(examples.CASE, common_examples.NO_FILM | {"instance": "/v1/board/cases/999999/precedents"}),
    openapi_extra=json_body(NewPrecedent, {"film": 17}),
)
async def add_precedent(
    case: CaseId, request: Request, response: Response, service: ServiceOf, who: WhoOf
) -> BoardCase:
    """With its patient, as the archive has them."""
    said = await read_json(request, NewPrecedent)
    response.headers["Cache-Control"] = NO_STORE

    def work() -> BoardCase:
        journal, snapshot = service.journal(), service.current().snapshot
        find(snapshot, said.film)
        patient = snapshot.patients[snapshot.patient[snapshot.row_of_film(said.film)]]
        kept.add_precedent(journal, who, case, said.film, patient)
        return whole_case(journal, case)

    return await in_thread(work)


@router.delete(
    f"{CASE}/precedents/{{film}}",
    response_model=BoardCase,
    summary="Take a precedent away",
    responses=answers(
        examples.CASE,
        examples.no_precedent(),
    ),
)
def remove_precedent(case: CaseId, film: FilmId, response: Response, service: ServiceOf) -> BoardCase:
    """The archive keeps its film."""
    response.headers["Cache-Control"] = NO_STORE
    journal = service.journal()
    kept.remove_precedent(journal, case, film)
    return whole_case(journal, case)


@router.post(
    f"{CASE}/decision",
    response_model=DecisionKept,
    summary="Make the section `decision` the board's decision, and an event of the patient",
    responses=answers(examples.DECIDED, examples.no_case("/decision")),
    openapi_extra=json_body(DecisionMade, examples.MADE),
)
async def decide(case: CaseId, request: Request, response: Response, service: ServiceOf, who: WhoOf) -> DecisionKept:
    """The case keeps it. Where the archive holds the case's patient, it becomes an event there, in place of an earlier
    one of the case; `reason` says why not. Send the same again once the archive can be written.
    """
    said = await read_json(request, DecisionMade)
    response.headers["Cache-Control"] = NO_STORE
    return await in_thread(lambda: _decide(service, who, case, said))


def _decide(service: Service, who: str, case: int, said: DecisionMade) -> DecisionKept:
    journal = service.journal()
    made = kept.decide(journal, who, case, said.revision, said.dated)
    patient = kept.read_case(journal, case).case.patient
    if made.version is not None:
        return DecisionKept(NOTICE, made, True, None)
    if patient is None:
        reason = "the case names no patient; the case keeps the decision"
        return DecisionKept(NOTICE, made, False, reason, NotRecorded.no_patient)
    try:
        version = record_decision(service.root, patient, case, made.text, date.fromisoformat(made.dated))
    except ArchiveError as error:
        return DecisionKept(NOTICE, made, False, str(service.without_place(error)), NotRecorded.not_written)
    if version is None:
        reason = f"the archive holds no patient {patient!r}; the case keeps the decision"
        return DecisionKept(NOTICE, made, False, reason, NotRecorded.unknown_patient)
    kept.recorded(journal, case, made.revision, version)
    return DecisionKept(NOTICE, replace(made, version=version), True, None)
