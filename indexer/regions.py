"""Proposed regions: one way for indexing and querying, so that one file has one region and one vector."""

from pathlib import Path

import numpy as np

from engine.errors import ArchiveCorrupt
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Origin, Region
from engine.said import Said
from engine.segmentation import Segmenter
from indexer.manifest import Manifest
from indexer.thumbnails import THUMBNAIL_SIDE

CROP_DETAIL = 2
"""Decoded pixels per encoder pixel along a lesion crop's side, at least."""
ENCODER = "encoder"


def open_segmenter(root: Path, manifest: Manifest) -> Segmenter | None:
    """The segmenter that an archive carries beside its encoder, None where it has none.

    Raises:
        EncoderError: a missing or damaged file. ArchiveCorrupt: another segmenter than the manifest names.
    """
    if manifest.segmenter is None:
        return None
    segmenter = Segmenter.load(root / ENCODER)
    found = segmenter.card.fingerprint
    if found != manifest.segmenter:
        told = (
            "the archive was made with segmenter {stated}, its folder holds {held}; restore it or index the films anew"
        )
        raise ArchiveCorrupt(Said("other_segmenter", told, stated=manifest.segmenter, held=found))
    return segmenter


def propose(
    data: bytes | Path, segmenter: Segmenter, size: int, *, name: str | None = None
) -> tuple[Radiograph, Region]:
    """A film and the region that a segmenter proposes on it, whole where its confidence is too small.

    The film is decoded as far as an encoder of `size` needs to see that region.

    Raises:
        FilmError: see `read`.
    """
    film = read(data, name=name, at_least=THUMBNAIL_SIDE)
    region = segmenter.propose(film)
    long_side = max(film.shape)
    needed = min(enough_detail(region, long_side, size), long_side)
    if region.origin is Origin.segmented and max(film.pixels.shape) < needed:
        film = read(data, name=name, at_least=needed)
    return film, region


def enough_detail(region: Region, long_side: int, size: int) -> int:
    """Long side in pixels to decode a film to, for `CROP_DETAIL` in a region given on a film of `long_side`."""
    x0, _, x1, _ = region.square()
    return max(THUMBNAIL_SIDE, int(np.ceil(CROP_DETAIL * size * long_side / (x1 - x0))))
