"""The few elements of a DICOM object that a film needs, as bytes; every other value is stepped over unread.

pydicom walks the elements one by one (`data_element_generator`); its `dcmread` is not used, because it turns values
into objects and tells of odd ones, names and dates included, through warnings and logs that belong to the whole
process, while films are read by many threads at once.
"""

import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from types import MappingProxyType
from typing import Final, NamedTuple

from pydicom import config
from pydicom.charset import python_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.filereader import data_element_generator
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from engine.errors import UnreadableFilm, UnsupportedFilm
from engine.radiograph import MAX_PIXELS
from engine.said import Said

PICTURE: Final = (
    *("SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    *("ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "VOILUTSequence", "LUTDescriptor", "LUTData"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "PresentationLUTShape"),
    *("PixelSpacing", "PixelSpacingCalibrationType", "ImagerPixelSpacing", "NominalScannedPixelSpacing"),
)
ABOUT: Final = (
    *("SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "PatientID"),
    *("PatientBirthDate", "PatientAge", "PatientSex", "AcquisitionDate", "ContentDate", "StudyDate"),
    *("ViewPosition", "ViewCodeSequence", "CodeMeaning", "ImageLaterality", "Laterality", "BodyPartExamined"),
)
META: Final = ("TransferSyntaxUID", "MediaStorageSOPClassUID")
KEYWORDS: Final[Mapping[int, str]] = MappingProxyType(
    {int(tag_for_keyword(keyword) or 0): keyword for keyword in (*PICTURE, *ABOUT, *META)}
)
"""Tags that are read, by keyword; the list is all that is ever known of a file."""
SEQUENCES: Final = frozenset({"ModalityLUTSequence", "VOILUTSequence", "ViewCodeSequence"})
CHARACTER_SET: Final = 0x00080005
PIXEL_DATA: Final = 0x7FE00010
FLOAT_PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009})
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED: Final = 0xFFFFFFFF
DEPTH: Final = 12
"""Sequences within sequences; real objects stay under half of it."""
UNPACKED_LIMIT: Final = 2 * MAX_PIXELS + (1 << 24)
"""Bytes that a deflated object may unpack to: the largest film and its header."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
SANE: Final = (1e-12, 1e12)
"""Decimal values outside, other than 0, describe no film and would overflow on the way to its grey."""
CUT_OFF: Final = Said("film_cut_off", "it ends too early; copy or export it anew")


class PixelElement(NamedTuple):
    """Where the pixel data lies in the bytes; length None = encapsulated, as fragments."""

    start: int
    length: int | None
    floating: bool
    vr: str | None


@dataclass(frozen=True)
class Elements:
    """Values by keyword, undecoded. little: byte order. pixels: None where there are none before the end."""

    values: Mapping[str, bytes]
    sequences: Mapping[str, Sequence["Elements"]]
    little: bool
    pixels: PixelElement | None = None

    def text(self, keyword: str) -> str:
        """The first value as text, "" where it is absent or empty."""
        raw = self.values.get(keyword, b"").split(b"\\", 1)[0]
        charset = self.values.get("SpecificCharacterSet", b"").split(b"\\", 1)[0].decode("latin-1").strip(" \0")
        try:
            text = raw.decode(python_encoding.get(charset, "utf-8") if charset else "utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        return text.strip(" \0\r\n\t")

    def numbers(self, keyword: str) -> tuple[float, ...] | None:
        """Decimal values; () where absent or empty, None where one is no number or not a sane one."""
        parts = [part.strip(b" \0").decode("latin-1") for part in self.values.get(keyword, b"").split(b"\\")]
        if not any(parts):
            return ()
        if not all(NUMBER.fullmatch(part) for part in parts):
            return None
        numbers = tuple(map(float, parts))
        return numbers if all(number == 0 or SANE[0] <= abs(number) <= SANE[1] for number in numbers) else None

    def integers(self, keyword: str) -> tuple[int, ...]:
        """Unsigned 16-bit values; () where absent or empty."""
        raw = self.values.get(keyword, b"")
        return struct.unpack(f"{'<' if self.little else '>'}{len(raw) // 2}H", raw[: len(raw) // 2 * 2])

    def integer(self, keyword: str) -> int | None:
        """The first unsigned 16-bit value, None where absent."""
        return next(iter(self.integers(keyword)), None)


@dataclass(frozen=True)
class DicomObject:
    """A parsed object. data: the bytes that `elements.pixels` points into, unpacked where the file was deflated.

    syntax: transfer syntax, "" where the file does not say. storage: SOP class of file meta or data set, or "".
    """

    data: bytes
    elements: Elements
    syntax: str
    storage: str


def parse(data: bytes) -> DicomObject:
    """Walk a DICOM file up to its pixel data.

    Raises:
        UnreadableFilm: it breaks off or cannot be walked. UnsupportedFilm: it unpacks to more than a film.
    """
    start = 132 if data[128:132] == b"DICM" else 0
    try:
        meta, start = _file_meta(data, start)
        syntax = meta.text("TransferSyntaxUID")
        if syntax == DeflatedExplicitVRLittleEndian:
            data, start = _inflate(data[start:]), 0
        little = data[start : start + 2] != b"\0\x08" if not syntax else syntax != ExplicitVRBigEndian
        elements = _Walker(data, start, little).top()
    except (struct.error, zlib.error):
        raise UnreadableFilm(CUT_OFF) from None
    return DicomObject(data, elements, syntax, elements.text("SOPClassUID") or meta.text("MediaStorageSOPClassUID"))


def name_of(uid: str) -> str:
    """The standard's name of a UID; "unknown" for any other text, which is not repeated."""
    name = UID(uid, config.IGNORE).name
    return "unknown" if name == uid else name


