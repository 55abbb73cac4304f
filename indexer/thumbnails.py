"""Small pictures of archived films, by content hash, so that an answer can be shown without the originals."""

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
DRAFTS = ".drafts"
"""Folder of thumbnails being written; what a killed run leaves there is swept away by the next."""


def thumbnail_path(folder: Path, sha256: str) -> Path:
    """Where the thumbnail of a film with this content hash lies."""
    return folder / sha256[0] / f"{sha256}.jpg"


def save_thumbnail(folder: Path, film: Radiograph) -> None:
    """Keep a JPEG of the film, long side 512; one already there stays.

    It is in place whole or not at all after a kill; after a power cut it may be empty, and is then written anew.

    Raises:
        DiskFull: nothing was kept.
    """
    path = thumbnail_path(folder, film.sha256)
    if path.exists() and path.stat().st_size:
        return
    done, data = cv2.imencode(".jpg", shrink(film), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ArchiveError(f"no thumbnail could be made of {film.source}; the picture encoder refused it")
    with room_on_disk(folder):
        try:
            _put(folder, path, data.tobytes())
        except FileNotFoundError:  # the first of its folder
            for place in (folder / DRAFTS, path.parent):
                place.mkdir(parents=True, exist_ok=True)
            _put(folder, path, data.tobytes())


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
