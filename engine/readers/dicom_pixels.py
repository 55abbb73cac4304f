"""Pixel data of a DICOM object: what its header says of it, and the stored words behind each transfer syntax."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.encaps import parse_fragments

from engine.errors import UnreadableFilm, UnsupportedFilm
from engine.radiograph import check_size
from engine.readers.dicom_elements import CUT_OFF, DicomObject, Elements, PixelElement, name_of
from engine.said import Said

Words = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
GREY: Final = ("MONOCHROME1", "MONOCHROME2")
NATIVE: Final = frozenset({"", *(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".1.99", ".2"))})
"""Transfer syntaxes without compression of the pixels; "" where the file does not say."""
BROKEN: Final = (RuntimeError, ValueError, TypeError, OverflowError, MemoryError, struct.error, zlib.error)
"""What the codecs raise on data that are not theirs; all errors of imagecodecs are RuntimeErrors."""


@dataclass(frozen=True)
class Layout:
    """How pixels are stored: words of `allocated` bits (8 or 16), the value in `stored` of them up to bit `high`."""

    rows: int
    columns: int
    allocated: int
    stored: int
    high: int
    signed: bool

    def __post_init__(self) -> None:
        if self.allocated not in (8, 16):
            told = "it has {bits} bits a pixel, where films have 8 or 16; export it as such"
            raise UnsupportedFilm(Said("film_bits", told, bits=self.allocated))
        if not 1 <= self.stored <= self.allocated or not self.stored - 1 <= self.high < self.allocated:
            told = "its header is wrong ({stored} bits up to bit {high} of {bits}); export it anew"
            said = Said("film_bits_wrong", told, stored=self.stored, high=self.high, bits=self.allocated)
            raise UnreadableFilm(said)
        check_size(self.rows, self.columns)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole picture without compression."""
        return self.rows * self.columns * self.allocated // 8

    def values(self, clipped: bool) -> npt.NDArray[np.int64]:
        """The stored value behind each word (256 or 65536). Bits outside are other things, overlays for one.

        clipped: words over the range are overshoots of a lossy codec and take the highest value.
        """
        words = np.arange(1 << self.allocated, dtype=np.int64) >> (self.high + 1 - self.stored)
        top = (1 << self.stored) - 1
        if self.signed:
            sign = 1 << (self.stored - 1)
            return ((words & top) ^ sign) - sign
        return np.minimum(words, top) if clipped else words & top


def layout_of(elements: Elements) -> Layout:
    """What the header says of the pixels.

    Raises:
        UnsupportedFilm: colour, several frames, no usual depth, too small or large. UnreadableFilm: it contradicts
            itself or is not complete.
    """
    _check_grey(elements)
    rows, columns, allocated = (elements.integer(keyword) for keyword in ("Rows", "Columns", "BitsAllocated"))
    if rows is None or columns is None or allocated is None:
        told = "its header does not say how large its picture is; export it anew"
        raise UnreadableFilm(Said("film_no_size", told))
    stored = elements.integer("BitsStored") or allocated
    high = elements.integer("HighBit")
    signed = elements.integer("PixelRepresentation") == 1
    return Layout(rows, columns, allocated, stored, stored - 1 if high is None else high, signed)


def _check_grey(elements: Elements) -> None:
    samples, photometric = elements.integer("SamplesPerPixel"), elements.text("PhotometricInterpretation").upper()
    frames = elements.numbers("NumberOfFrames") or (1.0,)
    if frames[0] > 1:
        told = "it holds {frames} frames; send each film as an object of its own"
        raise UnsupportedFilm(Said("film_frames_dicom", told, frames=round(frames[0])))
    if (samples or 1) > 1 or photometric.startswith(("RGB", "YBR", "PALETTE", "HSV", "ARGB", "CMYK", "XYB")):
        told = "its pixels are in colour; a film is grey (MONOCHROME1 or MONOCHROME2)"
        raise UnsupportedFilm(Said("film_colour", told))
    if photometric not in GREY:
        told = "its header does not say whether bone is bright (PhotometricInterpretation); mend it"
        raise UnreadableFilm(Said("film_no_polarity", told))


@dataclass(frozen=True)
class Codec:
    """A compression: how one frame decodes, and how its own header is read, as far as it has one."""

    name: str
    decode: Callable[[bytes, Layout], npt.NDArray[Any]]
    header: Callable[[bytes], "FrameHeader"] | None
    lossy: bool = False


@dataclass(frozen=True)
class FrameHeader:
    """What a compressed frame says of itself."""

    rows: int
    columns: int
    components: int
    precision: int


