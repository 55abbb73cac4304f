"""Scenes: which bones and how much flesh a film of a site shows, in millimetres of an adult left side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from indexer.synthetic import outlines as shape
from indexer.synthetic.outlines import Points, Table


@dataclass(frozen=True, slots=True)
class Bone:
    """One bone. `outline` (n, 2) and `axis` (m, 2) float32 mm; `cortex` mm and `waist` (half-width, mm) at the shaft.

    `depth` is the bone's depth over its width, `spongy` the relative amount of trabecular bone, `plates` the growth
    plates as (x0, y0, x1, y1) in mm, drawn in children only.
    """

    name: str
    outline: Points
    axis: Points
    cortex: float = 4.0
    waist: float = 13.0
    depth: float = 1.0
    spongy: float = 1.0
    plates: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Flesh:
    """Soft tissue: an outline (n, 2) in mm, or None for a margin of `margin` mm about all bones. `depth` in mm."""

    outline: Points | None
    depth: float
    margin: float = 0.0
    density: float = 1.0


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything before pose and pixels. `joint` (2,) mm is the joint that should be on the film, None for none."""

    bones: tuple[Bone, ...]
    flesh: tuple[Flesh, ...]
    height: float
    aspect: float
    views: tuple[str, ...] = ("frontal", "oblique")

    def bone(self, name: str) -> Bone:
        """The bone called `name`; KeyError where the scene has none."""
        return {b.name: b for b in self.bones}[name]


def _bone(name: str, table: Table, axis: Table | None = None, **traits: float | tuple[tuple[float, float, float, float], ...]) -> Bone:
    outline = shape.curve(table)
    centre = outline.mean(axis=0)
    line = np.asarray(axis, dtype=np.float32) if axis else np.stack([centre - (0, 1), centre + (0, 1)]).astype(np.float32)
    return replace(Bone(name, outline, line), **traits)  # type: ignore[arg-type]


def _limb(table: Table, depth: float, margin: float = 7.0) -> tuple[Flesh, Flesh]:
    """Skin with its fat, and the muscle inside it, from (y, left x, right x) rows."""
    rows = np.asarray(table, dtype=np.float32)
    skin = np.concatenate([rows[:, [1, 0]], rows[::-1][:, [2, 0]]])
    inner = np.concatenate([rows[:, [1, 0]] + (margin, 0), rows[::-1][:, [2, 0]] - (margin, 0)])
    return Flesh(skin.astype(np.float32), depth), Flesh(inner.astype(np.float32), depth, density=0.16)


_LEG_FRONTAL = ((-900, -130, 130), (-420, -85, 98), (-300, -66, 90), (-180, -60, 74), (-80, -58, 62), (0, -55, 56), (50, -52, 58), (120, -54, 66), (200, -44, 58), (300, -36, 46), (350, -36, 44), (390, -40, 50), (430, -42, 60), (470, -36, 60), (490, -20, 40))
_LEG_LATERAL = ((-900, -120, 130), (-420, -85, 95), (-300, -76, 78), (-180, -72, 66), (-80, -70, 58), (-30, -70, 58), (30, -52, 60), (120, -32, 74), (200, -28, 66), (300, -27, 42), (350, -30, 40), (390, -70, 62), (430, -110, 76), (455, -110, 76))


