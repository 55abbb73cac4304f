"""Errors as problem documents (RFC 9457), one stable type each."""

import logging
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.bodies import NotJson
from api.client import ApiConflict, ApiProblem, ApiUnreachable
from api.schemas import Problem
from api.settings import SettingsError
from api.uploads import NotMultipart, UploadError, UploadTooLarge
from engine.errors import (
    ArchiveBusy,
    ArchiveCorrupt,
    ArchiveError,
    CaselinkError,
    DiskFull,
    EncoderError,
    FilmError,
    IndexUnsupported,
    JournalError,
    ModelMismatch,
    NotFound,
    QueryError,
    RecipeError,
    RegionError,
    SourceError,
    StaleWrite,
    TrainingError,
    UnreadableFilm,
    UnsupportedFilm,
)
from engine.said import Said
from indexer.filters import FilterError
from indexer.remarks import remark

MEDIA_TYPE = "application/problem+json"
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""On every answer; on problems by themselves, since that of an unexpected error is sent outside all middleware."""
SHOWN = 60
METHOD_NOT_ALLOWED = 405
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kind:
    """A type of problem. slug: last part of its URI, /problems/<slug>. title: always the same."""

    slug: str
    status: int
    title: str


UNEXPECTED = Kind("unexpected", 500, "The server failed")
INVALID = Kind("invalid-parameter", 422, "A parameter cannot be understood")
GONE = Kind("client-gone", 400, "The upload ended early")
WRONG_HOST = Kind("wrong-host", 421, "This server does not answer under that name")
CROSS_SITE = Kind("cross-site", 403, "Another site may not write here")
HTTP_KINDS = {
    404: Kind("no-such-route", 404, "There is nothing at this address"),
    405: Kind("method-not-allowed", 405, "This address does not take that method"),
}
KINDS: dict[type[CaselinkError], Kind] = {
    FilmError: Kind("film", 422, "A film cannot be used"),
    UnreadableFilm: Kind("unreadable-film", 422, "A file is not a whole film"),
    UnsupportedFilm: Kind("unsupported-film", 415, "A film is of a kind that is not compared"),
    RegionError: Kind("region", 422, "A region does not fit its film"),
    QueryError: Kind("query", 422, "The question has no answer as asked"),
    FilterError: Kind("filter", 422, "The filter cannot be understood"),
    NotFound: Kind("not-found", 404, "Nothing is known by that name"),
    UploadError: Kind("upload", 422, "The upload cannot be used"),
    UploadTooLarge: Kind("upload-too-large", 413, "The upload is too large"),
    StaleWrite: Kind("conflict", 409, "Somebody else wrote meanwhile"),
    NotJson: Kind("not-json", 415, "The body is not JSON"),
    NotMultipart: Kind("not-multipart", 415, "The upload is not multipart/form-data"),
    SourceError: Kind("source", 422, "A source of films cannot be understood"),
    RecipeError: Kind("recipe", 422, "A recipe cannot be used"),
    TrainingError: Kind("training", 422, "Nothing can be learned as asked"),
    ModelMismatch: Kind("model-mismatch", 503, "The archive was made with another model"),
    EncoderError: Kind("encoder", 503, "The encoder cannot run"),
    ArchiveError: Kind("archive", 503, "The archive cannot be asked"),
    ArchiveBusy: Kind("archive-busy", 503, "The archive is being written"),
    ArchiveCorrupt: Kind("archive-corrupt", 503, "The archive is damaged"),
    IndexUnsupported: Kind("index-unsupported", 503, "The archive's index cannot be used here"),
    DiskFull: Kind("disk-full", 507, "The disk is full"),
    JournalError: Kind("journal", 503, "The journal cannot be used"),
    SettingsError: Kind("settings", 500, "The server's settings cannot be used"),
    ApiConflict: Kind("other-api-conflict", 502, "Another API refused, since somebody else wrote meanwhile"),
    ApiProblem: Kind("other-api", 502, "Another API refused"),
    ApiUnreachable: Kind("other-api-unreachable", 502, "Another API does not answer"),
}
"""Every deliberate error's type of problem; a subclass without its own has its parent's."""


def kind_of(error: type[CaselinkError]) -> Kind:
    """The type of problem of an error; where it is not in `KINDS`, that of its nearest parent there."""
    return next((KINDS[parent] for parent in error.__mro__ if parent in KINDS), UNEXPECTED)


def all_kinds() -> dict[str, Kind]:
    """Every type of problem by its slug."""
    return {
        kind.slug: kind
        for kind in (*KINDS.values(), *HTTP_KINDS.values(), INVALID, GONE, WRONG_HOST, CROSS_SITE, UNEXPECTED)
    }


def problem(kind: Kind, detail: str, instance: str, **more: object) -> JSONResponse:
    """The response that says what was wrong, with its code where it is a `Said`; `more` are the type's own members."""
    uri, behind = f"/problems/{kind.slug}", _behind(detail)
    document = Problem(type=uri, title=kind.title, status=kind.status, detail=detail, instance=instance, **behind)
    content = document.model_dump(exclude_none=True) | jsonable_encoder(more)
    return JSONResponse(content, kind.status, SAFE_HEADERS, MEDIA_TYPE)


