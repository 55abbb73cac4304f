"""Pictures as films: JPEG, PNG, TIFF and BMP through Pillow, upright as their EXIF says, bone taken as bright."""

import io
import struct
import zlib
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.ExifTags import Base

from engine.errors import UnreadableFilm, UnsupportedFilm
from engine.radiograph import Pixels, Radiograph, check_size
from engine.said import Said

FORMATS: Final = ("JPEG", "PNG", "TIFF", "BMP")
STARTS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"BM")
BROKEN: Final = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, TypeError, KeyError, IndexError)
"""What Pillow raises on bytes that are no whole picture."""
REDUCIBLE: Final = frozenset({"JPEG", "MPO"})
LYING: Final = frozenset({5, 6, 7, 8})
"""EXIF orientations that exchange rows and columns."""
WHITE_IS_ZERO: Final = 0

# Pillow's own limit warns through a process-wide filter; `check_size` refuses by the header, before decoding.
Image.MAX_IMAGE_PIXELS = None


class RasterReader:
    """Reads 8-bit, 16-bit and floating-point pictures. Colours are taken by their luminance, the first of several
    equal channels by itself; transparency is ignored."""

    def recognises(self, head: bytes) -> bool:
        """See `Reader.recognises`."""
        return head.startswith(STARTS)

    def read(self, data: bytes, name: str, sha256: str, at_least: int | None) -> Radiograph:
        """See `Reader.read`. JPEG decodes at 1/2, 1/4 or 1/8 where `at_least` allows."""
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                columns, rows = picture.size
                check_size(rows, columns)
                _check_single(picture)
                inverted, full = _white_is_zero(picture), _upright_shape(picture)
                _reduce(picture, at_least)
                pixels, warnings = _grey(ImageOps.exif_transpose(picture))
        except BROKEN as error:
            told = "not a whole picture ({said}); export or copy it anew"
            raise UnreadableFilm(Said("film_not_whole", told, said=_told(error))) from None
        pixels = 1 - pixels if inverted else pixels
        return Radiograph(pixels, sha256, name, full_shape=full, warnings=warnings)


def _told(error: Exception) -> str:
    """Pillow's complaint, without the memory addresses that it puts into some."""
    text = str(error).partition(" <")[0].strip()
    return text if text and text.isprintable() else type(error).__name__


def _check_single(picture: Image.Image) -> None:
    frames = int(getattr(picture, "n_frames", 1))
    if frames > 1 and picture.format != "MPO":  # an MPO is a camera's JPEG with a preview behind the picture
        told = "it holds {frames} frames; send each film as a picture of its own"
        raise UnsupportedFilm(Said("film_frames", told, frames=frames))


def _upright_shape(picture: Image.Image) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG once its EXIF rotation is applied; None for the others, which decode in full."""
    if picture.format not in REDUCIBLE:
        return None
    columns, rows = picture.size
    return (columns, rows) if picture.getexif().get(Base.Orientation) in LYING else (rows, columns)


def _reduce(picture: Image.Image, at_least: int | None) -> None:
    """Let a JPEG decode at the smallest scale whose long side is still `at_least` pixels; luminance only."""
    if picture.format not in REDUCIBLE or picture.mode not in {"RGB", "L"}:
        return
    long_side = max(picture.size) if at_least is None else min(at_least, max(picture.size))
    columns, rows = picture.size  # Pillow's choice must hang on the long side alone
    picture.draft("L", (long_side, 1) if columns >= rows else (1, long_side))


def _white_is_zero(picture: Image.Image) -> bool:
    """Whether a TIFF of more than 8 bits stores bone dark; Pillow itself turns 8-bit ones round."""
    deep = picture.mode.startswith(("I", "F"))
    tags = getattr(picture, "tag_v2", {})
    return deep and picture.format == "TIFF" and tags.get(Base.PhotometricInterpretation) == WHITE_IS_ZERO


def _grey(picture: Image.Image) -> tuple[Pixels, tuple[str, ...]]:
    """Pixels float32 in 0..1, and what was odd about them."""
    if picture.mode.startswith("I"):
        return _deep(np.asarray(picture))
    if picture.mode == "F":
        return _floating(np.asarray(picture))
    grey = picture if picture.mode == "L" else picture.convert("L")
    return np.asarray(grey, dtype=np.float32) * np.float32(1 / 255), ()


def _deep(values: npt.NDArray[np.integer]) -> tuple[Pixels, tuple[str, ...]]:
    """More than 8 bits: the range is that of the fewest bits that hold the brightest pixel, as films of 10 to 14 bits
    often lie in 16-bit files."""
    low, high = int(values.min()), int(values.max())
    if low < 0:
        told = "its pixels go down to {low}; export it with pixels from 0 on"
        raise UnsupportedFilm(Said("film_below_zero", told, low=low))
    bits = max(8, high.bit_length())
    pixels = values.astype(np.float32) / np.float32(2**bits - 1)
    note = Said("fewer_bits", "its pixels use {bits} of the file's bits; that range was taken", bits=bits)
    return pixels, () if bits in {8, 16} else (note,)


def _floating(values: npt.NDArray[np.floating]) -> tuple[Pixels, tuple[str, ...]]:
    """Floating-point pixels: kept where they lie in 0..1, else stretched to it from lowest to highest."""
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnsupportedFilm(Said("film_infinite", "some of its pixels are no finite numbers; export it anew"))
    if low >= 0 and high <= 1:
        return values.astype(np.float32), ()
    pixels = ((values.astype(np.float64) - low) / ((high - low) or 1)).astype(np.float32)
    told = "its pixels run from {low} to {high} and were stretched to 0..1"
    return pixels, (Said("stretched", told, low=f"{low:g}", high=f"{high:g}"),)
