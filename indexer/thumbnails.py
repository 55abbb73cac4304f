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
    return folder / sha256[:2] / f"{sha256}.jpg"


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
    draft = folder / DRAFTS / f"{film.sha256}.{threading.get_ident()}"
    with room_on_disk(folder):
        for place in (draft, path):
            place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data.tobytes())
        draft.replace(path)


def shrink(film: Radiograph) -> np.typing.NDArray[np.uint8]:
    """The film as 8-bit grey with its full aspect, long side at most 512."""
    rows, columns = film.pixels.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    grey = cv2.convertScaleAbs(film.pixels, alpha=255)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
