"""Lesion masks as files."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from engine.errors import RegionError
from engine.radiograph import MAX_PIXELS
from engine.readers.raster import BROKEN, FORMATS
from engine.region import Region
from engine.said import Said

ASPECT_TOLERANCE = 0.05


def read_mask(path: Path, shape: tuple[int, int]) -> Region:
    """The region that a mask picture shows on a film of `shape` (rows, columns); nonzero = lesion.

    Raises:
        RegionError: no whole picture there, too large a one, nothing drawn on it, or another aspect than the film's.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RegionError(f"the mask {path.name} cannot be read ({error.strerror}); check the path") from None
    region = lesion_region(lesion_pixels(data, path.name), shape, path.name)
    if region is None:
        raise RegionError(f"the mask {path.name} is black all over; draw the lesion, or leave the mask out")
    return region


def lesion_region(drawn: npt.NDArray[np.bool_], shape: tuple[int, int], name: str) -> Region | None:
    """The region of `lesion_pixels` on a film of `shape`, whose scale may be another; None where nothing is drawn.

    Raises:
        RegionError: another aspect than the film's.
    """
    if abs(drawn.shape[0] * shape[1] / (drawn.shape[1] * shape[0]) - 1) > ASPECT_TOLERANCE:
        size, other = f"{drawn.shape[1]}x{drawn.shape[0]}", f"{shape[1]}x{shape[0]}"
        told = "the mask {mask} has {size} pixels, the film {other}; draw it on the same film"
        raise RegionError(Said("mask_aspect", told, mask=name, size=size, other=other))
    return Region.from_mask(drawn, shape)


def lesion_pixels(data: bytes, name: str) -> npt.NDArray[np.bool_]:
    """Where a mask's picture is not black, bool (rows, columns), upright as its EXIF says; transparency is ignored.

    Raises:
        RegionError: no picture, a truncated one, or one of over 100 million pixels, refused before it is decoded.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            columns, rows = picture.size
            if rows * columns > MAX_PIXELS:
                told = (
                    "the mask {mask} has {size} pixels, over the limit of {limit} million; send it at a smaller scale"
                )
                size = f"{columns}x{rows}"
                raise RegionError(Said("mask_large", told, mask=name, size=size, limit=MAX_PIXELS // 10**6))
            upright = ImageOps.exif_transpose(picture)
            single = upright.mode in {"1", "L", "F"} or upright.mode.startswith("I")
            values = np.asarray(upright if single else upright.convert("RGB"))
    except BROKEN:
        told = "the mask {mask} is not a whole picture; give a PNG where nonzero is lesion"
        raise RegionError(Said("mask_not_whole", told, mask=name)) from None
    lesion: npt.NDArray[np.bool_] = values != 0 if single else (values != 0).any(axis=2)
    return lesion