def looks_explicit(head: bytes) -> bool:
    """Whether an element that starts so names its VR: two capital letters, which no sane length looks like."""
    return head[4:6].isalpha() and head[4:6].isupper()


def _file_meta(data: bytes, start: int) -> tuple[Elements, int]:
    """Group 0002, which is little endian always, and where the data set starts behind it."""
    walker = _Walker(data, start, little=True, only_group=2)
    return walker.top(), walker.file.tell()


def _inflate(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    data = unpacker.decompress(packed, UNPACKED_LIMIT)
    if unpacker.unconsumed_tail:
        told = "it unpacks to more than {limit} MiB; send it uncompressed and smaller"
        raise UnsupportedFilm(Said("film_unpacks_large", told, limit=UNPACKED_LIMIT >> 20))
    if not unpacker.eof:
        raise UnreadableFilm(CUT_OFF)
    return data


class _Halt(NamedTuple):
    """An element that pydicom must not take by itself. at: where its value starts."""

    tag: int
    vr: str | None
    length: int
    at: int


@dataclass
class _Walker:
    """Walks one stretch of bytes: a file or a sequence item of known length."""

    data: bytes
    start: int
    little: bool
    only_group: int | None = None
    file: BytesIO = field(init=False)

    def __post_init__(self) -> None:
        self.file = BytesIO(self.data)
        self.file.seek(self.start)

    def top(self) -> Elements:
        """The data set that starts here, up to its pixel data."""
        implicit = not looks_explicit(self.data[self.start : self.start + 6])
        found = self.data_set(implicit, 0)
        if self.file.tell() > len(self.data):
            raise UnreadableFilm(CUT_OFF)
        return found

    def data_set(self, implicit: bool, depth: int) -> Elements:
        """Elements up to the end, an item's end or, outermost, the pixel data."""
        values: dict[str, bytes] = {}
        sequences: dict[str, list[Elements]] = {}
        while (halt := self._plain(implicit, values)) is not None:
            if self.only_group is not None and halt.tag >> 16 != self.only_group:
                break
            if depth == 0 and (halt.tag == PIXEL_DATA or halt.tag in FLOAT_PIXELS):
                length = None if halt.length == UNDEFINED else halt.length
                pixels = PixelElement(halt.at, length, halt.tag in FLOAT_PIXELS, halt.vr)
                return self._closed(values, sequences, implicit, depth, pixels)
            self.file.seek(halt.at)
            keyword = KEYWORDS.get(halt.tag, "")
            if halt.length != UNDEFINED:
                values[keyword] = self._take(halt.length)
                continue
            items = self._items(implicit or halt.vr == "UN", depth, None, halt.vr, keyword in SEQUENCES)
            if keyword in SEQUENCES:
                sequences[keyword] = items
        return self._closed(values, sequences, implicit, depth, None)

    def _plain(self, implicit: bool, values: dict[str, bytes]) -> _Halt | None:
        """Note listed elements up to the next that halts: of undefined length, pixel data, character set."""
        halts: list[_Halt] = []

        def stop(tag: int, vr: str | None, length: int) -> bool:
            outside = self.only_group is not None and tag >> 16 != self.only_group
            if outside or length == UNDEFINED or tag in {CHARACTER_SET, PIXEL_DATA} or tag in FLOAT_PIXELS:
                halts.append(_Halt(int(tag), vr, length, self.file.tell()))
                return True
            return False

        for element in data_element_generator(self.file, implicit, self.little, stop, specific_tags=list(KEYWORDS)):
            assert isinstance(element, RawDataElement)  # anything else has no length known, and halted
            value = element.value or b""
            if len(value) != element.length:
                raise UnreadableFilm(CUT_OFF)
            values[KEYWORDS[int(element.tag)]] = value
        return halts[0] if halts else None

    def _closed(
        self,
        values: dict[str, bytes],
        sequences: dict[str, list[Elements]],
        implicit: bool,
        depth: int,
        pixels: PixelElement | None,
    ) -> Elements:
        """The data set, its listed sequences of known length parsed too."""
        for keyword in SEQUENCES & values.keys():
            value = values.pop(keyword)
            inner = _Walker(value, 0, self.little)
            sequences[keyword] = inner._items(implicit, depth, len(value), "SQ", True)
        return Elements(values, sequences, self.little, pixels)

    def _items(self, implicit: bool, depth: int, end: int | None, vr: str | None, wanted: bool) -> list[Elements]:
        """Items from here to `end`, or to the sequence's end mark where None; fragments and unwanted ones skipped."""
        if depth >= DEPTH:
            told = "its sequences are nested over {depth} deep; export it anew"
            raise UnreadableFilm(Said("film_nested", told, depth=DEPTH))
        found: list[Elements] = []
        while end is None or self.file.tell() < end:
            group, number, length = struct.unpack(f"{'<' if self.little else '>'}HHL", self.file.read(8))
            tag = group << 16 | number
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise UnreadableFilm(Said("film_sequences", "its sequences are out of step; export it anew"))
            if length != UNDEFINED:
                body = self._take(length)
                if wanted:
                    found.append(_Walker(body, 0, self.little).data_set(implicit, depth + 1))
            elif vr in {"OB", "OW"}:
                raise UnreadableFilm(Said("film_fragments", "its fragments are out of step; export it anew"))
            else:
                found.append(self.data_set(implicit, depth + 1))
                self._check_item_end()
        return found

    def _check_item_end(self) -> None:
        """pydicom stops alike at an item's end mark and at the end of the file."""
        here = self.file.tell()
        mark = struct.pack(f"{'<' if self.little else '>'}HH", ITEM_END >> 16, ITEM_END & 0xFFFF)
        if self.data[max(here - 8, 0) : here - 4] != mark:
            raise UnreadableFilm(CUT_OFF)

    def _take(self, length: int) -> bytes:
        value = self.file.read(length)
        if len(value) != length:
            raise UnreadableFilm(CUT_OFF)
        return value
