"""Small pictures of archived films, so that an answer can be shown without the originals."""

import re

import cv2
import numpy as np
import numpy.typing as npt

from engine.errors import ArchiveError
from engine.radiograph import Radiograph

Grey = npt.NDArray[np.uint8]

THUMBNAIL_SIDE = 512
"""Long side of a thumbnail in pixels."""
QUALITY = 90
JFIF, JFIF_LENGTH = b"\xff\xe0", 16
PICTURE_SEGMENTS = frozenset({JFIF, b"\xff\xdb", b"\xff\xc0", b"\xff\xc4", b"\xff\xdd"})
"""JPEG segments that hold the picture: JFIF header, quantisation, baseline frame, Huffman tables, restarts."""
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
"""A marker after the picture's data began; stuffed zeros and restarts are part of the data."""


def thumbnail(film: Radiograph, data: bytes, grey: Grey | None = None) -> bytes:
    """A JPEG of the film, long side at most 512.

    data: the bytes of the film's file, kept as they are where they are such a JPEG and hold nothing but the picture:
    it is not made worse by being compressed again. grey: the film as `shrink` gives it; None = shrink it here.
    """
    if max(film.shape) <= THUMBNAIL_SIDE and is_plain_jpeg(data):
        return data
    done, picture = cv2.imencode(".jpg", shrink(film) if grey is None else grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ArchiveError(f"no thumbnail could be made of {film.source}; the picture encoder refused it")
    return bytes(picture)


def is_plain_jpeg(data: bytes) -> bool:
    """Whether a file is a baseline JPEG of a picture and nothing else: no EXIF, comment, preview or appended bytes."""
    at = 2
    while (marker := data[at : at + 2]) in PICTURE_SEGMENTS:
        length = int.from_bytes(data[at + 2 : at + 4])
        if marker == JFIF and length != JFIF_LENGTH:
            return False
        at += 2 + length
    if not data.startswith(b"\xff\xd8") or marker != b"\xff\xda":
        return False
    after = NEXT_MARKER.search(data, at + 2 + int.from_bytes(data[at + 2 : at + 4]))
    return after is not None and after.group() == b"\xff\xd9" and after.end() == len(data)


def shrink(film: Radiograph) -> Grey:
    """The film as 8-bit grey with its full aspect, long side at most 512."""
    rows, columns = film.pixels.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(rows, columns))
    grey = np.asarray(cv2.convertScaleAbs(film.pixels, alpha=255), dtype=np.uint8)
    if scale == 1:
        return grey
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    # down to a half, bilinear still looks at every pixel, at a fraction of the cost
    how = cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA
    return np.asarray(cv2.resize(grey, size, interpolation=how), dtype=np.uint8)
