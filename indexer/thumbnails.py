"""Small pictures of archived films, by content hash, so that an answer can be shown without the originals."""

import re
import threading
from pathlib import Path

import cv2
import numpy as np

from engine.errors import ArchiveError
from engine.radiograph import Radiograph
from indexer.durable import room_on_disk

THUMBNAIL_SIDE = 512
"""Long side of a thumbnail in pixels."""
QUALITY = 90
JFIF, JFIF_LENGTH = 0xE0, 16
PICTURE_SEGMENTS = frozenset({JFIF, 0xDB, 0xC0, 0xC4, 0xDD})
"""JPEG segments that hold the picture: JFIF header, quantisation, baseline frame, Huffman tables, restarts."""
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
"""A marker after the picture's data began; stuffed zeros and restarts are part of the data."""
DRAFTS = ".drafts"
"""Folder of thumbnails being written; what a killed run leaves there is swept away by the next."""


def thumbnail_path(folder: Path, sha256: str) -> Path:
    """Where the thumbnail of a film with this content hash lies."""
    return folder / sha256[0] / f"{sha256}.jpg"


def save_thumbnail(folder: Path, film: Radiograph, data: bytes) -> None:
    """Keep a JPEG of the film, long side 512; one already there stays.

    data: the bytes of the film's file, kept as they are where they are such a JPEG and hold nothing but the picture:
    it is not made worse by being compressed again. The thumbnail is in place whole or not at all after a kill; after a
    power cut it may be empty, and is then written anew.

    Raises:
        DiskFull: nothing was kept.
    """
    path = thumbnail_path(folder, film.sha256)
    if path.exists() and path.stat().st_size:
        return
    small = max(film.shape) <= THUMBNAIL_SIDE and is_plain_jpeg(data)
    picture = data if small else _encode(film)
    with room_on_disk(folder):
        try:
            _put(folder, path, picture)
        except FileNotFoundError:  # the first of its folder
            for place in (folder / DRAFTS, path.parent):
                place.mkdir(parents=True, exist_ok=True)
            _put(folder, path, picture)


def is_plain_jpeg(data: bytes) -> bool:
    """Whether a file is a baseline JPEG of a picture and nothing else: no EXIF, comment, preview or appended bytes."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1] in PICTURE_SEGMENTS:
        if data[at + 1] == JFIF and int.from_bytes(data[at + 2 : at + 4]) != JFIF_LENGTH:
            return False
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    if not data.startswith(b"\xff\xd8\xff") or data[at : at + 2] != b"\xff\xda":
        return False
    after = NEXT_MARKER.search(data, at + 2 + int.from_bytes(data[at + 2 : at + 4]))
    return after is not None and after.group() == b"\xff\xd9" and after.end() == len(data)


def _encode(film: Radiograph) -> bytes:
    done, data = cv2.imencode(".jpg", shrink(film), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ArchiveError(f"no thumbnail could be made of {film.source}; the picture encoder refused it")
    return bytes(data)


def _put(folder: Path, path: Path, data: bytes) -> None:
    draft = folder / DRAFTS / f"{path.stem}.{threading.get_ident()}"
    draft.write_bytes(data)
    draft.replace(path)


def shrink(film: Radiograph) -> np.typing.NDArray[np.uint8]:
    """The film as 8-bit grey with its full aspect, long side at most 512."""
    rows, columns = film.pixels.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(rows, columns))
    grey = np.asarray(cv2.convertScaleAbs(film.pixels, alpha=255), dtype=np.uint8)
    if scale == 1:
        return grey
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
