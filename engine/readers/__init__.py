"""Films from files: DICOM objects and pictures become `Radiograph`s, or a named refusal."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from engine.errors import UnreadableFilm
from engine.radiograph import Radiograph
from engine.readers.base import HEAD, Reader
from engine.readers.dicom import DicomReader
from engine.readers.raster import RasterReader

READERS: Mapping[str, Reader] = MappingProxyType({"dicom": DicomReader(), "raster": RasterReader()})
"""Every reader by the kind of file it takes, asked in this order."""

_STRANGERS = {b"PK\x03\x04": "a zip archive; unpack it", b"%PDF": "a PDF; export the film itself"}


def read(data: bytes | Path, *, name: str | None = None, at_least: int | None = None) -> Radiograph:
    """The film in a file or in its bytes, upright, bone bright.

    name: what messages call it; a path's own name by default. at_least: long side in pixels that is enough; the film
    may then be decoded at a reduced scale, never below it. None = all pixels.

    Raises:
        UnreadableFilm: no such file, empty, truncated, a lying header, or no picture at all.
        UnsupportedFilm: a picture that is no film: colour DICOM, several frames, no pixels, too small or too large.
    """
    if isinstance(data, Path):
        name = name or data.name
        data = _load(data)
    name = name or "upload"
    if not data:
        raise UnreadableFilm(f"{name} is empty; send the film's own file")
    head = data[:HEAD]
    for reader in READERS.values():
        if reader.recognises(head):
            return reader.read(data, name, sha256(data).hexdigest(), at_least)
    for start, kind in _STRANGERS.items():
        if head.startswith(start):
            raise UnreadableFilm(f"{name} is {kind} and send DICOM, PNG, JPEG or TIFF")
    raise UnreadableFilm(f"{name} is no picture that caselink knows; send DICOM, PNG, JPEG or TIFF")


def _load(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFilm(f"{path.name} cannot be read ({error.strerror}); check the path") from None
