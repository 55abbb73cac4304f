"""Bones, flesh and the scenes they form, in millimetres of an adult left side."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.synthetic.outlines import Points

Plates = tuple[tuple[float, float, float, float], ...]


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
    plates: Plates = ()


@dataclass(frozen=True, slots=True)
class Flesh:
    """Soft tissue: an outline (n, 2) in mm, or None for a margin of `margin` mm about all bones.

    `depth` is its depth over its width, `density` relative to fat, `soft` whether it fades out at its border.
    """

    outline: Points | None
    depth: float
    margin: float = 0.0
    density: float = 1.0
    soft: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything before pose and pixels; a usual film shows `height` mm of it and is `aspect` times as wide as high."""

    bones: tuple[Bone, ...]
    flesh: tuple[Flesh, ...]
    height: float
    aspect: float

    def bone(self, name: str) -> Bone:
        """The bone called `name`; KeyError where the scene has none."""
        return {b.name: b for b in self.bones}[name]
