"""Where a lesion sits: the bone, the point on its axis, and how large it is there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from indexer.synthetic.anatomy import Scene
from indexer.synthetic.cohort import STAGES, Patient, make_patient
from indexer.synthetic.lesions import Signs, sample_signs, sample_zone
from indexer.synthetic.outlines import Points
from indexer.synthetic.scenes import SCENES

# Site -> (frontal scene, share of lesions at the start of the bone's axis, size of its ends relative to a femur).
_LONG = {
    "femur": ("leg", 0.25, 1.0),
    "tibia": ("leg", 0.8, 0.85),
    "fibula": ("leg", 0.75, 0.6),
    "humerus": ("shoulder", 0.92, 0.85),
    "radius": ("hand", 0.95, 0.5),
    "ulna": ("hand", 0.95, 0.45),
    "clavicle": ("shoulder", 0.5, 0.45),
}
_FLAT = {
    "ilium": "pelvis",
    "pubis": "pelvis",
    "ischium": "pelvis",
    "sacrum": "pelvis",
    "scapula": "shoulder",
    "spine": "spine",
    "patella": "leg",
}
_TUBULAR = {"hand": ("metacarpal", "phalanx"), "foot": ("metatarsal", "toe phalanx")}
# Middle of a film of the whole region, mm.
OVERVIEWS = {
    "hand": (2.0, -88.0),
    "foot": (0.0, -62.0),
    "pelvis": (-90.0, -22.0),
    "shoulder": (-48.0, 18.0),
    "spine": (0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A lesion's seat in one scene: its centre (2,) and the nearer joint (2,) in adult mm, and the way from the joint.

    `along` is a unit direction (2,) along the bone.
    """

    scene: Scene
    region: str
    bone: str
    centre: Points
    along: Points
    joint: Points


@dataclass(frozen=True, slots=True)
class Lesion:
    """One patient's lesion, the same on every film. `growth` is the body's size relative to an adult."""

    bone: str
    region: str
    zone: str
    end: str
    fraction: float
    signs: Signs
    growth: float

    @property
    def length_mm(self) -> int:
        """Greatest dimension in this body, whole millimetres."""
        return max(round(self.signs.length * self.growth), 3)


def body_growth(age: int) -> float:
    """Size of the skeleton relative to an adult; 0.55 at three years, 1 from seventeen on."""
    return float(np.interp(age, [3, 10, 14, 17], [0.55, 0.76, 0.92, 1.0]))


def place(patient: Patient) -> Lesion:
    """The patient's lesion from the patient's own stream."""
    rng = patient.rng(1)
    signs, zone, growth = (
        sample_signs(patient.entity, patient.site, rng),
        sample_zone(patient.entity, rng),
        body_growth(patient.age),
    )
    if patient.site in _LONG:
        region, at_start, _ = _LONG[patient.site]
        end = "start" if rng.random() < at_start else "end"
        return Lesion(patient.site, region, zone, end, float(rng.random()), signs, growth)
    if patient.site in _TUBULAR:
        ray, stem = int(rng.integers(1, 6)), _TUBULAR[patient.site]
        first = rng.random() < 0.4 or (patient.site == "foot" and ray > 1)
        bone = f"{stem[0]} {ray}" if first else f"{stem[1]} {ray}.{1 if ray == 1 or rng.random() < 0.7 else 2}"
        return Lesion(
            bone,
            patient.site,
            zone,
            "start" if first is (rng.random() < 0.3) else "end",
            float(rng.random()),
            signs,
            growth,
        )
    bone = "vertebra" if patient.site == "spine" else patient.site
    return Lesion(bone, _FLAT[patient.site], "body", "start", float(rng.random()), signs, growth)


def plan_queries(seed: int) -> list[Patient]:
    """Two patients outside the archive with plain findings; their first films are the ready queries."""
    knee = _first(seed, "SYN-Q001", "osteosarcoma", "femur", "M", 15)
    return [knee, _first(seed, "SYN-Q002", "enchondroma", "hand", "F", 38)]


def _first(seed: int, patient_id: str, entity: str, site: str, sex: str, age: int) -> Patient:
    """The first patient of this kind whose signs are strong and whose first film is frontal and untreated."""
    candidates = (make_patient(seed, number, patient_id, entity, site, sex, age) for number in itertools.count(900_001))
    return next(patient for patient in candidates if _is_plain(patient))


def _is_plain(patient: Patient) -> bool:
    lesion, film = place(patient), patient.films[0]
    if film.view != "frontal" or film.stage != STAGES[0]:
        return False
    if patient.site == "femur":
        return lesion.end == "end" and lesion.zone == "metaphysis" and lesion.signs.spicules > 0.5
    return lesion.length_mm > 16 and lesion.signs.expand > 0.3


def region_for(lesion: Lesion, view: str) -> tuple[str, str]:
    """(scene, view) that can show the lesion: a lateral view exists only for the leg below the hip."""
    hip = lesion.bone == "femur" and lesion.end == "start" and lesion.zone != "diaphysis"
    if lesion.region == "leg" and hip:
        return ("pelvis" if view == "frontal" else "leg"), ("frontal" if view == "frontal" else "oblique")
    if view == "lateral":
        return ("leg lateral", "lateral") if lesion.region == "leg" else (lesion.region, "oblique")
    return lesion.region, view


def spot(lesion: Lesion, region: str) -> Spot:
    """The lesion's seat in the named scene."""
    scene = SCENES[region]()
    axis = scene.bone(lesion.bone).axis
    axis = axis if lesion.end == "start" else axis[::-1]
    steps = np.hypot(*np.diff(axis, axis=0).T)
    run = np.concatenate([[0.0], np.cumsum(steps)])
    at = _distance(lesion, float(run[-1]))
    centre = np.array([np.interp(at, run, axis[:, 0]), np.interp(at, run, axis[:, 1])], dtype=np.float32)
    k = min(int(np.searchsorted(run, at, side="right")) - 1, len(steps) - 1)
    along = (axis[k + 1] - axis[k]) / steps[k]
    return Spot(scene, region, lesion.bone, centre, along.astype(np.float32), axis[0])


def _distance(lesion: Lesion, total: float) -> float:
    """Millimetres from the nearer joint along the axis."""
    if lesion.bone in _LONG:
        size = _LONG[lesion.bone][2]
        near, far = {
            "epiphysis": (11, 22),
            "metaphysis": (40, 78),
            "diaphysis": (0.3 * total / size, 0.5 * total / size),
        }[lesion.zone]
        return min(near + (far - near) * lesion.fraction, 0.5 * total / size) * size
    if lesion.zone == "body":
        return (0.1 + 0.8 * lesion.fraction) * total
    low, high = {"epiphysis": (0.1, 0.2), "metaphysis": (0.2, 0.4), "diaphysis": (0.35, 0.6)}[lesion.zone]
    return (low + (high - low) * lesion.fraction) * total
