"""What every route needs: the service behind it, and how its refusals are described."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import Depends, Header, Request

from api.problems import MEDIA_TYPE
from api.routes.examples import no_archive
from api.schemas import Problem
from api.service import Service
from engine.said import Said
from indexer.journal import limits

T = TypeVar("T")
Described = dict[int | str, dict[str, Any]]
PNG = "image/png"
NO_STORE = "no-store"
REVALIDATE = "private, no-cache"
"""A browser may keep it for its user, and asks each time whether it still holds."""


def service_of(request: Request) -> Service:
    """The service that the app was made with."""
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


ServiceOf = Annotated[Service, Depends(service_of)]


def user_of(
    request: Request,
    x_caselink_user: Annotated[
        str, Header(description="Who asks, at most 64 characters; the API believes it, so a proxy must set it.")
    ] = "",
) -> str:
    """The name under which a request is noted: its header, else the setting's.

    Raises:
        QueryError: too long.
    """
    raw = x_caselink_user.encode("latin-1")
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        name = raw.decode("latin-1")
    user = service_of(request).settings.user
    return limits.line(Said("a_user_told", "the user's name in X-Caselink-User"), name, limits.USER) or user


WhoOf = Annotated[str, Depends(user_of)]


async def in_thread(work: Callable[[], T]) -> T:
    """Run what waits for the disk in a thread."""
    return await anyio.to_thread.run_sync(work)


async def on_cpu(service: Service, work: Callable[[], T]) -> T:
    """Run decoding or embedding in a thread, a few at a time, so that the event loop stays free."""
    return await anyio.to_thread.run_sync(work, limiter=service.cpu)


def answers(example: Any, refusal: dict[str, Any], *, of_archive: bool = True) -> Described:
    """A JSON route's responses in OpenAPI: an example of its answer and of its problem documents.

    of_archive: the route needs the archive, and says so where there is none.
    """
    return {200: {"content": {"application/json": {"example": example}}}} | _refusals(refusal, of_archive)


def pictures(refusal: dict[str, Any], *, kept: bool = False) -> Described:
    """The same of a route that answers with a PNG. kept: it may also say that the caller's picture still holds."""
    png = {"schema": {"type": "string", "format": "binary"}, "example": "(an 8-bit grey PNG)"}
    described: Described = {200: {"description": "An 8-bit grey PNG", "content": {PNG: png}}}
    if kept:
        described[304] = {"description": "The picture that the caller kept still holds"}
    return described | _refusals(refusal, True)


def texts(media: str, example: str, refusal: dict[str, Any]) -> Described:
    """The same of a route that answers with a text. media: its usual type."""
    content = {media: {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": "The text", "content": content}} | _refusals(refusal, True)


def form(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """A route's multipart form in OpenAPI."""
    content = {"multipart/form-data": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _refusals(refusal: dict[str, Any], of_archive: bool) -> Described:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs")  # the document holds a remark's schema already
    described: Described = {"4XX": _described("The request cannot be answered as asked", schema, refusal)}
    if of_archive:
        absent = no_archive(refusal["instance"])
        described["5XX"] = _described("The archive or its encoder cannot answer now", schema, absent)
    return described


def _described(text: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
