"""Films as PNG for the screen: a window on their intensities, at the size asked for."""

from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from engine.errors import UnsupportedFilm
from engine.said import Said

LARGEST = 2048
SMALLEST = 16
NARROWEST = 0.001


class View(BaseModel):
    """How a film is to be shown: a window on its intensities 0..1 (bone bright), and a long side in pixels."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    center: float = Field(0.5, ge=0, le=1, description="Middle of the intensities shown, 0..1.", examples=[0.6])
    width: float = Field(1.0, ge=NARROWEST, le=1, description="Width of the intensities shown.", examples=[0.5])
    invert: bool = Field(False, description="Show bone dark.")
    size: int = Field(
        512, ge=SMALLEST, le=LARGEST, description="Long side of the PNG in pixels; a smaller film is not enlarged."
    )


ViewQuery = Annotated[View, Query()]


def png(pixels: npt.NDArray[np.float32], view: View) -> bytes:
    """The film as 8-bit grey PNG. pixels: float32 (rows, columns) in 0..1."""
    small = _fit(pixels, view.size)
    low = view.center - view.width / 2
    shown = np.clip((small - low) / view.width, 0, 1)
    grey = np.rint((1 - shown if view.invert else shown) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        told = "no PNG can be made of {size} pixels; ask for another size"
        raise UnsupportedFilm(Said("no_picture", told, size=f"{grey.shape[1]}x{grey.shape[0]}"))
    return data.tobytes()


def _fit(pixels: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    rows, columns = pixels.shape
    scale = size / max(rows, columns)
    if scale >= 1:
        return pixels
    wanted = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    return np.asarray(cv2.resize(pixels, wanted, interpolation=cv2.INTER_AREA), dtype=np.float32)
