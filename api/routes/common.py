"""What every route needs: the service behind it, and how its refusals are described."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import anyio.to_thread
from fastapi import Depends, Request

from api.problems import MEDIA_TYPE
from api.routes.examples import no_archive
from api.schemas import Problem
from api.service import Service

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


def form(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    """A route's multipart form in OpenAPI."""
    content = {"multipart/form-data": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def _refusals(refusal: dict[str, Any], of_archive: bool) -> Described:
    schema = Problem.model_json_schema()
    described: Described = {"4XX": _described("The request cannot be answered as asked", schema, refusal)}
    if of_archive:
        absent = no_archive(refusal["instance"])
        described["5XX"] = _described("The archive or its encoder cannot answer now", schema, absent)
    return described


def _described(text: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema, "example": example}}}