def stored_words(found: DicomObject, pixels: PixelElement, layout: Layout) -> tuple[Words, bool]:
    """Words (rows, columns) of `layout.allocated` bits, and whether they come from a lossy codec.

    Raises:
        UnsupportedFilm: a transfer syntax that is not decoded. UnreadableFilm: too few or too many bytes, or a frame
            that is broken or of another size than the header says.
    """
    if pixels.floating:
        told = "its pixels are floating-point numbers; export it with 8 or 16 bits"
        raise UnsupportedFilm(Said("film_floating", told))
    if found.syntax in NATIVE:
        return _native(found, pixels, layout), False
    codec = CODECS.get(found.syntax)
    if codec is None:
        told = "its transfer syntax ({syntax}) is not decoded; export it uncompressed"
        raise UnsupportedFilm(Said("film_syntax", told, syntax=name_of(found.syntax)))
    if pixels.length is not None:
        told = "its pixels are not {codec}, as its header says; export it anew"
        raise UnreadableFilm(Said("film_not_codec", told, codec=codec.name))
    return _decode(codec, _frame(found.data, pixels.start), layout), codec.lossy


def _native(found: DicomObject, pixels: PixelElement, layout: Layout) -> Words:
    if pixels.length is None:
        told = "its pixels are compressed, but it does not say how; export it anew with a file header"
        raise UnreadableFilm(Said("film_no_syntax", told))
    if pixels.start + pixels.length > len(found.data):
        raise UnreadableFilm(CUT_OFF)
    if pixels.length not in (layout.nbytes, layout.nbytes + layout.nbytes % 2):
        told = "it holds {held} bytes of pixels, its header says {stated}; export anew"
        raise UnreadableFilm(Said("film_bytes", told, held=pixels.length, stated=layout.nbytes))
    little, shape = found.elements.little, (layout.rows, layout.columns)
    if layout.allocated == 16:
        raw = np.frombuffer(found.data, "<u2" if little else ">u2", layout.nbytes // 2, pixels.start)
        return raw.astype(np.uint16, copy=False).reshape(shape)
    data = np.frombuffer(found.data, np.uint8, pixels.length, pixels.start)
    if not little and pixels.vr == "OW" and len(data) % 2 == 0:  # two pixels to a big-endian word
        data = data.reshape(-1, 2)[:, ::-1].reshape(-1)
    return data[: layout.nbytes].reshape(shape)


def _frame(data: bytes, start: int) -> bytes:
    """The one frame of encapsulated pixel data: all fragments behind the offset table, joined."""
    file = BytesIO(data)
    file.seek(start)
    try:
        _, places = parse_fragments(file)
    except ValueError:
        told = "its compressed pixels are out of step or cut off; export it anew"
        raise UnreadableFilm(Said("film_out_of_step", told)) from None
    fragments = []
    for place in places:
        end = place + 8 + int.from_bytes(data[place + 4 : place + 8], "little")
        if end > len(data):
            raise UnreadableFilm(CUT_OFF)
        fragments.append(data[place + 8 : end])
    if len(fragments) < 2:
        raise UnreadableFilm(Said("film_no_frame", "its compressed pixels are missing; copy or export it anew"))
    if len(fragments[0]) > 4:
        told = "its offset table has {frames} frames, its header one; export it anew"
        raise UnreadableFilm(Said("film_offsets", told, frames=len(fragments[0]) // 4))
    return b"".join(fragments[1:])


def _decode(codec: Codec, frame: bytes, layout: Layout) -> Words:
    try:
        if codec.header is not None:
            _check_frame(codec.header(frame), layout)
        picture = codec.decode(frame, layout)
    except BROKEN:
        told = "its {codec} data are broken; copy or export it anew"
        raise UnreadableFilm(Said("film_codec_broken", told, codec=codec.name)) from None
    if picture.shape != (layout.rows, layout.columns) or picture.dtype.itemsize * 8 > layout.allocated:
        told = "its {codec} data are not the picture that its header describes; export it anew"
        raise UnreadableFilm(Said("film_codec_other", told, codec=codec.name))
    if layout.allocated == 8:
        return picture.view(np.uint8)
    # signed 8-bit samples of a 16-bit film keep their sign
    return picture.astype(np.int16 if picture.dtype.kind == "i" else np.uint16, copy=False).view(np.uint16)


def _check_frame(said: FrameHeader, layout: Layout) -> None:
    """Refuse before decoding, so that a frame that claims to be huge costs nothing."""
    if (said.rows, said.columns) != (layout.rows, layout.columns):
        told = "its compressed picture has {picture} pixels, its header says {stated}; export it anew"
        picture, other = f"{said.columns}x{said.rows}", f"{layout.columns}x{layout.rows}"
        raise UnreadableFilm(Said("film_frame_size", told, picture=picture, stated=other))
    if said.components != 1 or said.precision > layout.allocated:
        told = (
            "its compressed picture has {channels} channels of {bits} bits, its header says one of {stated}; "
            "export it anew"
        )
        stated, bits = layout.allocated, said.precision
        raise UnreadableFilm(Said("film_channels", told, channels=said.components, bits=bits, stated=stated))


def _jpeg_header(frame: bytes) -> FrameHeader:
    """From the start-of-frame segment of a JPEG or JPEG-LS stream, which must be whole (end with its end mark)."""
    if not frame.startswith(b"\xff\xd8") or not frame.rstrip(b"\0\xff").endswith(b"\xd9"):
        raise UnreadableFilm(CUT_OFF)
    place = 2
    while True:
        marker, length = struct.unpack_from(">HH", frame, place)
        if marker == 0xFFFF:  # fill byte
            place += 1
        elif marker in START_OF_FRAME:
            precision, rows, columns, components = struct.unpack_from(">BHHB", frame, place + 4)
            return FrameHeader(rows, columns, components, precision)
        elif marker >> 8 != 0xFF:
            raise ValueError("no marker where one must be")
        else:
            place += 2 + length


def _jpeg2k_header(frame: bytes) -> FrameHeader:
    """From the SIZ segment, which opens a JPEG 2000 codestream; some files wrap it in JP2 boxes."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0:
        raise ValueError("no codestream")
    columns, rows, left, top = struct.unpack_from(">4L", frame, start + 8)
    components, precision = struct.unpack_from(">HB", frame, start + 40)
    return FrameHeader(rows - top, columns - left, components, (precision & 0x7F) + 1)


def _rle(frame: bytes, layout: Layout) -> npt.NDArray[Any]:
    """PS3.5 Annex G: a plane for each byte of a word, the highest first. imagecodecs' own decoder of whole frames
    crashes the process on broken ones, so planes are cut here and only unpacked there."""
    count, *offsets = struct.unpack_from("<16L", frame)
    size = layout.rows * layout.columns
    if count != layout.allocated // 8:
        raise ValueError("another number of planes")
    ends = [*offsets[1:count], len(frame)]
    planes = []
    for start, end in zip(offsets, ends, strict=False):
        if not RLE_HEADER <= start < end <= len(frame):
            raise ValueError("planes out of step")
        plane = np.frombuffer(imagecodecs.packbits_decode(frame[start:end]), np.uint8)
        if not size <= len(plane) <= size + RLE_SLACK:
            raise ValueError("a plane of another size")
        planes.append(plane[:size])
    words = planes[0] if count == 1 else planes[0].astype(np.uint16) << 8 | planes[1]
    return words.reshape(layout.rows, layout.columns)


def _jpeg(frame: bytes, layout: Layout) -> npt.NDArray[Any]:
    return np.asarray(imagecodecs.jpeg8_decode(frame))


def _jpeg_ls(frame: bytes, layout: Layout) -> npt.NDArray[Any]:
    return np.asarray(imagecodecs.jpegls_decode(frame))


def _jpeg2k(frame: bytes, layout: Layout) -> npt.NDArray[Any]:
    """OpenJPEG, for HTJ2K too: imagecodecs' decoder of that (OpenJPH) loses errors, and crashes on broken frames."""
    return np.asarray(imagecodecs.jpeg2k_decode(frame, numthreads=1))


RLE_HEADER, RLE_SLACK = 64, 2
"""Bytes before the first RLE plane, and bytes that padding may unpack to behind one."""
START_OF_FRAME: Final = frozenset({*range(0xFFC0, 0xFFD0), 0xFFF7} - {0xFFC4, 0xFFC8, 0xFFCC})
"""JPEG markers that open a frame, and that of JPEG-LS."""
CODECS: Final[Mapping[str, Codec]] = MappingProxyType(
    {
        "1.2.840.10008.1.2.5": Codec("RLE", _rle, None),
        "1.2.840.10008.1.2.4.50": Codec("JPEG baseline", _jpeg, _jpeg_header, lossy=True),
        "1.2.840.10008.1.2.4.51": Codec("JPEG extended", _jpeg, _jpeg_header, lossy=True),
        "1.2.840.10008.1.2.4.57": Codec("JPEG lossless", _jpeg, _jpeg_header),
        "1.2.840.10008.1.2.4.70": Codec("JPEG lossless", _jpeg, _jpeg_header),
        "1.2.840.10008.1.2.4.80": Codec("JPEG-LS", _jpeg_ls, _jpeg_header),
        "1.2.840.10008.1.2.4.81": Codec("JPEG-LS", _jpeg_ls, _jpeg_header, lossy=True),
        "1.2.840.10008.1.2.4.90": Codec("JPEG 2000", _jpeg2k, _jpeg2k_header),
        "1.2.840.10008.1.2.4.91": Codec("JPEG 2000", _jpeg2k, _jpeg2k_header, lossy=True),
        "1.2.840.10008.1.2.4.201": Codec("HTJ2K", _jpeg2k, _jpeg2k_header),
        "1.2.840.10008.1.2.4.202": Codec("HTJ2K", _jpeg2k, _jpeg2k_header),
        "1.2.840.10008.1.2.4.203": Codec("HTJ2K", _jpeg2k, _jpeg2k_header, lossy=True),
    }
)
"""Compressions by transfer syntax. imagecodecs holds them all under licences that fit this project's own."""
