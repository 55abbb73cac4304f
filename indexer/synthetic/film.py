"""Draws one film of one patient: pose, flesh, bones, the lesion, exposure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2
import numpy as np

from indexer.synthetic.anatomy import Bone, Scene
from indexer.synthetic.cohort import STAGES, FilmPlan, Patient
from indexer.synthetic.exposure import burn_in, collimate, expose
from indexer.synthetic.growth import grow, survey
from indexer.synthetic.hardware import LONG_BONES, implant, operation
from indexer.synthetic.lesions import Signs
from indexer.synthetic.placement import Lesion, Spot, region_for, spot
from indexer.synthetic.posing import individual, pose
from indexer.synthetic.shading import Mask, Plane, Pose, chord, fill, noise, shade, window_of

# Attenuation per mm at about 60 kV, tuned for looks: fat, muscle over fat (a share), cortical and spongy bone, metal.
_MU_FLESH, _MU_CORTEX, _MU_SPONGY, _MU_METAL = 0.0165, 0.046, 0.0095, 0.30


@dataclass(frozen=True, slots=True)
class Film:
    """A drawn film: `picture` float32 (H, W) in 0..1, bone bright; `mask` uint8 (H, W) or None.

    The mask is 255 in the lesion; None where no lesion is to be seen, as after an operation.
    """

    picture: Plane
    mask: Mask | None
    spacing_mm: float
    view: str

    def __post_init__(self) -> None:
        if self.mask is not None and self.mask.shape != self.picture.shape:
            raise ValueError(f"mask {self.mask.shape} and picture {self.picture.shape} differ in size")


@contextmanager
def _steady() -> Iterator[None]:
    """OpenCV on one thread and without IPP: both round by thread count and memory alignment."""
    threads, ipp = cv2.getNumThreads(), cv2.ipp.useIPP()
    cv2.setNumThreads(1)
    cv2.ipp.setUseIPP(False)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        cv2.ipp.setUseIPP(ipp)


@_steady()
def draw(patient: Patient, lesion: Lesion, plan: FilmPlan) -> Film:
    """The film of `plan`; equal arguments give equal pixels."""
    rng = patient.rng(10 + plan.number)
    region, view = region_for(lesion, plan.view)
    seat = individual(spot(lesion, region), lesion, patient)
    shape, frame = pose(seat, view, patient.side, rng)
    signs = lesion.signs.after_chemotherapy() if plan.stage == STAGES[2] else lesion.signs
    fibres = noise(shape, 3.5 / frame.spacing, 16 / frame.spacing, rng)
    attenuation = _flesh(seat.scene, frame, shape) * (1 + 0.013 * fibres)
    mask = np.zeros(shape, dtype=np.uint8)
    cortex, spongy = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for bone in seat.scene.bones:
        if bone.name == seat.bone:
            _host(bone, seat, frame, signs, (cortex, spongy, attenuation, mask), patient, plan)
        else:
            _plain(bone, frame, patient.age, cortex, spongy)
    fine = noise(shape, 0.25 / frame.spacing + 0.3, 0.7 / frame.spacing + 0.3, rng)
    coarse = noise(shape, 5 / frame.spacing, 9 / frame.spacing, rng)
    attenuation += _MU_CORTEX * cortex + _MU_SPONGY * spongy * (1 + 0.11 * fine + 0.06 * coarse)
    keep = _box(mask) if mask.any() else (shape[1] * 0.4, shape[0] * 0.4, shape[1] * 0.6, shape[0] * 0.6)
    picture = collimate(expose(attenuation, rng), rng, keep)
    burn_in(picture, patient.side, rng, keep)
    seen = plan.stage != STAGES[1] and int(np.count_nonzero(mask)) >= 12
    return Film(picture, mask if seen else None, frame.spacing * lesion.growth, view)


def _box(mask: Mask) -> tuple[float, float, float, float]:
    x, y, w, h = cv2.boundingRect(mask)
    return float(x), float(y), float(x + w), float(y + h)


def _flesh(scene: Scene, pose: Pose, shape: tuple[int, int]) -> Plane:
    """Optical depth of soft tissue, float32 (H, W), reckoned at half resolution."""
    half = Pose(pose.matrix * np.float32(0.5), pose.shift * np.float32(0.5), pose.spacing * 2)
    small = (shape[0] // 2 + 1, shape[1] // 2 + 1)
    total = np.zeros(small, dtype=np.float32)
    for flesh in scene.flesh:
        if flesh.outline is None:
            mask = _margin(scene.bones, half, small, flesh.margin)
        else:
            mask = fill(half.points(flesh.outline), small)
        inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * np.float32(half.spacing)
        # Smoothed, or the steps of the outline show in the skin line.
        inside = np.maximum(cv2.GaussianBlur(inside, (0, 0), 2.5) - half.spacing, 0)
        radius = min(float(inside.max()), 85.0) if flesh.outline is not None else max(0.75 * float(inside.max()), 1.0)
        depth = _MU_FLESH * flesh.depth * flesh.density * chord(inside.astype(np.float32), max(radius, 1.0))
        total += cv2.GaussianBlur(depth, (0, 0), (5.0 if flesh.soft else 0.3) / half.spacing)
    smooth = np.maximum(cv2.GaussianBlur(total, (0, 0), 1.2), 0)
    return np.asarray(cv2.resize(smooth, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _margin(bones: tuple[Bone, ...], pose: Pose, shape: tuple[int, int], margin: float) -> Mask:
    union = np.zeros(shape, dtype=np.uint8)
    for bone in bones:
        union |= fill(pose.points(bone.outline), shape)
    away = cv2.distanceTransform(1 - union, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * pose.spacing
    return (cv2.GaussianBlur((away < margin).astype(np.float32), (0, 0), 4 / pose.spacing) > 0.5).astype(np.uint8)


def _plain(bone: Bone, pose: Pose, age: int, cortex: Plane, spongy: Plane) -> None:
    """Add a healthy bone to the film's layers."""
    outline = pose.points(bone.outline)
    window = window_of(outline, cortex.shape, 3)
    if window is None:
        return
    origin = np.array([window[1].start, window[0].start], dtype=np.float32)
    mask = fill(outline - origin, cortex[window].shape)
    shell = shade(mask, window, bone, pose.spacing)
    _plates(bone, replace(pose, shift=pose.shift - origin), age, shell.cortex, shell.spongy)
    cortex[window] += shell.cortex
    spongy[window] += shell.spongy


