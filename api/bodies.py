"""JSON bodies, held to their size while they arrive and before anything is parsed."""

from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api.uploads import UploadError, UploadTooLarge
from engine.said import Said

T = TypeVar("T", bound=BaseModel)
LARGEST = 1 << 18
"""Bytes of a body; the longest text that may be written fits with all of its characters escaped."""


class NotJson(UploadError):
    """A body of another type."""


async def read_json(request: Request, kind: type[T]) -> T:
    """The body of a request as what a route takes.

    Raises:
        UploadTooLarge: over 256 KiB; said before the rest is read. NotJson: another type of body.
        RequestValidationError: not JSON, or not of that kind.
    """
    said = request.headers.get("content-type", "")
    if said.partition(";")[0].strip().lower() != "application/json":
        raise NotJson(f"the body is {said[:60] or 'of no type'}; send JSON as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            told = "the body has over {most} KiB, which is the limit; write less"
            raise UploadTooLarge(Said("body_large", told, most=LARGEST >> 10))
    try:
        return kind.model_validate_json(bytes(body))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from None


def json_body(kind: type[BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """A route's JSON body in OpenAPI."""
    schema = kind.model_json_schema()
    inner = schema.pop("$defs", {})
    for field in schema["properties"].values():
        if "$ref" in field:  # no other place of the document holds what the body alone needs
            field |= inner[field.pop("$ref").rpartition("/")[2]]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}
