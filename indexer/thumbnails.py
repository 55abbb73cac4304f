"""Small pictures of archived films, by content hash, so that an answer can be shown without the originals."""

import os
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


def thumbnail_path(folder: Path, sha256: str) -> Path:
    """Where the thumbnail of a film with this content hash lies."""
    return folder / sha256[:2] / f"{sha256}.jpg"


def save_thumbnail(folder: Path, film: Radiograph) -> None:
    """Keep a JPEG of the film, long side 512; one already there stays."""
    path = thumbnail_path(folder, film.sha256)
    if path.exists():
        return
    grey = shrink(film)
    done, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise ArchiveError(f"no thumbnail could be made of {film.source}; the picture encoder refused it")
    temporary = path.with_suffix(f".{threading.get_ident()}.tmp")
    with room_on_disk(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data.tobytes())
    os.replace(temporary, path)


def shrink(film: Radiograph) -> np.typing.NDArray[np.uint8]:
    """The film as 8-bit grey with its full aspect, long side at most 512."""
    rows, columns = film.pixels.shape
    scale = min(1.0, THUMBNAIL_SIDE / max(rows, columns))
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    grey = cv2.convertScaleAbs(film.pixels, alpha=255)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
