"""Draws a lesion's signs into the ray lengths of its bone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from indexer.synthetic.anatomy import Bone
from indexer.synthetic.lesions import Signs
from indexer.synthetic.outlines import Points
from indexer.synthetic.shading import Mask, Plane, noise, shade

BoolPlane = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Site:
    """The neighbourhood of a lesion on one film; planes float32 (h, w), distances in adult mm.

    `a` runs along the bone away from the joint, `b` across it, both from the lesion's centre; `edge` is the depth
    inside the lesion (negative outside), `core` its soft weight 0..1, `half` the bone's half-width there, and
    `reach` the lesion's half-axes (along, across), `offset` how far the lesion lies from the bone's axis.
    """

    a: Plane
    b: Plane
    edge: Plane
    core: Plane
    half: float
    reach: tuple[float, float]
    offset: float
    spacing: float
    rng: np.random.Generator


@dataclass(slots=True)
class Layers:
    """Ray lengths in mm of the diseased bone, changed in place; `mask` is its silhouette, `soft` the mass about it."""

    mask: Mask
    cortex: Plane
    spongy: Plane
    soft: Plane


def survey(mask: Mask, centre: Points, along: Points, signs: Signs, spacing: float, rng: np.random.Generator) -> Site:
    """Lesion coordinates and shape over `mask` (h, w); `centre` and unit `along` in its pixels."""
    h, w = mask.shape
    half = _half_width(mask, centre, along, spacing)
    ra = 0.5 * signs.length
    rb = max(0.5 * signs.length * signs.aspect, 2.0)
    limit = half * (1.0 + signs.expand)
    if signs.stalk == 0 and rb > limit * (1.0 - 0.5 * signs.eccentric):
        rb = limit * (1.0 - 0.5 * signs.eccentric)
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    dx, dy = (x - centre[0]) * spacing, (y - centre[1]) * spacing
    offset = signs.toward * signs.eccentric * max(half * (1.0 + 0.6 * signs.expand) - 0.8 * rb, 0.0)
    a, b = dx * along[0] + dy * along[1], -dx * along[1] + dy * along[0] - offset
    edge = _blob(a, b, ra, rb, signs.lobes, rng)
    core = 1.0 / (1.0 + np.exp(np.clip(-edge / (0.5 * signs.edge * min(1.0, rb / 8)), -30, 30)))
    return Site(a, b, edge, core.astype(np.float32), half, (ra, rb), offset, spacing, rng)


def _half_width(mask: Mask, centre: Points, along: Points, spacing: float) -> float:
    """Half the bone's width in mm across `along` at `centre`, by walking to both edges."""
    steps = np.arange(0.0, 60.0, 0.5) / spacing
    widths = []
    for sign in (-1.0, 1.0):
        xs = np.clip(np.round(centre[0] - sign * along[1] * steps).astype(int), 0, mask.shape[1] - 1)
        ys = np.clip(np.round(centre[1] + sign * along[0] * steps).astype(int), 0, mask.shape[0] - 1)
        outside = np.flatnonzero(mask[ys, xs] == 0)
        widths.append((int(outside[0]) if len(outside) else len(steps)) * 0.5)
    return max(0.5 * (widths[0] + widths[1]), 2.0)


def _blob(a: Plane, b: Plane, ra: float, rb: float, lobes: float, rng: np.random.Generator) -> Plane:
    """Depth in mm inside a lobulated ellipse; negative outside."""
    angle = np.arctan2(b / rb, a / ra)
    radius = np.ones_like(angle)
    for k in range(2, 7):
        radius += lobes * rng.normal() / k**0.7 * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    rho = np.hypot(a / ra, b / rb) / np.maximum(radius, 0.4)
    return np.asarray((1.0 - rho) * min(ra, rb), dtype=np.float32)


