"""DICOM objects as films: radiographs of any transfer syntax met in practice, bone bright, or a named refusal."""

from typing import Final

from engine.errors import UnsupportedFilm
from engine.radiograph import Radiograph
from engine.readers.dicom_display import show
from engine.readers.dicom_elements import looks_explicit, name_of, parse
from engine.readers.dicom_header import header_of, spacings_of
from engine.readers.dicom_pixels import layout_of, stored_words
from engine.said import Said

PREAMBLE: Final = 128
MAX_FIRST: Final = 1024
"""Longest first value of a file without a preamble; group lengths, character sets and identifiers are shorter."""


class DicomReader:
    """Reads one grey frame as its header says it is shown: modality and VOI tables, window, polarity.

    Overlays stay outside the pixels. Where several windows are given, the first counts; where none is, films of up to
    8 bits keep their full range and deeper ones that of their own pixels. Orientation is left as stored: a film's
    header knows where the patient's left is, not which way is up for the anatomy.
    """

    def recognises(self, head: bytes) -> bool:
        """See `Reader.recognises`: DICM behind the preamble, or none but a first element of group 2 or 8."""
        if head[PREAMBLE : PREAMBLE + 4] == b"DICM":
            return True
        if len(head) < 16 or head[:2] not in (b"\x02\0", b"\x08\0"):
            return False
        number = int.from_bytes(head[2:4], "little")
        length = int.from_bytes(head[6:8] if looks_explicit(head) else head[4:8], "little")
        following = head[8 + length : 10 + length]
        return number <= 0x80 and length <= MAX_FIRST and length % 2 == 0 and following in (head[:2], b"\x08\0")

    def read(self, data: bytes, name: str, sha256: str, at_least: int | None) -> Radiograph:
        """See `Reader.read`. Always decodes all pixels: the codecs of films know no reduced scale worth its price."""
        found = parse(data)
        elements, notes = found.elements, list[str]()
        if elements.pixels is None:
            refusal = "it holds no pixels (kind of object: {storage}); send the film itself"
            raise UnsupportedFilm(Said("film_no_pixels", refusal, storage=name_of(found.storage)))
        layout = layout_of(elements)
        words, lossy = stored_words(found, elements.pixels, layout)
        pixels = show(words, layout, elements, lossy, notes)
        header = header_of(elements, notes)
        spacing, detector = spacings_of(elements, notes)
        told = tuple(dict.fromkeys(notes))
        return Radiograph(pixels, sha256, name, header, None, spacing, detector, told)
