"""From outlines to X-ray paths: a bone is a cortical shell about spongy bone; pixels hold the ray's length in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from indexer.synthetic.anatomy import Bone
from indexer.synthetic.outlines import Points

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
_SUBPIXEL = 4


@dataclass(frozen=True, slots=True)
class Pose:
    """Millimetres to pixels: pixel = matrix @ mm + shift; `spacing` in mm per pixel."""

    matrix: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]
    spacing: float

    def __post_init__(self) -> None:
        if self.spacing <= 0:
            raise ValueError(f"spacing {self.spacing} mm per pixel must be above 0")

    def points(self, mm: Points) -> Points:
        """(n, 2) mm to (n, 2) pixel coordinates (x, y)."""
        return np.asarray(mm @ self.matrix.T + self.shift, dtype=np.float32)

    def vector(self, mm: Points) -> Points:
        """Direction (2,) in mm to a unit direction in pixels."""
        turned = self.matrix @ mm
        return np.asarray(turned / max(float(np.hypot(*turned)), 1e-6), dtype=np.float32)


@dataclass(slots=True)
class Shell:
    """One bone within `window` (a pair of slices of the film): ray lengths in mm, each float32 (h, w)."""

    window: tuple[slice, slice]
    mask: Mask
    inside: Plane
    radius: Plane
    cortex: Plane
    spongy: Plane


def fill(outline_px: Points, shape: tuple[int, int]) -> Mask:
    """uint8 (h, w), 1 inside the outline."""
    canvas = np.zeros(shape, dtype=np.uint8)
    fixed = np.round(outline_px * (1 << _SUBPIXEL)).astype(np.int32)
    cv2.fillPoly(canvas, [fixed], 1, lineType=cv2.LINE_8, shift=_SUBPIXEL)
    return canvas


def window_of(outline_px: Points, shape: tuple[int, int], pad: int) -> tuple[slice, slice] | None:
    """The outline's padded bounding box cut to the film, or None where it lies outside."""
    low = np.floor(outline_px.min(axis=0)).astype(int) - pad
    high = np.ceil(outline_px.max(axis=0)).astype(int) + pad + 1
    x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
    x1, y1 = min(int(high[0]), shape[1]), min(int(high[1]), shape[0])
    return (slice(y0, y1), slice(x0, x1)) if x1 - x0 > 4 and y1 - y0 > 4 else None


def chord(depth: Plane, radius: Plane | float) -> Plane:
    """Ray length through a round bar of `radius` at `depth` below its edge; all in mm."""
    reach = np.clip(depth, 0.0, radius)
    return np.asarray(2.0 * np.sqrt(np.maximum(reach * (2.0 * radius - reach), 0.0)), dtype=np.float32)


def local_radius(inside: Plane, spacing: float) -> Plane:
    """The bone's half-width near each pixel, in mm: a smooth upper envelope of the depth `inside` it."""
    h, w = inside.shape
    step = 4 if min(h, w) >= 32 else 2 if min(h, w) >= 12 else 1
    small = cv2.resize(inside, (max(w // step, 1), max(h // step, 1)), interpolation=cv2.INTER_AREA)
    reach = max(int(0.8 * float(inside.max()) / spacing / step), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide = cv2.GaussianBlur(cv2.dilate(small, kernel), (0, 0), max(reach / 2.5, 0.5))
    return np.asarray(
        np.maximum(cv2.resize(wide, (w, h), interpolation=cv2.INTER_LINEAR), inside + 0.2), dtype=np.float32
    )


def shade(mask: Mask, window: tuple[slice, slice], bone: Bone, spacing: float, cortex_mm: Plane | None = None) -> Shell:
    """Cortex and spongy paths of a bone's mask (h, w); `cortex_mm` overrides the shell's thickness where given."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5).astype(np.float32) * np.float32(spacing)
    radius = local_radius(inside, spacing)
    thick = np.clip(bone.cortex * (bone.waist / np.maximum(radius, 0.5)) ** 1.4, 0.25 * bone.cortex, bone.cortex)
    if cortex_mm is not None:
        thick = np.minimum(thick, cortex_mm)
    thick = np.minimum(thick, 0.6 * radius).astype(np.float32)
    hollow = np.where(inside > thick, chord(inside - thick, np.maximum(radius - thick, 0.1)), np.float32(0))
    depth = np.float32(bone.depth)
    cortex = (chord(inside, radius) - hollow) * depth
    share = np.clip(radius / bone.waist - 0.75, 0.22, 1.0) * bone.spongy
    return Shell(window, mask, inside, radius, cortex.astype(np.float32), (hollow * share * depth).astype(np.float32))


def noise(shape: tuple[int, int], sigma_x: float, sigma_y: float, rng: np.random.Generator) -> Plane:
    """Smooth Gaussian noise of zero mean and unit spread, float32 (h, w); sigmas in pixels."""
    step = max(int(min(sigma_x, sigma_y) / 1.5), 1)
    h, w = shape[0] // step + 2, shape[1] // step + 2
    top, left = int(rng.integers(0, _TILE - h)), int(rng.integers(0, _TILE - w))
    rough = _white()[top : top + h, left : left + w]
    soft = cv2.GaussianBlur(rough, (0, 0), sigmaX=max(sigma_x / step, 0.4), sigmaY=max(sigma_y / step, 0.4))
    mean, spread = cv2.meanStdDev(soft)
    soft = (soft - np.float32(mean[0, 0])) / np.float32(max(float(spread[0, 0]), 1e-6))
    if step > 1:
        soft = cv2.resize(soft, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft[: shape[0], : shape[1]], dtype=np.float32)


_TILE = 1400


@cache
def _white() -> Plane:
    """One fixed tile of white noise, made once per process; films take their noise from random places in it."""
    return np.random.default_rng(0x5EED).standard_normal((_TILE, _TILE), dtype=np.float32)
