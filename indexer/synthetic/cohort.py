"""Who is in the synthetic archive: patients, their tumours, films and dates.

Shares of entities, sexes and sites follow Table 1 of Hinterwimmer et al., Eur Radiol 2024 (809 patients, 1792 films);
ages and sites given the entity follow textbook knowledge, and the site table is fitted to both margins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt

PAPER_PATIENTS = 809
PAPER_FILMS = 1792


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """What the cohort needs to know of one entity. `share`, `female` and `boarded` in per cent.

    `ages` holds (weight, mean, sd, least, most) of the parts of an age mixture in years; `boarded` is the share proven
    by tumour board rather than histology; `sites` are affinities, fitted later to the paper's site margin.
    """

    share: float
    female: float
    malignancy: str
    boarded: float
    ages: tuple[tuple[float, float, float, float, float], ...]
    sites: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.malignancy == "malignant" and self.boarded > 0:
            raise ValueError("a malignant entity is always proven by histology: boarded must be 0")


SITE_SHARES: dict[str, float] = {
    "clavicle": 0.87,
    "spine": 0.49,
    "femur": 36.71,
    "fibula": 5.19,
    "humerus": 15.33,
    "hand": 7.66,
    "ilium": 2.97,
    "ischium": 0.99,
    "pubis": 1.36,
    "sacrum": 0.12,
    "patella": 0.87,
    "foot": 5.19,
    "radius": 1.48,
    "scapula": 2.10,
    "tibia": 18.05,
    "ulna": 0.62,
}
PAIRED_EXCEPT = frozenset({"spine", "sacrum"})

_LONG = {"femur": 1.0, "tibia": 1.0, "humerus": 1.0, "fibula": 1.0, "radius": 1.0, "ulna": 1.0, "clavicle": 0.6}
_FLAT = {"ilium": 1.0, "pubis": 1.0, "ischium": 1.0, "scapula": 1.0, "sacrum": 0.5, "spine": 0.5}
_SMALL = {"hand": 0.1, "foot": 0.4, "patella": 0.5}

ENTITIES: dict[str, EntityFacts] = {
    "aneurysmal bone cyst": EntityFacts(
        6.06, 52, "benign", 0, ((1, 16, 9, 3, 55),), {**_LONG, **_SMALL, **_FLAT, "spine": 6, "pubis": 1.5}
    ),
    "chondroblastoma": EntityFacts(
        2.22, 36, "benign", 0, ((1, 19, 7, 9, 45),), {**_LONG, "patella": 5, "foot": 2, "fibula": 0.3, "clavicle": 0.1}
    ),
    "chondrosarcoma": EntityFacts(
        15.33,
        44,
        "malignant",
        0,
        ((1, 54, 14, 20, 89),),
        {**_LONG, **_FLAT, "ilium": 4, "pubis": 4, "ischium": 4, "scapula": 4, "hand": 0.1, "foot": 0.2, "tibia": 0.6},
    ),
    "enchondroma": EntityFacts(
        22.37,
        53,
        "benign",
        75,
        ((1, 42, 14, 10, 80),),
        {**_LONG, "hand": 8, "foot": 1.5, "tibia": 0.6, "humerus": 1.6, "scapula": 0.1},
    ),
    "Ewing sarcoma": EntityFacts(
        1.11, 39, "malignant", 0, ((1, 14, 5, 4, 32),), {**_LONG, **_FLAT, "ilium": 4, "fibula": 3}
    ),
    "fibrous dysplasia": EntityFacts(
        3.83, 52, "benign", 60, ((1, 29, 15, 5, 75),), {**_LONG, "femur": 1.6, "ilium": 1, "humerus": 0.8}
    ),
    "giant cell tumour": EntityFacts(
        6.30,
        54,
        "intermediate",
        0,
        ((1, 32, 8, 18, 62),),
        {**_LONG, "radius": 6, "patella": 2, "sacrum": 3, "hand": 0.2, "foot": 0.4, "humerus": 0.6},
    ),
    "non-ossifying fibroma": EntityFacts(
        4.08, 40, "benign", 90, ((1, 13, 4, 4, 25),), {"femur": 1, "tibia": 1.4, "fibula": 1, "humerus": 0.2}
    ),
    "osteochondroma": EntityFacts(
        28.31,
        40,
        "benign",
        70,
        ((0.75, 20, 8, 4, 45), (0.25, 44, 12, 20, 75)),
        {**_LONG, "scapula": 2, "ilium": 1, "foot": 0.8, "hand": 0.3, "pubis": 0.6},
    ),
    "osteosarcoma": EntityFacts(
        10.38,
        43,
        "malignant",
        0,
        ((0.72, 17, 5, 5, 30), (0.28, 55, 14, 30, 86)),
        {**_LONG, "fibula": 0.7, "ilium": 1, "clavicle": 0.3, "scapula": 0.3},
    ),
}

STAGES = ("before treatment", "after operation", "after therapy", "unknown")


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """One film to draw: its number within the patient (from 1), stage, wished view, date and time (HHMMSS)."""

    number: int
    stage: str
    view: str
    taken: date
    clock: str


@dataclass(frozen=True, slots=True)
class Patient:
    """One synthetic patient with one lesion. `length_mm` is the lesion's greatest dimension as drawn."""

    key: tuple[int, int]
    patient_id: str
    name: str
    sex: str
    age: int
    born: date
    entity: str
    malignancy: str
    proof: str
    site: str
    side: str
    proven: date
    surgery: date | None
    films: tuple[FilmPlan, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.age <= 120:
            raise ValueError(f"age {self.age} is outside 0..120 years")
        if not self.films:
            raise ValueError(f"patient {self.patient_id} has no film; at least one is needed")

    def rng(self, *stream: int) -> np.random.Generator:
        """A generator of this patient's own; the same `stream` gives the same numbers in any process."""
        return np.random.default_rng([*self.key, *stream])


def largest_remainder(shares: Sequence[float], total: int, least: int = 0) -> list[int]:
    """Whole counts that sum to `total`, nearest to `shares`; each at least `least` where total allows."""
    weights = np.asarray(shares, dtype=np.float64)
    exact = weights / weights.sum() * total
    counts = np.floor(exact).astype(int)
    for i in np.argsort(-(exact - counts), kind="stable")[: total - int(counts.sum())]:
        counts[i] += 1
    while counts.min() < least and counts.max() > least + 1:
        counts[counts.argmax()] -= 1
        counts[counts.argmin()] += 1
    return [int(c) for c in counts]


@cache
def site_table() -> npt.NDArray[np.float64]:
    """Joint shares (entity, site), by iterative proportional fitting of the affinities to both margins; sums to 1."""
    table = np.array(
        [[facts.sites.get(s, 0.0) * share for s, share in SITE_SHARES.items()] for facts in ENTITIES.values()]
    )
    rows = np.array([f.share for f in ENTITIES.values()]) / sum(f.share for f in ENTITIES.values())
    columns = np.array(list(SITE_SHARES.values())) / sum(SITE_SHARES.values())
    for _ in range(200):
        table *= (rows / table.sum(axis=1))[:, None]
        table *= (columns / table.sum(axis=0))[None, :]
    table *= (rows / table.sum(axis=1))[:, None]
    return table


def plan_cohort(n_patients: int, seed: int) -> list[Patient]:
    """The archive's patients in a shuffled order; exact entity counts, at least two of each from 60 patients on."""
    counts = largest_remainder([f.share for f in ENTITIES.values()], n_patients, 2 if n_patients >= 60 else 0)
    rng = np.random.default_rng([seed, 1])
    traits: list[tuple[str, str, str, int]] = []
    for row, ((entity, facts), count) in enumerate(zip(ENTITIES.items(), counts, strict=True)):
        sites = _systematic(list(SITE_SHARES), site_table()[row], count, rng)
        sexes = _systematic(["F", "M"], np.array([facts.female, 100 - facts.female]), count, rng)
        traits += [(entity, site, sex, _age(facts, rng)) for site, sex in zip(sites, sexes, strict=True)]
    order = rng.permutation(len(traits))
    return [make_patient(seed, i + 1, f"SYN-{i + 1:04d}", *traits[int(j)]) for i, j in enumerate(order)]


def make_patient(seed: int, number: int, patient_id: str, entity: str, site: str, sex: str, age: int) -> Patient:
    """Fill in side, proof, dates and films of one patient from the patient's own random stream."""
    facts, rng = ENTITIES[entity], np.random.default_rng([seed, number, 0])
    first = date(2004, 1, 5) + timedelta(days=int(rng.integers(0, 18 * 365)))
    proven = first + timedelta(days=int(rng.integers(5, 40)))
    operated = rng.random() < {"benign": 0.45, "intermediate": 1.0, "malignant": 1.0}[facts.malignancy]
    proof = "tumour board" if rng.random() * 100 < facts.boarded else "histology"
    surgery = (
        proven + timedelta(days=int(rng.integers(*_wait(entity))))
        if operated and (proof == "histology" or rng.random() < 0.3)
        else None
    )
    born = first - timedelta(days=int(age * 365.25 + rng.integers(5, 360)))
    return Patient(
        key=(seed, number),
        patient_id=patient_id,
        name=f"SYNTHETIC^{number}",
        sex=sex,
        age=age,
        born=born,
        entity=entity,
        malignancy=facts.malignancy,
        proof=proof,
        site=site,
        side="" if site in PAIRED_EXCEPT else str(rng.choice(["L", "R"])),
        proven=proven,
        surgery=surgery,
        films=_plan_films(entity, first, surgery, rng),
    )


def _wait(entity: str) -> tuple[int, int]:
    """Days from proof to surgery; neoadjuvant chemotherapy comes in between for two entities."""
    return (75, 110) if entity in NEOADJUVANT else (7, 60)


NEOADJUVANT = frozenset({"osteosarcoma", "Ewing sarcoma"})


def _plan_films(entity: str, first: date, surgery: date | None, rng: np.random.Generator) -> tuple[FilmPlan, ...]:
    count = int(rng.choice([1, 2, 3, 4], p=[0.28, 0.36, 0.22, 0.14]))
    stages = [STAGES[0]] * count
    if rng.random() < 0.06:
        stages = [STAGES[3]] * count
    if surgery is not None and count >= 2 and rng.random() < 0.45:
        stages[-1] = STAGES[1]
    if entity in NEOADJUVANT and count >= 3 and surgery is not None:
        stages[-2 if stages[-1] == STAGES[1] else -1] = STAGES[2]
    views = _VIEWS[int(rng.random() < 0.15)]
    films = []
    for i, stage in enumerate(stages):
        view = views[i] if stage not in STAGES[1:3] else "frontal"
        clock = f"{8 + 2 * i + rng.integers(0, 2):02d}{rng.integers(0, 60):02d}{rng.integers(0, 60):02d}"
        films.append(FilmPlan(i + 1, stage, view, _film_day(stage, i, first, surgery, rng), clock))
    return tuple(films)


_VIEWS = (("frontal", "lateral", "oblique", "frontal"), ("lateral", "frontal", "frontal", "oblique"))


def _film_day(stage: str, index: int, first: date, surgery: date | None, rng: np.random.Generator) -> date:
    if surgery is not None and stage == STAGES[1]:
        return surgery + timedelta(days=int(rng.integers(1, 60)))
    if surgery is not None and stage == STAGES[2]:
        return surgery - timedelta(days=int(rng.integers(3, 12)))
    return first + timedelta(days=(0, 0, 2, 4)[index])


def _systematic(names: list[str], weights: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> list[str]:
    """`count` draws whose shares follow `weights` within one, in random order (systematic sampling)."""
    edges = np.cumsum(weights) / weights.sum()
    points = (np.arange(count) + rng.random()) / max(count, 1)
    drawn = [names[min(int(k), len(names) - 1)] for k in np.searchsorted(edges, points, side="right")]
    return [drawn[int(i)] for i in rng.permutation(count)]


def _age(facts: EntityFacts, rng: np.random.Generator) -> int:
    weights = np.array([part[0] for part in facts.ages])
    _, mean, sd, least, most = facts.ages[int(rng.choice(len(weights), p=weights / weights.sum()))]
    age = math.inf
    while not least <= age <= most:
        age = float(rng.normal(mean, sd))
    return int(age)
