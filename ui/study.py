"""A whole study in one ZIP file, as picture archives export it: its films come out, the rest is counted."""

import struct
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from lzma import LZMAError
from pathlib import PurePosixPath

from api.client import File
from api.schemas import Limits
from ui.words import counted, say

MIB = 1 << 20
ZIP = b"PK\x03\x04"
PREAMBLE, DICOM = 128, b"DICM"
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
"""PNG, JPEG and TIFF by their first bytes."""
CONTENTS = "DICOMDIR"
"""An export's table of contents is a DICOM file too, and no film."""
MOST = 10_000
"""Files in one ZIP file; each is looked into."""
BROKEN = (zipfile.BadZipFile, zlib.error, LZMAError, struct.error, RuntimeError, EOFError, ValueError, OSError)
"""What the standard library says of a damaged ZIP file. RuntimeError: locked, or packed as none reads; ValueError: a
name that is no text, or a place before the file; OSError: damaged where packed by bzip2."""


def unpacked(files: Sequence[File], limits: Limits) -> tuple[list[File], list[str]]:
    """Films with those of every ZIP file in its place, by their bare names; and sentences on what was left aside."""
    films: list[File] = []
    said: list[str] = []
    for name, data in files:
        if not data.startswith(ZIP):
            films.append((name, data))
            continue
        try:
            found, told = _films(name, data, limits)
        except BROKEN:
            found, told = [], [say("study.unreadable", name=name)]
        films += found
        said += told
    return films, said


def _films(name: str, data: bytes, limits: Limits) -> tuple[list[File], list[str]]:
    with zipfile.ZipFile(BytesIO(data)) as study:
        held = [info for info in study.infolist() if not info.is_dir()]
        if len(held) > MOST:
            return [], [say("study.too_full", name=name, files=counted("file", len(held)), most=counted("file", MOST))]
        films = [info for info in held if _is_film(study, info)]
        taken, said = films[: limits.max_films], []
        size = sum(info.file_size for info in taken)
        if size > limits.max_upload_mib * MIB:
            return [], [say("study.too_large", name=name, size=-(-size // MIB), limit=limits.max_upload_mib)]
        if len(held) > len(films):
            aside = counted("file", len(held) - len(films))
            said.append(say("study.aside" if films else "study.none", name=name, files=aside))
        if len(films) > len(taken):
            said.append(say("study.too_many", name=name, films=counted("film", len(films)), taken=len(taken)))
        return [(PurePosixPath(info.filename).name, _read(study, info, info.file_size)) for info in taken], said


def _is_film(study: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    if PurePosixPath(info.filename).name == CONTENTS:
        return False
    head = _read(study, info, PREAMBLE + len(DICOM))
    return head.endswith(DICOM) or head.startswith(PICTURES)


def _read(study: zipfile.ZipFile, info: zipfile.ZipInfo, size: int) -> bytes:
    """So many bytes at most: what a file says of its size need not be true."""
    with study.open(info) as file:
        return file.read(size)
