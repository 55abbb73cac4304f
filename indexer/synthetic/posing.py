"""A patient's own build, and how the patient lies on the film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from indexer.synthetic.anatomy import Bone
from indexer.synthetic.cohort import Patient
from indexer.synthetic.outlines import Points
from indexer.synthetic.placement import OVERVIEWS, Lesion, Spot
from indexer.synthetic.shading import Pose


def individual(seat: Spot, lesion: Lesion, patient: Patient) -> Spot:
    """Stouter or slimmer bones, a slight bend, thin bone in old age, and the bow of dysplastic bone."""
    rng = patient.rng(2)
    stout, phase = rng.normal(0, 0.55), rng.uniform(0, 6.28)
    bend, stretch = rng.normal(0, 2.2), rng.normal(1, 0.03)
    bow = rng.uniform(0, 16) * lesion.signs.toward if lesion.signs.haze > 0 and lesion.region == "leg" else 0.0

    def warp(points: Points) -> Points:
        x, y = points[..., 0], points[..., 1]
        swerve = bend * np.sin(y / 110 + phase) + bow * np.exp(-(((y - seat.centre[1]) / 75) ** 2))
        return np.stack([x * stretch + swerve, y], axis=-1).astype(np.float32)

    old = float(np.clip((patient.age - 45) / 40, 0, 1)) * (1.2 if patient.sex == "F" else 0.8)

    def build(bone: Bone) -> Bone:
        outline = _thickened(warp(bone.outline), stout * min(bone.waist / 12, 1.0))
        thin = 1.0 - 0.3 * old
        return replace(
            bone, outline=outline, axis=warp(bone.axis), cortex=bone.cortex * thin, spongy=bone.spongy * thin
        )

    flesh = tuple(f if f.outline is None else replace(f, outline=warp(f.outline)) for f in seat.scene.flesh)
    scene = replace(seat.scene, bones=tuple(build(b) for b in seat.scene.bones), flesh=flesh)
    return replace(seat, scene=scene, centre=warp(seat.centre), joint=warp(seat.joint))


def _thickened(outline: Points, by: float) -> Points:
    """The closed outline moved outwards by `by` mm."""
    after = np.roll(outline, -1, axis=0)
    step = after - np.roll(outline, 1, axis=0)
    normal = np.stack([step[:, 1], -step[:, 0]], axis=1) / np.maximum(np.hypot(*step.T), 1e-6)[:, None]
    area = float(np.sum(outline[:, 0] * after[:, 1] - outline[:, 1] * after[:, 0]))
    return np.asarray(outline + normal * np.sign(area) * by, dtype=np.float32)


def pose(seat: Spot, view: str, side: str, rng: np.random.Generator) -> tuple[tuple[int, int], Pose]:
    """Film size (rows, columns) in pixels and the way from mm to pixels; right sides are mirrored."""
    overview = OVERVIEWS.get(seat.region)
    whole = overview is not None and rng.random() < 0.7
    shaft = float(np.hypot(*(seat.joint - seat.centre))) > 130
    height = seat.scene.height * rng.uniform(0.85, 1.2)
    if shaft and seat.region.startswith("leg"):
        height *= 1.25
    elif overview is not None and not whole:
        height *= 0.72
    aspect = seat.scene.aspect * rng.uniform(0.88, 1.15)
    rows, columns = _film_size(aspect, rng)
    middle = seat.centre + (seat.joint - seat.centre) * (0.15 if shaft else 0.55)
    if whole and overview is not None:
        middle = np.array(overview, dtype=np.float32)
    middle = middle + rng.normal(0, 0.025 * height, 2)
    reach = np.array([0.3 * height * aspect, 0.31 * height])
    middle = np.clip(middle, seat.centre - reach, seat.centre + reach)  # the lesion stays on the film
    spacing = height / rows
    matrix = _turned(side, view, rng) / spacing
    shift = np.array([columns / 2, rows / 2]) - matrix @ middle
    return (rows, columns), Pose(matrix.astype(np.float32), shift.astype(np.float32), spacing)


def _film_size(aspect: float, rng: np.random.Generator) -> tuple[int, int]:
    if aspect <= 1:
        rows = int(rng.integers(560, 760))
        return rows, max(int(rows * aspect), 360)
    columns = int(rng.integers(600, 768))
    return int(columns / aspect), columns


def _turned(side: str, view: str, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Rotation, mirror and the foreshortening of an oblique view; float64 (2, 2). One film in seven is well askew."""
    turn = rng.normal(0, 4.0)
    if rng.random() < 0.15:
        turn += rng.choice([-1, 1]) * rng.uniform(8, 22)
    narrow = rng.uniform(0.78, 0.88) if view == "oblique" else 1.0
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    return np.array([[cos, -sin], [sin, cos]]) @ np.diag([-narrow if side == "R" else narrow, 1.0])
