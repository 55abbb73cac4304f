"""Lesions: what each entity does to the bone it grows in, as ranges of radiographic signs and how each sign is drawn.

Ranges are wide and overlap on purpose; the signs follow textbook descriptions, schematically.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

Range = tuple[float, float]
NONE: Range = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Ranges (least, most) of one entity's signs: lengths in adult mm of a long bone, all else relative, 0 = absent."""

    zones: tuple[tuple[str, float], ...]
    length: Range
    aspect: Range
    eccentric: Range = (0.0, 0.35)
    lysis: Range = NONE
    edge: Range = (0.6, 1.4)
    rim: Range = NONE
    lobes: Range = (0.08, 0.2)
    expand: Range = NONE
    septa: Range = NONE
    specks: Range = NONE
    rings: Range = NONE
    haze: Range = NONE
    cloud: Range = NONE
    holes: Range = NONE
    erode: Range = NONE
    breach: Range = NONE
    spicules: Range = NONE
    onion: Range = NONE
    codman: Range = NONE
    mass: Range = NONE
    stalk: Range = NONE


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one patient's lesion, drawn from a recipe; `toward` and `up` are +1 or -1."""

    length: float
    aspect: float
    eccentric: float
    lysis: float
    edge: float
    rim: float
    lobes: float
    expand: float
    septa: float
    specks: float
    rings: float
    haze: float
    cloud: float
    holes: float
    erode: float
    breach: float
    spicules: float
    onion: float
    codman: float
    mass: float
    stalk: float
    toward: float = 1.0

    def __post_init__(self) -> None:
        if self.length <= 0 or self.aspect <= 0:
            raise ValueError(f"length {self.length} mm and aspect {self.aspect} must be above 0")

    def after_chemotherapy(self) -> Signs:
        """Denser and better bounded, with a smaller mass: a response to chemotherapy."""
        return replace(
            self,
            cloud=self.cloud + 0.5,
            mass=0.4 * self.mass,
            spicules=0.6 * self.spicules,
            rim=self.rim + 0.4,
            edge=1.0,
        )