def grow(site: Site, mask: Mask, bone: Bone, signs: Signs) -> tuple[Layers, Mask]:
    """The diseased bone's layers and the lesion's mask (uint8, 0 or 255) over the neighbourhood."""
    cortex_mm: Plane | None = None
    lesion = site.core > 0.5
    if signs.stalk > 0:
        mask, lesion, cortex_mm = _exostosis(site, mask, signs)
    elif signs.expand > 0:
        mask, cortex_mm = _expanded(site, mask, bone, signs)
    shell = shade(mask, (slice(0, mask.shape[0]), slice(0, mask.shape[1])), bone, site.spacing, cortex_mm)
    layers = Layers(mask, shell.cortex, shell.spongy, np.zeros_like(shell.cortex))
    inside = (shell.inside > 0).astype(np.float32)
    if signs.stalk == 0:
        _destroy(site, layers, signs)
        _line(site, layers, inside, signs)
        lesion &= mask > 0
    else:
        # Skin and fat are pushed out over the exostosis.
        layers.soft += 42 * np.clip((site.edge + 9) / 9, 0, 1)
    _mineralise(site, layers, lesion, signs)
    if signs.onion + signs.codman + signs.spicules + signs.mass > 0:
        lesion = _beyond(site, layers, lesion, signs)
    return layers, (lesion * np.uint8(255)).astype(np.uint8)


def _expanded(site: Site, mask: Mask, bone: Bone, signs: Signs) -> tuple[Mask, Plane]:
    """Bone swollen by the lesion, with its cortex thinned to an eggshell there."""
    swollen = ((mask > 0) | (site.edge > 0)).astype(np.float32)
    smooth = (cv2.GaussianBlur(swollen, (0, 0), max(1.5 / site.spacing, 0.8)) > 0.5).astype(np.uint8)
    thin = 0.35 + 0.4 * (1 - signs.breach)
    thickness = bone.cortex * (1 - site.core) + thin * min(1.0, bone.waist / 8) * site.core
    return smooth | mask, thickness.astype(np.float32)


def _exostosis(site: Site, mask: Mask, signs: Signs) -> tuple[Mask, BoolPlane, Plane]:
    """A bony outgrowth that leaves the joint behind it: sessile (stalk near 0) or on a stalk with a bulb (near 1)."""
    size = signs.length
    lean = 0.35 + 0.65 * signs.stalk
    way = np.array([lean, signs.toward * 0.9])
    way /= np.hypot(*way)
    root = np.array([0.0, signs.toward * 0.55 * site.half])
    tip_reach = 0.45 * site.half + size * (0.3 + 0.3 * signs.stalk)
    t = np.clip(((site.a - root[0]) * way[0] + (site.b - root[1]) * way[1]) / tip_reach, 0, 1)
    away = np.hypot(site.a - root[0] - t * tip_reach * way[0], site.b - root[1] - t * tip_reach * way[1])
    base, bulb = size * (0.34 - 0.16 * signs.stalk), size * (0.16 + 0.1 * signs.stalk)
    waist = size * (0.22 - 0.1 * signs.stalk)
    girth = np.interp(t, [0, 0.35, 0.6, 0.85, 1.0], [base, 0.5 * (base + waist), waist, bulb, 0.85 * bulb]).astype(
        np.float32
    )
    lumps = noise(mask.shape, 0.1 * size / site.spacing, 0.1 * size / site.spacing, site.rng)
    site.edge = (girth * (1 + 1.3 * signs.lobes * lumps * t) - away).astype(np.float32)
    site.core = np.asarray(1 / (1 + np.exp(np.clip(-site.edge, -30, 30))), dtype=np.float32)
    out = (site.edge > 0).astype(np.float32)
    joined = cv2.GaussianBlur(np.maximum(out, mask.astype(np.float32)), (0, 0), max(2.0 / site.spacing, 0.8)) > 0.5
    whole = (joined | (mask > 0)).astype(np.uint8)
    lesion = (whole > 0) & ((mask == 0) | (site.edge > 0.3 * float(girth.max())))
    return (
        whole,
        lesion & (site.edge > -6.0),
        np.where(site.edge > 0, np.float32(1.6), np.float32(99)).astype(np.float32),
    )


