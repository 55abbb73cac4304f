"""Lesion masks as files."""

from pathlib import Path

import cv2
import numpy as np

from engine.errors import RegionError
from engine.region import Region


def read_mask(path: Path, shape: tuple[int, int]) -> Region:
    """The region that a mask picture shows on a film of `shape` (rows, columns); nonzero = lesion.

    Raises:
        RegionError: no picture there, nothing drawn on it, or another aspect than the film's.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RegionError(f"the mask {path.name} cannot be read ({error.strerror})") from None
    drawn = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if drawn is None:
        raise RegionError(f"the mask {path.name} is not a picture; give a PNG where nonzero is lesion")
    if abs(drawn.shape[0] * shape[1] / (drawn.shape[1] * shape[0]) - 1) > 0.05:
        size = f"{drawn.shape[1]}x{drawn.shape[0]}"
        raise RegionError(f"the mask has {size} pixels, the film {shape[1]}x{shape[0]}; draw it on the same film")
    region = Region.from_mask(drawn, shape)
    if region is None:
        raise RegionError(f"the mask {path.name} is black all over; draw the lesion, or leave the mask out")
    return region
