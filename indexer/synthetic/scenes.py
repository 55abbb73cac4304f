"""The scenes: which bones and how much flesh a film of a region shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from indexer.synthetic import outlines as shape
from indexer.synthetic.anatomy import Bone, Flesh, Plates, Scene
from indexer.synthetic.outlines import Points, Table

_MUSCLE = 0.16  # how much denser than fat the inner part of a limb is


def _bone(
    name: str,
    table: Table,
    axis: Table | None = None,
    *,
    cortex: float,
    waist: float,
    depth: float = 1.0,
    spongy: float = 1.0,
    plates: Plates = (),
) -> Bone:
    """A bone from tables; without an axis, lesions sit at its middle."""
    outline = shape.curve(table)
    x, y = (float(v) for v in outline.mean(axis=0))
    line = np.array(axis or ((x, y - 1), (x, y + 1)), dtype=np.float32)
    return Bone(name, outline, line, cortex, waist, depth, spongy, plates)


def _round(
    name: str,
    x: float,
    y: float,
    half_x: float,
    half_y: float,
    turn: float = 0.0,
    *,
    cortex: float,
    waist: float,
    depth: float = 1.0,
) -> Bone:
    """A bone drawn as an ellipse about (x, y)."""
    axis = np.array([[x, y - 0.6 * half_y], [x, y + 0.6 * half_y]], dtype=np.float32)
    return Bone(name, shape.ellipse(x, y, half_x, half_y, turn), axis, cortex, waist, depth)


def _limb(table: tuple[tuple[float, float, float], ...], depth: float, margin: float = 7.0) -> tuple[Flesh, Flesh]:
    """Skin with its fat, and the muscle inside it, from (y, left x, right x) rows."""
    rows = np.asarray(table, dtype=np.float32)
    skin = np.concatenate([rows[:, [1, 0]], rows[::-1][:, [2, 0]]])
    inner = np.concatenate([rows[:, [1, 0]] + (margin, 0), rows[::-1][:, [2, 0]] - (margin, 0)])
    return Flesh(skin.astype(np.float32), depth), Flesh(inner.astype(np.float32), depth, density=_MUSCLE)


def _moved(bone: Bone, by: tuple[float, float]) -> Bone:
    shift = np.array(by, dtype=np.float32)
    plates = tuple((x0 + by[0], y0 + by[1], x1 + by[0], y1 + by[1]) for x0, y0, x1, y1 in bone.plates)
    return replace(bone, outline=bone.outline + shift, axis=bone.axis + shift, plates=plates)


def _mirrored(bone: Bone, about: float) -> Bone:
    """The bone of the other side, called `other ...`."""

    def flip(points: Points) -> Points:
        return np.stack([2 * about - points[:, 0], points[:, 1]], axis=1).astype(np.float32)

    plates = tuple((2 * about - x0, y0, 2 * about - x1, y1) for x0, y0, x1, y1 in bone.plates)
    return replace(bone, name=f"other {bone.name}", outline=flip(bone.outline), axis=flip(bone.axis), plates=plates)


def _hip_bones() -> tuple[Bone, ...]:
    """Left ilium, pubis and ischium about the hip joint at the origin."""
    wing = ((12, -50), (20, -80), (-5, -105), (-25, -120))
    return (
        _bone("ilium", shape.ILIUM, wing, cortex=2.6, waist=30.0, depth=0.42),
        _bone("pubis", shape.PUBIS, ((-42, 10), (-80, 42)), cortex=1.8, waist=10.0, depth=0.9),
        _bone("ischium", shape.ISCHIUM, ((-24, 25), (-26, 64)), cortex=1.8, waist=11.0, depth=1.0),
    )


def _femur() -> Bone:
    plates = ((-43.0, -27.0, 42.0, -27.0), (-16.0, -395.0, 8.0, -440.0))
    return _bone("femur", shape.FEMUR_FRONTAL, shape.FEMUR_FRONTAL_AXIS, cortex=5.0, waist=14.5, plates=plates)


_HIP = (-15.0, -425.0)  # the hip joint, seen from the knee


def leg() -> Scene:
    """Left half of the pelvis to the heel, from the front."""
    fibula, tibia = ((31, 34, 48, 36), (24, 354, 39, 354)), ((-42, 20, 42, 22), (-27, 344, 25, 346))
    bones = (
        *(_moved(b, _HIP) for b in _hip_bones()),
        _bone("fibula", shape.FIBULA_FRONTAL, shape.FIBULA_FRONTAL_AXIS, cortex=2.6, waist=5.0, plates=fibula),
        _femur(),
        _bone("tibia", shape.TIBIA_FRONTAL, shape.TIBIA_FRONTAL_AXIS, cortex=4.8, waist=13.5, plates=tibia),
        _round("patella", 0, -38, 21, 22, cortex=1.2, waist=16.0, depth=0.35),
        _bone("calcaneus", shape.CALCANEUS_FRONTAL, cortex=1.0, waist=18.0, spongy=0.7),
        _bone("talus", shape.TALUS_FRONTAL, cortex=1.2, waist=18.0),
    )
    return Scene(bones, _limb(shape.LEG_SKIN_FRONTAL, 0.95), 290.0, 0.72)


def leg_lateral() -> Scene:
    """Femur to heel from the side; anterior is at -x."""
    fibula, tibia = ((22, 34, 34, 36), (-4, 354, 12, 354)), ((-27, 22, 30, 22), (-18, 346, 18, 346))
    femur = ((-31, -36, 38, -30),)
    bones = (
        _bone("fibula", shape.FIBULA_LATERAL, shape.FIBULA_LATERAL_AXIS, cortex=2.4, waist=4.6, plates=fibula),
        _bone("femur", shape.FEMUR_LATERAL, shape.FEMUR_LATERAL_AXIS, cortex=5.0, waist=15.0, plates=femur),
        _bone("tibia", shape.TIBIA_LATERAL, shape.TIBIA_LATERAL_AXIS, cortex=4.8, waist=13.0, plates=tibia),
        _round("patella", -46, -40, 10, 21, -8, cortex=1.6, waist=9.0, depth=2.0),
        _bone("talus", shape.TALUS_LATERAL, cortex=1.2, waist=14.0),
        _bone("calcaneus", shape.CALCANEUS_LATERAL, cortex=1.2, waist=18.0, spongy=0.8),
    )
    return Scene(bones, _limb(shape.LEG_SKIN_LATERAL, 0.85), 290.0, 0.75)


def pelvis() -> Scene:
    """Whole pelvis from the front with both femora; the origin is the left hip joint, the midline x = -90."""
    half = (*_hip_bones(), _moved(_femur(), (-_HIP[0], -_HIP[1])))
    sacrum = _bone("sacrum", shape.SACRUM, ((-90, -105), (-90, -50)), cortex=1.5, waist=30.0, depth=0.5)
    lumbar = [part for k in range(3) for part in _vertebra(-90.0, -150.0 - 36.0 * k, f"lumbar {5 - k}")]
    skin = shape.curve(shape.PELVIS_SKIN)
    flesh = (Flesh(skin, 0.55), Flesh(skin * np.float32(0.96), 0.55, density=_MUSCLE))
    return Scene((*lumbar, sacrum, *(_mirrored(b, -90) for b in half), *half), flesh, 330.0, 1.16)


def _vertebra(x: float, y: float, name: str) -> tuple[Bone, ...]:
    """Body, pedicles, transverse and spinous processes of a lumbar vertebra about (x, y)."""
    body = ((-24, -15), (0, -13), (24, -15), (21, 0), (24, 15), (0, 13), (-24, 15), (-21, 0))
    wing = ((20, -7), (36, -10), (44, -6), (36, -1), (20, 3))
    axis = ((x - 12, y), (x + 12, y))
    parts = [_bone(name, tuple((x + u, y + v) for u, v in body), axis, cortex=1.3, waist=14.0, depth=0.9)]
    for s in (-1, 1):
        parts.append(_round(f"{name} pedicle", x + 15 * s, y - 4, 5, 6.5, cortex=2.0, waist=5.0, depth=1.4))
        parts.append(_bone(f"{name} wing", tuple((x + s * u, y + v) for u, v in wing), cortex=1.2, waist=6.0))
    return (*parts, _round(f"{name} process", x, y + 9, 3.5, 11, cortex=2.0, waist=5.0, depth=1.5))


def spine() -> Scene:
    """Lumbar spine from the front; the third lumbar vertebra is at the origin."""
    bones = tuple(p for k in range(-2, 3) for p in _vertebra(0.0, 37.0 * k, "vertebra" if k == 0 else f"lumbar {k}"))
    skin = np.array([[-160, -300], [-140, 300], [140, 300], [160, -300]], dtype=np.float32)
    psoas = ((24, -60), (34, 0), (58, 80), (80, 190), (40, 190), (20, 60))
    muscles = [Flesh(shape.curve(tuple((s * u, v) for u, v in psoas)), 1.0, density=0.25) for s in (-1, 1)]
    return Scene(bones, (Flesh(skin, 0.6), *muscles), 215.0, 0.72)


def shoulder() -> Scene:
    """Left shoulder from the front: humerus, scapula, clavicle, ribs and lung; the origin is the humeral head."""
    bones = (
        *(_rib(k) for k in range(8)),
        _bone("scapula", shape.SCAPULA, ((-42, 5), (-62, 30), (-78, 85)), cortex=1.7, waist=26.0, depth=0.3),
        _bone("acromion", shape.ACROMION, cortex=1.5, waist=8.0, depth=0.9),
        _bone("coracoid", shape.CORACOID, cortex=1.5, waist=9.0),
        _bone("clavicle", shape.CLAVICLE, shape.CLAVICLE_AXIS, cortex=2.0, waist=6.0),
        _bone("humerus", shape.HUMERUS, shape.HUMERUS_AXIS, cortex=3.8, waist=12.0, plates=((-20, 16, 25, 14),)),
    )
    arm, lung = shape.curve(shape.ARM_SKIN), shape.curve(shape.LUNG)
    muscle = Flesh(arm * np.float32(0.93), 0.7, density=0.14)
    return Scene(bones, (Flesh(arm, 0.7), muscle, Flesh(lung, 0.8, density=-0.62)), 250.0, 0.95)


def _rib(k: int) -> Bone:
    y = -62.0 + 25.0 * k
    line = ((-320, y - 30), (-190, y - 18), (-130, y - 8), (-88 + 3 * k, y + 14), (-70 + 3 * k, y + 44))
    edge = (*((x, v - 4) for x, v in line), *((x - 2, v + 4) for x, v in reversed(line)))
    return _bone(f"rib {k}", edge, cortex=1.3, waist=4.0, depth=0.8)


def _digits(rays: tuple[shape.Ray, ...], names: tuple[str, str]) -> list[Bone]:
    """Metacarpals or metatarsals and their phalanges, `metacarpal 1` and `phalanx 1.1` onwards."""
    bones = []
    for r, (base, turn, lengths, half) in enumerate(rays, start=1):
        start, angle = np.asarray(base, dtype=np.float32), np.deg2rad(turn)
        way = np.array([np.sin(angle), -np.cos(angle)], dtype=np.float32)
        slimming = (1.0, 0.95, 0.8, 0.55) if len(lengths) == 4 else (1.0, 0.8, 0.55)
        for k, length in enumerate(lengths):
            waist, last = half * slimming[k], k == len(lengths) - 1
            end = (start + way * length).astype(np.float32)
            outline = shape.tube(start, end, waist, waist * (1.75 if k else 1.6), waist * (1.1 if last else 1.35))
            name = f"{names[1]} {r}.{k}" if k else f"{names[0]} {r}"
            bones.append(Bone(name, outline, np.stack([start, end]), cortex=waist * 0.36, waist=waist))
            start = (end + way * 2.0).astype(np.float32)
    return bones


def hand() -> Scene:
    """Hand, wrist and forearm from behind: radial is +x; the origin is the wrist."""
    bones = (
        _bone("ulna", shape.ULNA, shape.ULNA_AXIS, cortex=2.8, waist=6.5, plates=((-20, 15, -4, 15),)),
        _bone("radius", shape.RADIUS, shape.RADIUS_AXIS, cortex=2.8, waist=7.5, plates=((-3, 15, 26, 13),)),
        *(_round(*carpal, cortex=0.9, waist=6.0) for carpal in shape.CARPALS),
        *_digits(shape.HAND_RAYS, ("metacarpal", "phalanx")),
    )
    palm = Flesh(shape.curve(shape.PALM_SKIN), 0.5, density=0.6, soft=True)
    return Scene(bones, (Flesh(None, 0.8, margin=6.5), palm), 235.0, 0.76)


def foot() -> Scene:
    """Forefoot and midfoot from above: the hallux is at -x."""
    bones = (
        *(_round(*tarsal, cortex=1.1, waist=9.0) for tarsal in shape.TARSALS),
        *_digits(shape.FOOT_RAYS, ("metatarsal", "toe phalanx")),
    )
    sole = Flesh(shape.curve(shape.SOLE_SKIN), 0.6, density=0.8, soft=True)
    return Scene(bones, (Flesh(None, 0.8, margin=6.0), sole), 250.0, 0.66)


SCENES: dict[str, Callable[[], Scene]] = {
    "leg": leg,
    "leg lateral": leg_lateral,
    "pelvis": pelvis,
    "spine": spine,
    "shoulder": shoulder,
    "hand": hand,
    "foot": foot,
}