def _destroy(site: Site, layers: Layers, signs: Signs) -> None:
    """Lysis of marrow and cortex, ground glass, permeation and the breach of one cortex."""
    ra, rb = site.reach
    deep = np.sqrt(np.clip(1 - (site.a / ra) ** 2 * 0.6 - (site.b / rb) ** 2 * 0.6, 0.15, 1)).astype(np.float32)
    loss = site.core * deep * signs.lysis
    haze = signs.haze * site.core * layers.spongy.max() * 0.38 * deep
    layers.spongy[:] = layers.spongy * (1 - loss) * (1 - 0.5 * signs.haze * site.core) + haze
    layers.cortex *= 1 - np.clip(site.core * signs.erode * (0.35 + 0.65 * signs.lysis), 0, 0.93)
    if signs.holes > 0:
        fine = min(1.0, 0.35 + site.half / 30)
        grain = noise(site.a.shape, 0.7 * fine / site.spacing, 1.5 * fine / site.spacing, site.rng)
        gone = np.clip(0.7 * (grain - 0.1), 0, 1) * signs.holes * _widened(site, 1.25)
        layers.cortex *= 1 - 0.65 * gone
        layers.spongy *= 1 - 0.6 * gone
    if signs.breach > 0:
        side = 1 / (1 + np.exp(np.clip(-(site.b * signs.toward - 0.2 * rb) / (0.12 * rb), -30, 30)))
        ragged = np.clip(0.9 + 0.5 * noise(site.a.shape, 3 / site.spacing, 3 / site.spacing, site.rng), 0, 1)
        layers.cortex *= 1 - np.clip(signs.breach * side * _widened(site, 0.9) * ragged, 0, 0.95).astype(np.float32)


def _widened(site: Site, factor: float) -> Plane:
    """Soft weight of a band `factor` times as long as the lesion, over the bone's whole width."""
    square = np.square(site.a / np.float32(factor * site.reach[0]))
    return np.asarray(np.exp(-square * square), dtype=np.float32)


def _line(site: Site, layers: Layers, inside: Plane, signs: Signs) -> None:
    """Sclerotic rim and septa."""
    unit = min(1.0, site.half / 12)
    if signs.rim > 0:
        wide = 0.7 + 0.9 * signs.rim
        layers.cortex += (9.0 * unit * signs.rim * np.exp(-(((site.edge - 0.2) / wide) ** 2)) * inside).astype(
            np.float32
        )
    if signs.septa > 0:
        field = noise(site.a.shape, 0.17 * site.reach[1] / site.spacing, 0.2 * site.reach[1] / site.spacing, site.rng)
        walls = np.exp(-((field / 0.13) ** 2)) * site.core
        layers.cortex += (4.5 * unit * signs.septa * walls * inside).astype(np.float32)


def _mineralise(site: Site, layers: Layers, lesion: BoolPlane, signs: Signs) -> None:
    """Matrix: rings and arcs of cartilage, specks, and the cloud of tumour bone."""
    unit = min(1.0, 0.25 + site.half / 20)
    if signs.rings + signs.specks > 0:
        layers.cortex += 15.0 * unit * _rings(site, lesion, signs)
    if signs.cloud > 0:
        coarse = noise(site.a.shape, 5 / site.spacing, 5 / site.spacing, site.rng)
        fine = noise(site.a.shape, 1.6 / site.spacing, 1.6 / site.spacing, site.rng)
        fluff = np.clip(0.25 + 0.6 * coarse + 0.3 * fine, 0, 1.8)
        layers.cortex += (9.0 * unit * signs.cloud * fluff * site.core * (layers.mask > 0)).astype(np.float32)