def _plates(bone: Bone, pose: Pose, age: int, cortex: Plane, spongy: Plane) -> None:
    """Open growth plates: a dark seam between two bright lines, thinner towards seventeen years."""
    if age >= 17 or not bone.plates:
        return
    wide = 1.2 + 1.6 * (17 - age) / 14
    seam, rims = np.zeros(cortex.shape, dtype=np.uint8), np.zeros(cortex.shape, dtype=np.uint8)
    for x0, y0, x1, y1 in bone.plates:
        t = np.linspace(-0.1, 1.1, 40, dtype=np.float32)[:, None]
        ends = np.array([[x0, y0], [x1, y1]], dtype=np.float32)
        across = np.array([-(y1 - y0), x1 - x0], dtype=np.float32) / np.hypot(x1 - x0, y1 - y0)
        line = pose.points(ends[0] * (1 - t) + ends[1] * t + across * (1.4 * np.sin(9 * t) + 1.0 * np.cos(15 * t)))
        fixed = [np.round(line * 16).astype(np.int32)]
        cv2.polylines(rims, fixed, False, 255, max(round((wide + 2.6) / pose.spacing), 3), cv2.LINE_AA, 4)
        cv2.polylines(seam, fixed, False, 255, max(round(wide / pose.spacing), 1), cv2.LINE_AA, 4)
    dark = cv2.GaussianBlur(seam, (0, 0), 0.7).astype(np.float32) / 255
    bright = cv2.GaussianBlur(rims, (0, 0), 0.8).astype(np.float32) / 255 * (spongy > 0)
    cortex += 0.1 * spongy * bright
    cortex *= 1 - 0.8 * dark
    spongy *= 1 - 0.75 * dark


def _host(
    bone: Bone,
    seat: Spot,
    pose: Pose,
    signs: Signs,
    planes: tuple[Plane, Plane, Plane, Mask],
    patient: Patient,
    plan: FilmPlan,
) -> None:
    """Add the diseased bone, its mass and its implants to the film's layers, and its lesion to the mask."""
    cortex, spongy, attenuation, mask = planes
    outline, centre = pose.points(bone.outline), pose.points(seat.centre[None])[0]
    reach = (0.8 * signs.length + 32) / pose.spacing
    window = window_of(np.vstack([outline, centre - reach, centre + reach]), mask.shape, 4)
    if window is None:
        return
    origin = np.array([window[1].start, window[0].start], dtype=np.float32)
    silhouette = fill(outline - origin, mask[window].shape)
    # One generator per view: the same view shows the same lesion on a later film.
    rng = patient.rng(3, ("frontal", "lateral", "oblique").index(plan.view) // 2)
    site = survey(silhouette, centre - origin, pose.vector(seat.along), signs, pose.spacing, rng)
    operated, done = plan.stage == STAGES[1], operation(patient)
    if operated and done == "exostosis removed":
        _plain(bone, pose, patient.age, cortex, spongy)
        return
    layers, lesion = grow(site, silhouette, bone, signs)
    extra = _MU_METAL * implant(site, layers, done, patient.site in LONG_BONES) if operated else _MU_FLESH * layers.soft
    if signs.stalk > 0:
        extra = np.maximum(extra - attenuation[window], 0)
    _plates(bone, replace(pose, shift=pose.shift - origin), patient.age, layers.cortex, layers.spongy)
    cortex[window] += layers.cortex
    spongy[window] += layers.spongy
    attenuation[window] += extra
    mask[window] = lesion
