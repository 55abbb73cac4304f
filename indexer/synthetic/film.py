"""Draws one film of one patient: pose, flesh, bones, the lesion, exposure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from indexer.synthetic.anatomy import Bone, Flesh, Scene
from indexer.synthetic.cohort import STAGES, FilmPlan, Patient
from indexer.synthetic.exposure import burn_in, collimate, expose
from indexer.synthetic.growth import Layers, Site, grow, survey
from indexer.synthetic.hardware import implant, operation
from indexer.synthetic.lesions import Signs
from indexer.synthetic.outlines import Points
from indexer.synthetic.placement import OVERVIEWS, Lesion, Spot, region_for, spot
from indexer.synthetic.shading import Mask, Plane, Pose, chord, fill, noise, shade, window_of

# Attenuation per mm at about 60 kV, tuned for looks: fat, muscle over fat (a share), cortical and spongy bone, metal.
_MU_FLESH, _MU_CORTEX, _MU_SPONGY, _MU_METAL = 0.0165, 0.046, 0.0125, 0.30


@dataclass(frozen=True, slots=True)
class Film:
    """A drawn film: `picture` float32 (H, W) in 0..1, bone bright; `mask` uint8 (H, W), 255 in the lesion, None if unseen."""

    picture: Plane
    mask: Mask | None
    spacing_mm: float
    view: str

    def __post_init__(self) -> None:
        if self.mask is not None and self.mask.shape != self.picture.shape:
            raise ValueError(f"mask {self.mask.shape} and picture {self.picture.shape} differ in size")


def draw(patient: Patient, lesion: Lesion, plan: FilmPlan) -> Film:
    """The film of `plan`; equal arguments give equal pixels."""
    rng = patient.rng(10 + plan.number)
    region, view = region_for(lesion, plan.view)
    seat = _individual(spot(lesion, region), lesion, patient)
    shape, pose = _pose(seat, lesion, view, patient.side, rng)
    signs = lesion.signs.after_chemotherapy() if plan.stage == STAGES[2] else lesion.signs
    attenuation = _flesh(seat.scene, pose, shape)
    mask = np.zeros(shape, dtype=np.uint8)
    cortex, spongy = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for bone in seat.scene.bones:
        if bone.name == seat.bone:
            _host(bone, seat, pose, signs, (cortex, spongy, attenuation, mask), patient, plan)
        else:
            _plain(bone, pose, patient.age, cortex, spongy)
    along_bone = noise(shape, 0.5 / pose.spacing + 0.4, 1.3 / pose.spacing + 0.4, rng)
    attenuation += _MU_CORTEX * cortex + _MU_SPONGY * spongy * np.clip(1 + 0.2 * along_bone, 0.2, 2)
    keep = _box(mask) if mask.any() else (shape[1] * 0.4, shape[0] * 0.4, shape[1] * 0.6, shape[0] * 0.6)
    picture = collimate(expose(attenuation, rng), rng, keep)
    burn_in(picture, patient.side, rng, keep)
    seen = plan.stage != STAGES[1] and int(np.count_nonzero(mask)) >= 12
    return Film(picture, mask if seen else None, pose.spacing * lesion.growth, view)


def _box(mask: Mask) -> tuple[float, float, float, float]:
    x, y, w, h = cv2.boundingRect(mask)
    return float(x), float(y), float(x + w), float(y + h)


def _individual(seat: Spot, lesion: Lesion, patient: Patient) -> Spot:
    """The patient's own build: stouter or slimmer bones, a slight bend, and the bow of dysplastic bone."""
    rng = patient.rng(2)
    stout, phase = rng.normal(0, 0.55), rng.uniform(0, 6.28)
    bend, stretch = rng.normal(0, 2.2), rng.normal(1, 0.03)
    bow = rng.uniform(0, 16) * lesion.signs.toward if lesion.signs.haze > 0 and lesion.region == "leg" else 0.0

    def warp(points: Points) -> Points:
        x, y = points[..., 0], points[..., 1]
        swerve = bend * np.sin(y / 110 + phase) + bow * np.exp(-(((y - seat.centre[1]) / 75) ** 2))
        return np.stack([x * stretch + swerve, y], axis=-1).astype(np.float32)

    def thicken(outline: Points, by: float) -> Points:
        step = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
        normal = np.stack([step[:, 1], -step[:, 0]], axis=1) / np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)[:, None]
        turn = np.sign(np.sum(outline[:, 0] * np.roll(outline[:, 1], -1) - outline[:, 1] * np.roll(outline[:, 0], -1)))
        return (outline + normal * turn * by).astype(np.float32)

    thin = 1.0 - 0.3 * np.clip((patient.age - 45) / 40, 0, 1) * (1.2 if patient.sex == "F" else 0.8)
    bones = tuple(
        replace(b, outline=thicken(warp(b.outline), stout * min(b.waist / 12, 1)), axis=warp(b.axis), cortex=b.cortex * thin, spongy=b.spongy * thin)
        for b in seat.scene.bones
    )
    flesh = tuple(replace(f, outline=None if f.outline is None else warp(f.outline)) for f in seat.scene.flesh)
    return replace(seat, scene=replace(seat.scene, bones=bones, flesh=flesh), centre=warp(seat.centre), joint=warp(seat.joint))