def _rings(site: Site, lesion: BoolPlane, signs: Signs) -> Plane:
    """Little rings, arcs and specks within the lesion, 0..1, float32 (h, w)."""
    canvas = np.zeros(lesion.shape, dtype=np.uint8)
    deep = site.edge > 0.18 * min(site.reach) if signs.stalk == 0 else (site.edge > 0) & lesion & (site.a > 0)
    rows, columns = np.nonzero(deep)
    if len(rows) == 0:
        return canvas.astype(np.float32)
    area = len(rows) * site.spacing**2
    size = float(np.clip(min(site.reach) / 9, 0.5, 1.3))
    count = int(np.clip(area / (22 * size**2) * signs.rings, 3 * (signs.rings > 0), 160))
    nests = site.rng.integers(0, len(rows), max(count // 7, 2))
    for k in range(count):
        n = int(nests[k % len(nests)])
        x, y = (
            columns[n] + site.rng.normal(0, 3.6 * size / site.spacing),
            rows[n] + site.rng.normal(0, 3.6 * size / site.spacing),
        )
        radius = max(site.rng.uniform(0.7, 1.9) * size / site.spacing, 1.0)
        turn, span = site.rng.uniform(0, 360), site.rng.uniform(150, 360)
        cv2.ellipse(
            canvas,
            (int(x * 8), int(y * 8)),
            (int(radius * 8), int(radius * site.rng.uniform(5, 8))),
            turn,
            0,
            span,
            int(site.rng.integers(110, 255)),
            1,
            cv2.LINE_AA,
            3,
        )
    for n in site.rng.integers(0, len(rows), int(14 * signs.specks)):
        cv2.circle(
            canvas,
            (int(columns[n]), int(rows[n])),
            max(int(0.5 / site.spacing), 1),
            int(site.rng.integers(90, 230)),
            -1,
            cv2.LINE_AA,
        )
    strength = max(0.45 + 0.55 * signs.rings, 0.7 * signs.specks)
    soft = cv2.GaussianBlur(canvas.astype(np.float32) / 255, (0, 0), 0.6) * strength
    return np.asarray(soft * (site.core if signs.stalk == 0 else lesion), dtype=np.float32)


def _beyond(site: Site, layers: Layers, lesion: BoolPlane, signs: Signs) -> BoolPlane:
    """Periosteal reactions and the soft-tissue mass outside the cortex; returns the lesion with its mass."""
    out = cv2.distanceTransform((layers.mask == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(
        np.float32
    ) * np.float32(site.spacing)
    unit = min(1.0, 0.4 + site.half / 24)
    ra = site.reach[0]
    side = (0.35 + 0.65 / (1 + np.exp(np.clip(-site.b * signs.toward / 3, -30, 30)))).astype(np.float32)
    beyond = out > 0
    if signs.onion > 0:
        for k in range(1, 2 + round(2.4 * signs.onion)):
            taper = _widened(site, 1.12 - 0.14 * k)
            layers.cortex += (
                12.0 * unit * signs.onion * side * taper * beyond * np.exp(-(((out - 2.3 * unit * k) / 0.6) ** 2))
            ).astype(np.float32)
    if signs.codman > 0:
        height = 6.5 * unit * np.clip((1.35 - np.abs(site.a) / ra) / 0.5, 0, 1) * (np.abs(site.a) > 0.8 * ra)
        flap = np.exp(-(((out - height) / 0.6) ** 2)) + 0.3 * (out < height)
        layers.cortex += (6.5 * unit * signs.codman * side * flap * beyond * (height > 0.4)).astype(np.float32)
    if signs.spicules > 0:
        layers.cortex += unit * _sunburst(site, out, side, signs)
    if signs.mass > 0:
        wide = site.half + 10 * unit * (0.5 + signs.mass)
        lumps = 1 + 0.07 * noise(site.a.shape, 9 * unit / site.spacing, 9 * unit / site.spacing, site.rng)
        rho = lumps * np.hypot(site.a / (0.85 * ra), (site.b - signs.toward * 0.5 * site.half) / wide)
        bulge = np.asarray(np.clip(1 - rho**2, 0, 1), dtype=np.float32)
        layers.soft += 22 * unit * signs.mass * cv2.GaussianBlur(np.sqrt(bulge), (0, 0), 1.5 / site.spacing)
        lesion = lesion | ((bulge > 0.2) & (side > 0.4) & (signs.mass > 0.25))
    return lesion


def _sunburst(site: Site, out: Plane, side: Plane, signs: Signs) -> Plane:
    """Spicules of new bone that fan out from the lesion, in mm of bone."""
    comb = cv2.GaussianBlur(site.rng.standard_normal((1, 1024)).astype(np.float32), (0, 0), 1.6)[0]
    comb /= max(float(comb.std()), 1e-6)
    angle = np.arctan2(site.b, 0.55 * site.a)
    rays = np.clip(comb[((angle + np.pi) / (2 * np.pi) * 1023).astype(np.int32)] - 0.1, 0, 2)
    length = (5 + 13 * signs.spicules) * min(1.0, 0.4 + site.half / 24)
    fade = np.clip(1 - out / length, 0, 1) * (out > 0) * _widened(site, 0.8)
    return np.asarray(7.0 * signs.spicules * rays * fade * side, dtype=np.float32)
