"""Maps as pictures: a tint over a film that leaves the film readable, and a line around what counts most."""

import cv2
import numpy as np
import numpy.typing as npt

Rgba = npt.NDArray[np.uint8]
STRONGEST = 0.68
"""Opacity where a map is 1."""
FAINTEST = 0.12
"""Values below it are not tinted: they are the lesser part of the film, and it shall be seen as it is."""
LEVEL = 0.55
"""The line runs where a map falls below it."""
LOW, HIGH = 70, 215
"""Part of viridis that is used, which people with any colour vision read alike; its dark end is lost on black and its
yellow would pass for the box around the lesion."""


def overlay(heat: npt.NDArray[np.float32]) -> Rgba:
    """RGBA uint8 (rows, columns, 4) of a map 0..1; transparent where it is low."""
    grey = np.rint(LOW + np.clip(heat, 0, 1) * (HIGH - LOW)).astype(np.uint8)
    picture = cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGBA)
    strength = np.clip((heat - FAINTEST) / (1 - FAINTEST), 0, 1)
    picture[..., 3] = np.rint(255 * STRONGEST * strength)
    outlines, _ = cv2.findContours((heat >= LEVEL).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, (235, 245, 250, 230), 1, cv2.LINE_8)
    return np.asarray(picture, np.uint8)


def laid_over(pixels: npt.NDArray[np.float32], heat: npt.NDArray[np.float32], side: int) -> npt.NDArray[np.uint8]:
    """The film with the tint on it, RGB uint8 with long side `side`. pixels: float32 (rows, columns), 0..1."""
    scale = side / max(pixels.shape)
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.cvtColor(np.clip(cv2.resize(pixels, size, interpolation=how), 0, 1), cv2.COLOR_GRAY2RGB)
    tint = (
        overlay(np.asarray(cv2.resize(heat, size, interpolation=cv2.INTER_LINEAR), np.float32)).astype(np.float32) / 255
    )
    share = tint[..., 3:]
    return np.asarray(np.rint(255 * (grey * (1 - share) + tint[..., :3] * share)), np.uint8)