def _pose(seat: Spot, lesion: Lesion, view: str, side: str, rng: np.random.Generator) -> tuple[tuple[int, int], Pose]:
    """Film size in pixels and the way from mm to pixels."""
    scene = seat.scene
    overview = OVERVIEWS.get(seat.region)
    whole = overview is not None and rng.random() < 0.7
    reach = float(np.hypot(*(seat.joint - seat.centre)))
    shaft = reach > 130
    height = scene.height * rng.uniform(0.85, 1.2) * (1.0 if whole or overview is None else 0.72) * (1.25 if shaft and seat.region.startswith("leg") else 1.0)
    aspect = scene.aspect * rng.uniform(0.88, 1.15)
    if aspect <= 1:
        rows = int(rng.integers(560, 760))
        columns = max(int(rows * aspect), 360)
    else:
        columns = int(rng.integers(600, 768))
        rows = int(columns / aspect)
    spacing = height / rows
    middle = np.asarray(overview, dtype=np.float32) if whole and overview else seat.centre + (seat.joint - seat.centre) * (0.55 if not shaft else 0.15)
    middle = middle + rng.normal(0, 0.025 * height, 2)
    middle = _keep_in_view(middle, seat.centre, 0.5 * height * 0.62, 0.5 * height * aspect * 0.6)
    turn = np.deg2rad(rng.normal(0, 4.0) + (rng.choice([-1, 1]) * rng.uniform(8, 22) if rng.random() < 0.15 else 0.0))
    flip = -1.0 if side == "R" else 1.0
    narrow = rng.uniform(0.78, 0.88) if view == "oblique" else 1.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = (rotation @ np.diag([flip * narrow, 1.0]) / spacing).astype(np.float32)
    shift = np.array([columns / 2, rows / 2]) - matrix @ middle
    return (rows, columns), Pose(matrix, shift.astype(np.float32), float(spacing))


def _keep_in_view(middle: Points, centre: Points, dy: float, dx: float) -> Points:
    low, high = centre - np.array([dx, dy]), centre + np.array([dx, dy])
    return np.clip(middle, low, high).astype(np.float32)


def _flesh(scene: Scene, pose: Pose, shape: tuple[int, int]) -> Plane:
    """Optical depth of soft tissue, float32 (H, W), reckoned at half resolution."""
    half = Pose(pose.matrix / 2, pose.shift / 2, pose.spacing * 2)
    small = (shape[0] // 2 + 1, shape[1] // 2 + 1)
    total = np.zeros(small, dtype=np.float32)
    for flesh in scene.flesh:
        mask = _margin(scene.bones, half, small, flesh.margin) if flesh.outline is None else fill(half.points(flesh.outline), small)
        inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * np.float32(half.spacing)
        radius = min(float(inside.max()), 85.0) if flesh.outline is not None else max(0.75 * float(inside.max()), 1.0)
        total += _MU_FLESH * flesh.depth * flesh.density * chord(inside.astype(np.float32), max(radius, 1.0))
    total = cv2.GaussianBlur(total, (0, 0), 1.2)
    return cv2.resize(np.maximum(total, 0), (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR).astype(np.float32)


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


def _host(bone: Bone, seat: Spot, pose: Pose, signs: Signs, planes: tuple[Plane, Plane, Plane, Mask], patient: Patient, plan: FilmPlan) -> None:
    """Add the diseased bone, its mass and its implants to the film's layers, and its lesion to the mask."""
    cortex, spongy, attenuation, mask = planes
    silhouette = fill(pose.points(bone.outline), mask.shape)
    centre, along = pose.points(seat.centre[None])[0], pose.vector(seat.along)
    # One generator per view: the same view shows the same lesion on a later film.
    rng = patient.rng(3, ("frontal", "lateral", "oblique").index(plan.view) // 2)
    site = survey(silhouette, centre, along, signs, pose.spacing, rng)
    operated, done = plan.stage == STAGES[1], operation(patient)
    if operated and done == "exostosis removed":
        _plain(bone, pose, patient.age, cortex, spongy)
        return
    layers, lesion = grow(site, silhouette, bone, signs)
    metal = _metal(site, layers, done) if operated else np.float32(0)
    _plates(bone, pose, patient.age, layers.cortex, layers.spongy)
    cortex += layers.cortex
    spongy += layers.spongy
    attenuation += _MU_FLESH * layers.soft * (0 if operated else 1) + _MU_METAL * metal
    mask[:] = lesion


def _metal(site: Site, layers: Layers, done: str) -> Plane:
    return implant(site, layers, done)
