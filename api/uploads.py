"""Films from a multipart upload, held to their limits while they arrive and before anything is decoded."""

import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from engine.errors import QueryError
from engine.said import Said

MIB = 1 << 20
FORM_BYTES = 1 << 16
"""Room for the form's other fields beside the films."""
FIELD_BYTES = 1 << 13
"""Longest other field."""
MOST_FIELDS = 64
NAME_LENGTH = 120
_TOO_MANY = "Too many files"


class _Parser(MultiPartParser):
    """Keeps films in memory, never in a temporary file, so that none outlives its answer.

    ended: the last boundary came.
    """

    spool_max_size = sys.maxsize
    ended = False

    def on_end(self) -> None:
        """See `MultiPartParser.on_end`."""
        self.ended = True

    def close(self) -> None:
        """Let every film go, also one that never came whole, which the form knows nothing of."""
        for file in self._files_to_close_on_error:
            file.close()


class UploadError(QueryError):
    """An upload without a usable film."""


class UploadTooLarge(UploadError):
    """More bytes or files than may be sent."""


class NotMultipart(UploadError):
    """A body of another type."""


@dataclass(frozen=True)
class Upload:
    """A file as sent: its bare name, fit to be shown, and its bytes, at least one."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """A multipart form: its films in order, and its other fields with all values given."""

    films: tuple[Upload, ...]
    fields: dict[str, list[str]]


async def read_form(request: Request, field: str, max_films: int, max_mib: int) -> Form:
    """The form of a request whose films come under the name `field`.

    Raises:
        UploadTooLarge: over `max_mib` in total or `max_films`; said before the rest is read.
        NotMultipart, UploadError: another type of body, no film, an empty one, a malformed form.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise NotMultipart(
            f"the body is {kind[:NAME_LENGTH] or 'of no type'}; send multipart/form-data with films in {field!r}"
        )
    stated = request.headers.get("content-length", "")
    if stated.isdecimal():
        _check_size(int(stated), max_mib)
    parser = _Parser(
        request.headers,
        _counted(request, max_mib),
        max_files=max_films,
        max_fields=MOST_FIELDS,
        max_part_size=FIELD_BYTES,
    )
    try:
        form = await parser.parse()
        if not parser.ended:
            told = "the form ends before its last boundary; send it again, whole"
            raise UploadError(Said("upload_cut_off", told))
        return await _sort(form, field)
    except MultiPartException as error:
        raise _refusal(error.message, field, max_films) from None
    finally:
        parser.close()


async def _counted(request: Request, max_mib: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        _check_size(size, max_mib)
        yield chunk


def _check_size(size: int, max_mib: int) -> None:
    if size > max_mib * MIB + FORM_BYTES:
        told = (
            "the upload has {mib:.1f} MiB or more, over the limit of {most} MiB for all films together; send fewer "
            "films, or set CASELINK_MAX_UPLOAD_MIB where the API runs"
        )
        raise UploadTooLarge(Said("upload_large", told, mib=round(size / MIB, 1), most=max_mib))


def _refusal(message: str, field: str, max_films: int) -> UploadError:
    if message.startswith(_TOO_MANY):
        one = "more than 1 film in one upload, which is the limit; send the most telling ones"
        many = "more than {most} films in one upload, which is the limit; send the most telling ones"
        return UploadTooLarge(Said("upload_one", one) if max_films == 1 else Said("upload_many", many, most=max_films))
    return UploadError(f"the form cannot be read ({message.rstrip('.')}); send multipart/form-data, films in {field!r}")


async def _sort(form: FormData, field: str) -> Form:
    films: list[Upload] = []
    fields: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if not isinstance(value, UploadFile):
            fields.setdefault(name, []).append(value)
        elif name == field:
            films.append(await _film(value, len(films) + 1))
        else:
            raise UploadError(f"the file field {name[:NAME_LENGTH]!r} is unknown; send films in {field!r}")
    if field in fields:
        raise UploadError(f"{field!r} was sent as text; send it as a file, with a filename")
    if not films:
        raise UploadError(Said("upload_none", "no film was sent; send at least one file in {field!r}", field=field))
    return Form(tuple(films), fields)


async def _film(upload: UploadFile, number: int) -> Upload:
    name = shown_name(upload.filename or "") or f"film {number}"
    data = await upload.read()
    if not data:
        raise UploadError(Said("upload_empty", "{name} is empty (0 bytes); send the film itself", name=name))
    return Upload(name, data)


def shown_name(filename: str) -> str:
    """The last part of a path of any system, without what cannot be printed, at most 120 characters."""
    bare = PurePosixPath(filename.replace("\\", "/")).name
    return "".join(c for c in bare if c.isprintable())[:NAME_LENGTH].strip()