def leg() -> Scene:
    """Femur to talus from the front; the left hip's pelvis is in `pelvis`."""
    bones = (
        _bone("fibula", shape.FIBULA_FRONTAL, shape.FIBULA_FRONTAL_AXIS, cortex=2.6, waist=5.0, plates=((31, 34, 48, 36), (24, 354, 39, 354))),
        _bone("femur", shape.FEMUR_FRONTAL, shape.FEMUR_FRONTAL_AXIS, cortex=5.0, waist=14.5, plates=((-43, -27, 42, -27), (-16, -395, 8, -440))),
        _bone("tibia", shape.TIBIA_FRONTAL, shape.TIBIA_FRONTAL_AXIS, cortex=4.8, waist=13.5, plates=((-42, 20, 42, 22), (-27, 344, 25, 346))),
        replace(_bone("patella", ((0, 0),) * 3), outline=shape.ellipse(0, -38, 21, 22), axis=np.array([[0, -54], [0, -22]], dtype=np.float32), depth=0.35, cortex=1.2, waist=16),
        _bone("talus", shape.TALUS_FRONTAL, cortex=1.2, waist=18.0),
        _bone("calcaneus", shape.CALCANEUS_FRONTAL, cortex=1.0, waist=18.0, spongy=0.7),
    )  # fmt: skip
    return Scene(bones, _limb(_LEG_FRONTAL, 0.95), 290.0, 0.72, ("frontal", "lateral", "oblique"))


def leg_lateral() -> Scene:
    """Femur to calcaneus from the side; anterior is at -x."""
    bones = (
        _bone("fibula", shape.FIBULA_LATERAL, shape.FIBULA_LATERAL_AXIS, cortex=2.4, waist=4.6, plates=((22, 34, 34, 36), (-4, 354, 12, 354))),
        _bone("femur", shape.FEMUR_LATERAL, shape.FEMUR_LATERAL_AXIS, cortex=5.0, waist=15.0, plates=((-31, -36, 38, -30),)),
        _bone("tibia", shape.TIBIA_LATERAL, shape.TIBIA_LATERAL_AXIS, cortex=4.8, waist=13.0, plates=((-27, 22, 30, 22), (-18, 346, 18, 346))),
        replace(_bone("patella", ((0, 0),) * 3), outline=shape.ellipse(-46, -40, 10, 21, -8), axis=np.array([[-46, -56], [-46, -24]], dtype=np.float32), depth=2.0, cortex=1.6, waist=9),
        _bone("talus", shape.TALUS_LATERAL, cortex=1.2, waist=14.0),
        _bone("calcaneus", shape.CALCANEUS_LATERAL, cortex=1.2, waist=18.0, spongy=0.8),
    )  # fmt: skip
    return Scene(bones, _limb(_LEG_LATERAL, 0.85), 290.0, 0.75)


def _mirrored(points: Points, about: float) -> Points:
    return (np.array([2 * about, 0], dtype=np.float32) + points * np.array([-1, 1], dtype=np.float32)).astype(np.float32)


def pelvis() -> Scene:
    """Whole pelvis from the front with both proximal femora; the origin is the left hip joint, the midline x = -90."""
    shift = np.array([15, 425], dtype=np.float32)
    femur = _bone("femur", shape.FEMUR_FRONTAL, shape.FEMUR_FRONTAL_AXIS, cortex=5.0, waist=14.5, plates=((-16, -395, 8, -440),))
    femur = replace(femur, outline=femur.outline + shift, axis=femur.axis + shift, plates=((-1, 30, 23, -15),))
    half = (
        _bone("ilium", shape.ILIUM, ((12, -50), (20, -80), (-5, -105), (-25, -120)), cortex=1.8, waist=30.0, depth=0.42),
        _bone("pubis", shape.PUBIS, ((-42, 10), (-80, 42)), cortex=1.8, waist=10.0, depth=0.9),
        _bone("ischium", shape.ISCHIUM, ((-24, 25), (-26, 64)), cortex=1.8, waist=11.0, depth=1.0),
        femur,
    )
    other = tuple(replace(b, name=f"other {b.name}", outline=_mirrored(b.outline, -90), axis=_mirrored(b.axis, -90)) for b in half)
    sacrum = _bone("sacrum", shape.SACRUM, ((-90, -105), (-90, -50)), cortex=1.5, waist=30.0, depth=0.5)
    lumbar = tuple(_vertebra(-90.0, -150.0 - 36.0 * k, f"lumbar {5 - k}") for k in range(3))
    skin = shape.curve(((-300, -330), (-275, -200), (-285, -60), (-275, 130), (-250, 330), (70, 330), (95, 130), (105, -60), (95, -200), (120, -330)))
    return Scene((*(p for v in lumbar for p in v), sacrum, *other, *half), (Flesh(skin, 0.55), Flesh(skin * np.float32(0.96), 0.55, density=0.16)), 330.0, 1.16)


