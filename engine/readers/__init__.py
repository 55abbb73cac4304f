"""Films from files: DICOM objects and pictures become `Radiograph`s, or a named refusal."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from engine.errors import FilmError, UnreadableFilm
from engine.radiograph import Radiograph
from engine.readers.base import HEAD, Reader
from engine.readers.dicom import DicomReader
from engine.readers.raster import RasterReader
from engine.said import Said

READERS: Mapping[str, Reader] = MappingProxyType({"dicom": DicomReader(), "raster": RasterReader()})
"""Every reader by the kind of file it takes, asked in this order."""

_STRANGERS = {
    b"PK\x03\x04": Said("film_zip", "the file is a zip archive; unpack it and send DICOM, PNG, JPEG or TIFF"),
    b"%PDF": Said("film_pdf", "the file is a PDF; export the film itself and send DICOM, PNG, JPEG or TIFF"),
}


def read(data: bytes | Path, *, name: str | None = None, at_least: int | None = None) -> Radiograph:
    """The film in a file or in its bytes, upright, bone bright.

    name: what messages call it; a path's own name by default. at_least: long side in pixels that is enough; the film
    may then be decoded at a reduced scale, never below it. None = all pixels.

    Raises:
        UnreadableFilm: no such file, empty, truncated, a lying header, or no picture at all.
        UnsupportedFilm: a picture that is no film: colour DICOM, several frames, no pixels, too small or too large.
        Both begin with the name.
    """
    if isinstance(data, Path):
        name = name or data.name
    name = name or "upload"
    try:
        whole = _load(data) if isinstance(data, Path) else data
        return _reader(whole[:HEAD]).read(whole, name, sha256(whole).hexdigest(), at_least)
    except FilmError as error:
        raise type(error)(Said.of(name, error.said)) from None


def _load(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        told = "the file cannot be read ({said}); check the path"
        raise UnreadableFilm(Said("film_unread", told, said=str(error.strerror))) from None


def _reader(head: bytes) -> Reader:
    if not head:
        raise UnreadableFilm(Said("film_empty", "the file is empty; send the film's own file"))
    for reader in READERS.values():
        if reader.recognises(head):
            return reader
    for start, stranger in _STRANGERS.items():
        if head.startswith(start):
            raise UnreadableFilm(stranger)
    told = "the file is no picture that caselink knows; send DICOM, PNG, JPEG or TIFF"
    raise UnreadableFilm(Said("film_unknown", told))