RECIPES: dict[str, Recipe] = {
    "aneurysmal bone cyst": Recipe(
        (("metaphysis", 0.8), ("diaphysis", 0.2)),
        (34, 80),
        (0.5, 0.85),
        eccentric=(0.3, 0.9),
        lysis=(0.7, 0.95),
        rim=(0.05, 0.5),
        lobes=(0.06, 0.16),
        expand=(0.35, 1.0),
        septa=(0.4, 1.0),
        erode=(0.5, 0.8),
    ),
    "chondroblastoma": Recipe(
        (("epiphysis", 0.95), ("metaphysis", 0.05)),
        (15, 32),
        (0.75, 1.0),
        eccentric=(0.1, 0.6),
        lysis=(0.55, 0.9),
        rim=(0.4, 1.0),
        lobes=(0.05, 0.14),
        specks=(0.0, 0.8),
        erode=(0.1, 0.4),
    ),
    "chondrosarcoma": Recipe(
        (("metaphysis", 0.55), ("diaphysis", 0.45)),
        (55, 125),
        (0.35, 0.6),
        lysis=(0.5, 0.9),
        edge=(1.2, 3.5),
        lobes=(0.12, 0.3),
        expand=(0.0, 0.35),
        rings=(0.35, 1.0),
        erode=(0.5, 0.9),
        breach=(0.1, 0.9),
        mass=(0.0, 0.9),
        holes=(0.0, 0.4),
        onion=(0.0, 0.3),
    ),
    "enchondroma": Recipe(
        (("metaphysis", 0.65), ("diaphysis", 0.35)),
        (18, 65),
        (0.4, 0.7),
        eccentric=(0.0, 0.25),
        lysis=(0.3, 0.75),
        edge=(0.7, 1.8),
        rim=(0.0, 0.35),
        lobes=(0.1, 0.25),
        rings=(0.3, 1.2),
        erode=(0.1, 0.4),
    ),
    "Ewing sarcoma": Recipe(
        (("diaphysis", 0.7), ("metaphysis", 0.3)),
        (60, 125),
        (0.35, 0.5),
        lysis=(0.3, 0.6),
        edge=(4.0, 8.0),
        lobes=(0.1, 0.2),
        holes=(0.6, 1.0),
        cloud=(0.0, 0.25),
        erode=(0.3, 0.6),
        onion=(0.6, 1.0),
        codman=(0.0, 0.6),
        mass=(0.5, 1.0),
        spicules=(0.0, 0.25),
    ),
    "fibrous dysplasia": Recipe(
        (("diaphysis", 0.6), ("metaphysis", 0.4)),
        (40, 130),
        (0.28, 0.45),
        eccentric=(0.0, 0.2),
        lysis=(0.55, 0.9),
        edge=(0.8, 2.0),
        rim=(0.1, 0.7),
        lobes=(0.06, 0.16),
        expand=(0.0, 0.3),
        haze=(0.5, 1.0),
        erode=(0.3, 0.6),
    ),
    "giant cell tumour": Recipe(
        (("epiphysis", 0.93), ("metaphysis", 0.07)),
        (34, 72),
        (0.65, 0.95),
        eccentric=(0.25, 0.8),
        lysis=(0.65, 0.95),
        edge=(0.8, 2.4),
        lobes=(0.06, 0.18),
        expand=(0.0, 0.35),
        septa=(0.0, 0.35),
        erode=(0.4, 0.85),
        breach=(0.0, 0.5),
        mass=(0.0, 0.3),
    ),
    "non-ossifying fibroma": Recipe(
        (("metaphysis", 0.9), ("diaphysis", 0.1)),
        (15, 46),
        (0.35, 0.6),
        eccentric=(0.75, 0.95),
        lysis=(0.5, 0.85),
        edge=(0.5, 0.9),
        rim=(0.5, 1.0),
        lobes=(0.18, 0.34),
        septa=(0.0, 0.45),
        erode=(0.3, 0.6),
    ),
    "osteochondroma": Recipe(
        (("metaphysis", 0.9), ("diaphysis", 0.1)),
        (22, 70),
        (0.45, 0.8),
        lobes=(0.1, 0.25),
        rings=(0.1, 0.6),
        stalk=(0.25, 1.0),
    ),
    "osteosarcoma": Recipe(
        (("metaphysis", 0.88), ("diaphysis", 0.12)),
        (50, 110),
        (0.45, 0.75),
        lysis=(0.2, 0.7),
        edge=(3.0, 7.0),
        lobes=(0.15, 0.3),
        cloud=(0.4, 1.4),
        holes=(0.2, 0.8),
        erode=(0.3, 0.8),
        breach=(0.1, 0.8),
        spicules=(0.2, 1.0),
        codman=(0.2, 1.0),
        mass=(0.3, 1.0),
        onion=(0.0, 0.35),
    ),
}

# In a finger an enchondroma blows the phalanx up and shows less matrix.
_IN_SMALL_BONES = {
    "enchondroma": {
        "expand": (0.15, 0.7),
        "rings": (0.0, 0.5),
        "lysis": (0.7, 0.95),
        "aspect": (0.5, 0.75),
        "erode": (0.45, 0.75),
    }
}
SITE_SCALE = {
    "hand": 0.34,
    "foot": 0.42,
    "fibula": 0.62,
    "radius": 0.6,
    "ulna": 0.5,
    "clavicle": 0.5,
    "scapula": 0.62,
    "patella": 0.5,
    "pubis": 0.55,
    "ischium": 0.6,
    "ilium": 0.8,
    "spine": 0.5,
    "sacrum": 0.8,
    "humerus": 0.9,
    "tibia": 0.95,
}


def sample_signs(entity: str, site: str, rng: np.random.Generator) -> Signs:
    """One patient's signs; every range is drawn anew, and one film in eight is subtle."""
    recipe = RECIPES[entity]
    if site in ("hand", "foot"):
        recipe = replace(recipe, **_IN_SMALL_BONES.get(entity, {}))  # type: ignore[arg-type]
    drawn = {f.name: float(rng.uniform(*getattr(recipe, f.name))) for f in fields(recipe) if f.name != "zones"}
    drawn["length"] *= SITE_SCALE.get(site, 1.0)
    if rng.random() < 0.125:
        drawn |= {name: 0.6 * drawn[name] for name in ("lysis", "rim", "cloud", "rings", "spicules", "haze")}
    return Signs(**drawn, toward=float(rng.choice([-1.0, 1.0])))


def sample_zone(entity: str, rng: np.random.Generator) -> str:
    """epiphysis | metaphysis | diaphysis, by the entity's habit."""
    names, weights = zip(*RECIPES[entity].zones, strict=True)
    return str(rng.choice(names, p=np.asarray(weights) / sum(weights)))