def _vertebra(x: float, y: float, name: str) -> tuple[Bone, ...]:
    body = shape.curve(((x - 24, y - 15), (x, y - 13), (x + 24, y - 15), (x + 21, y), (x + 24, y + 15), (x, y + 13), (x - 24, y + 15), (x - 21, y)))
    axis = np.array([[x - 12, y], [x + 12, y]], dtype=np.float32)
    process = shape.ellipse(x, y + 9, 3.5, 11)
    pedicles = [replace(Bone(f"{name} pedicle", shape.ellipse(x + s * 15, y - 4, 5, 6.5), axis), cortex=2.0, waist=5.0, depth=1.4) for s in (-1, 1)]
    wings = [Bone(f"{name} wing", shape.curve(((x + s * 20, y - 7), (x + s * 36, y - 10), (x + s * 44, y - 6), (x + s * 36, y - 1), (x + s * 20, y + 3))), axis, cortex=1.2, waist=6.0) for s in (-1, 1)]
    return (Bone(name, body, axis, cortex=1.3, waist=14.0, depth=0.9), *pedicles, *wings, Bone(f"{name} process", process, axis, cortex=2.0, waist=5.0, depth=1.5))


def spine() -> Scene:
    """Lumbar spine from the front; the third lumbar vertebra is at the origin."""
    bones = tuple(p for k in range(-2, 3) for p in _vertebra(0.0, 37.0 * k, "vertebra" if k == 0 else f"lumbar {k}"))
    skin = np.array([[-160, -300], [-140, 300], [140, 300], [160, -300]], dtype=np.float32)
    psoas = [shape.curve(((s * 24, -60), (s * 34, 0), (s * 58, 80), (s * 80, 190), (s * 40, 190), (s * 20, 60))) for s in (-1, 1)]
    return Scene(bones, (Flesh(skin, 0.6), *(Flesh(p, 1.0, density=0.25) for p in psoas)), 215.0, 0.72)


def shoulder() -> Scene:
    """Left shoulder from the front: humerus, scapula, clavicle, ribs and lung; the origin is the humeral head."""
    ribs = []
    for k in range(8):
        y = -62.0 + 25.0 * k
        line = ((-190, y - 16), (-130, y - 8), (-88 + 3 * k, y + 14), (-70 + 3 * k, y + 44))
        tube = [*((x, v - 4) for x, v in line), *((x - 2, v + 4) for x, v in reversed(line))]
        ribs.append(_bone(f"rib {k}", tuple(tube), cortex=1.3, waist=4.0, depth=0.8))
    bones = (
        *ribs,
        _bone("scapula", shape.SCAPULA, ((-42, 5), (-62, 30), (-78, 85)), cortex=1.0, waist=26.0, depth=0.22),
        _bone("acromion", shape.ACROMION, cortex=1.5, waist=8.0, depth=0.9),
        _bone("coracoid", shape.CORACOID, cortex=1.5, waist=9.0),
        _bone("clavicle", shape.CLAVICLE, shape.CLAVICLE_AXIS, cortex=2.0, waist=6.0),
        _bone("humerus", shape.HUMERUS, shape.HUMERUS_AXIS, cortex=3.8, waist=12.0, plates=((-20, 16, 25, 14),)),
    )
    arm = shape.curve(((-230, -140), (-120, -128), (-60, -98), (0, -72), (40, -50), (60, 0), (58, 90), (48, 180), (42, 260), (46, 310), (42, 380), (-40, 380), (-42, 310), (-34, 250), (-34, 170), (-46, 120), (-60, 170), (-64, 300), (-64, 420), (-240, 420)))
    lung = shape.curve(((-230, -85), (-140, -78), (-104, -30), (-88, 60), (-76, 170), (-76, 330), (-230, 330)))
    return Scene(bones, (Flesh(arm, 0.7), Flesh(arm * np.float32(0.93), 0.7, density=0.14), Flesh(lung, 0.8, density=-0.62)), 250.0, 0.95)