def _behind(detail: str) -> dict[str, Any]:
    """What a problem document tells of a sentence besides its text."""
    said = remark(Said.known(detail))
    if not said.code and not said.parts:
        return {}
    return {"code": said.code or None, "values": said.values, "film": said.film, "parts": said.parts or None}


def install(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    app.add_exception_handler(CaselinkError, _deliberate)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


def _deliberate(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CaselinkError)
    more: dict[str, object] = {"position": error.position} if isinstance(error, FilterError) else {}
    if isinstance(error, StaleWrite):
        more = {"current": error.current, "revision": error.revision, "yours": error.yours}
    return problem(kind_of(type(error)), error.said, request.url.path, **more)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = [_field(each) for each in error.errors()]
    sentences = [f"{each['name']} = {each['value']}: {each['message']}" for each in found]
    return problem(INVALID, "; ".join(sentences), request.url.path, errors=found)


def _field(error: dict[str, object]) -> dict[str, str]:
    place = error["loc"]
    assert isinstance(place, tuple)
    unknown = error["type"] == "extra_forbidden"
    message = "no such parameter here; /docs lists those there are" if unknown else str(error["msg"])
    return {
        "name": str(place[-1] if place else "body")[:SHOWN],
        "value": repr(error.get("input"))[:SHOWN],
        "message": message,
    }


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status, headers = error.status_code, dict(error.headers or {})
    if status == METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    kind = HTTP_KINDS.get(status) or Kind(f"http-{status}", status, HTTPStatus(status).phrase)
    path, method, other = request.url.path[:SHOWN], request.method[:SHOWN], headers.get("Allow", "")
    told = "{method} {path} is not served here; use {other}"
    details = {
        404: Said("no_route", "{path} is not served here; /docs lists what is", path=path),
        405: Said("no_method", told, method=method, path=path, other=other),
    }
    response = problem(kind, details.get(status, str(error.detail)), request.url.path)
    response.headers.update(headers)
    return response


def _methods(request: Request) -> list[str]:
    """The methods that an address takes; Starlette names those of its first route alone."""
    routes = (route for route in request.app.state.routes if route.path_regex.match(request.url.path))
    return sorted({method for route in routes for method in route.methods})


def _gone(request: Request, error: Exception) -> JSONResponse:
    told = "the connection closed before the upload was whole; send it again"
    return problem(GONE, Said("connection_closed", told), request.url.path)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    incident = secrets.token_hex(4)
    _log.error("incident %s at %s %s", incident, request.method, request.url.path, exc_info=error)
    told = "the server failed in a way nobody foresaw; its log tells more under incident {incident}"
    return problem(UNEXPECTED, Said("server_failed", told, incident=incident), request.url.path, incident=incident)
