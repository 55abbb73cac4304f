"""What a surgeon leaves behind: cement, graft, plate and screws, or a tumour prosthesis."""

from __future__ import annotations

import numpy as np

from indexer.synthetic.cohort import Patient
from indexer.synthetic.growth import Layers, Site
from indexer.synthetic.shading import Plane, noise

RESECTED = frozenset({"osteosarcoma", "Ewing sarcoma", "chondrosarcoma"})
LONG_BONES = frozenset({"femur", "tibia", "humerus"})


def operation(patient: Patient) -> str:
    """exostosis removed | prosthesis | resection | cement | graft: what was done to the lesion."""
    if patient.entity == "osteochondroma":
        return "exostosis removed"
    if patient.entity in RESECTED:
        return "prosthesis" if patient.site in LONG_BONES else "resection"
    return "cement" if patient.entity == "giant cell tumour" else "graft"


def implant(site: Site, layers: Layers, done: str, plated: bool) -> Plane:
    """Changes the bone's layers to after the operation and returns the metal's ray length in mm, float32 (h, w).

    `plated`: whether the bone is one that a plate may bridge.
    """
    bone = (layers.mask > 0).astype(np.float32)
    metal = np.zeros_like(bone)
    if done == "cement":
        layers.cortex += 30 * np.clip(site.edge + 0.5, 0, 1) * bone * (1 + 0.04 * noise(bone.shape, 2, 2, site.rng))
        if plated:
            metal += _plate(site, bone)
    elif done == "graft":
        chips = np.clip(0.9 + 0.6 * noise(bone.shape, 1.6 / site.spacing, 1.6 / site.spacing, site.rng), 0.1, 2)
        layers.cortex += 7 * chips * np.clip(site.edge + 0.5, 0, 1) * bone * min(1.0, 0.3 + site.half / 20)
        if plated and site.rng.random() < 0.6:
            metal += _plate(site, bone)
    elif done in ("prosthesis", "resection"):
        gone = np.clip((1.15 * site.reach[0] - np.abs(site.a)) / 0.6 + 0.5, 0, 1)
        layers.cortex *= 1 - gone
        layers.spongy *= 1 - gone
        if done == "prosthesis":
            metal += _prosthesis(site)
    return metal.astype(np.float32)


def _bar(across: Plane, half: float, softness: float) -> Plane:
    return np.asarray(np.clip((half - np.abs(across)) / softness + 0.5, 0, 1), dtype=np.float32)


def _plate(site: Site, bone: Plane) -> Plane:
    """A lateral plate with screws through the bone."""
    unit = float(np.clip(site.half / 18, 0.35, 1.0))
    soft, side, across = max(site.spacing, 0.3), site.half + 1.5 * unit, site.b + np.float32(site.offset)
    first, last = -0.85 * site.reach[0], site.reach[0] + 55 * unit  # it spares the joint
    metal = (
        3.0 * _bar(across - side, 1.8 * unit, soft) * _bar(site.a - 0.5 * (first + last), 0.5 * (last - first), soft)
    )
    held = (bone > 0) | (across > 0.5 * site.half)
    for a in np.arange(first + 5 * unit, last, 12.0 * unit):
        if abs(a) < 0.8 * site.reach[0] and site.rng.random() < 0.7:
            continue
        lean = site.rng.normal(0, 0.05)
        shaft = _bar(site.a - a - lean * across, 1.1 * unit, soft)
        metal = np.maximum(metal, 2.0 * shaft * (held & (across < side) & (across > -0.9 * site.half)))
    return np.asarray(metal, dtype=np.float32)


def _prosthesis(site: Site) -> Plane:
    """Metal body in place of the segment, its stem in the shaft beyond."""
    soft, reach = max(site.spacing, 0.3), 1.15 * site.reach[0]
    body = 9.0 * _bar(site.b, 0.72 * site.half, soft) * _bar(site.a, reach, soft)
    stem = 6.0 * _bar(site.b, 0.24 * site.half + 1.5, soft) * ((site.a > 0) & (site.a < reach + 75))
    collar = 9.0 * _bar(site.b, 0.85 * site.half, soft) * _bar(site.a - reach + 4, 4, soft)
    return np.asarray(np.maximum(np.maximum(body, stem), collar), dtype=np.float32)