def _digits(rays: tuple[tuple[tuple[float, float], float, tuple[float, ...], float], ...], names: tuple[str, str], spread: float) -> list[Bone]:
    bones = []
    for r, (base, turn, lengths, half) in enumerate(rays):
        start = np.asarray(base, dtype=np.float32)
        for k, length in enumerate(lengths):
            angle = np.deg2rad(turn * spread)
            way = np.array([np.sin(angle), -np.cos(angle)], dtype=np.float32)
            end = (start + way * length).astype(np.float32)
            last = k == len(lengths) - 1
            waist = half * (1.0, 0.95, 0.8, 0.55)[k if len(lengths) == 4 else min(2 * k, 3) if last else k]
            outline = shape.tube(start, end, waist, waist * (1.75 if k else 1.6), waist * (1.1 if last else 1.35))
            name = f"{names[0]} {r + 1}" if k == 0 else f"{names[1]} {r + 1}.{k}"
            bones.append(Bone(name, outline, np.stack([start, end]), cortex=waist * 0.36, waist=waist))
            start = (end + way * 2.0).astype(np.float32)
    return bones


def hand() -> Scene:
    """Hand, wrist and forearm from behind: radial is +x; the origin is the wrist."""
    bones = [
        _bone("ulna", shape.ULNA, shape.ULNA_AXIS, cortex=2.8, waist=6.5, plates=((-20, 15, -4, 15),)),
        _bone("radius", shape.RADIUS, shape.RADIUS_AXIS, cortex=2.8, waist=7.5, plates=((-3, 15, 26, 13),)),
    ]
    bones += [Bone(n, shape.ellipse(x, y, a, b, t), np.array([[x, y - b / 2], [x, y + b / 2]], dtype=np.float32), cortex=0.9, waist=6.0) for n, x, y, a, b, t in shape.CARPALS]
    bones += _digits(shape.HAND_RAYS, ("metacarpal", "phalanx"), 1.0)
    palm = shape.curve(((-26, -20), (-32, -60), (-30, -88), (0, -104), (28, -100), (44, -68), (40, -30), (30, 0), (33, 60), (40, 140), (44, 300), (-46, 300), (-36, 140), (-28, 50), (-25, 0)))
    return Scene(tuple(bones), (Flesh(None, 0.8, margin=6.5), Flesh(palm, 0.55, density=0.7)), 235.0, 0.76)


def foot() -> Scene:
    """Forefoot and midfoot from above: the hallux is at -x."""
    bones = [Bone(n, shape.ellipse(x, y, a, b, t), np.array([[x, y - b / 2], [x, y + b / 2]], dtype=np.float32), cortex=1.1, waist=9.0) for n, x, y, a, b, t in reversed(shape.TARSALS)]
    bones += _digits(shape.FOOT_RAYS, ("metatarsal", "toe phalanx"), 1.0)
    sole = shape.curve(((-36, -100), (-34, -40), (-28, 10), (-18, 60), (20, 66), (30, 20), (34, -30), (46, -90), (44, -118), (0, -132), (-30, -128)))
    return Scene(tuple(bones), (Flesh(None, 0.8, margin=6.0), Flesh(sole, 0.6, density=0.9)), 250.0, 0.66)


SCENES: dict[str, Callable[[], Scene]] = {
    "leg": leg, "leg lateral": leg_lateral, "pelvis": pelvis, "spine": spine, "shoulder": shoulder, "hand": hand, "foot": foot,
}  # fmt: skip
