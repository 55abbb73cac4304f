"""Short invented histories that agree with the patient, the lesion drawn and the dates. Every text says SYNTHETIC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from indexer.synthetic.cohort import NEOADJUVANT, Patient
from indexer.synthetic.hardware import operation
from indexer.synthetic.placement import Lesion

MARK = "SYNTHETIC"


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated event; `kind` is one of the archive's kinds of events, `source` who wrote it."""

    day: date
    kind: str
    text: str
    source: str

    def __post_init__(self) -> None:
        if MARK not in self.text:
            raise ValueError(f"a text of the demo must say {MARK}: {self.text!r}")


_FINDINGS = {
    "aneurysmal bone cyst": "expansile lytic lesion with internal septa and a thinned cortical shell",
    "chondroblastoma": "small well-defined lytic lesion of the epiphysis with a fine sclerotic rim",
    "chondrosarcoma": "large lytic lesion with ring-and-arc calcification and endosteal scalloping",
    "enchondroma": "geographic lytic lesion with punctate chondroid matrix, cortex intact",
    "Ewing sarcoma": "permeative destruction with lamellated periosteal reaction and a soft-tissue mass",
    "fibrous dysplasia": "long intramedullary lesion with ground-glass matrix and mild expansion",
    "giant cell tumour": "eccentric lytic lesion reaching the subchondral bone, without a sclerotic rim",
    "non-ossifying fibroma": "eccentric lobulated cortical lesion with a sclerotic margin",
    "osteochondroma": "bony outgrowth continuous with cortex and marrow, pointing away from the joint",
    "osteosarcoma": "ill-defined mixed lytic and sclerotic lesion with spiculated periosteum and cloudy new bone",
}
_MICROSCOPY = {
    "aneurysmal bone cyst": "blood-filled spaces with septa of fibroblasts and giant cells, USP6 rearranged",
    "chondroblastoma": "chondroblasts with chicken-wire calcification, H3K36M positive",
    "chondrosarcoma": "hypercellular cartilage permeating host bone, grade {grade}",
    "enchondroma": "lobules of bland hyaline cartilage without permeation",
    "Ewing sarcoma": "small round blue cells, CD99 positive, EWSR1-FLI1 fusion",
    "fibrous dysplasia": "woven bone trabeculae in a fibrous stroma, GNAS mutated",
    "giant cell tumour": "mononuclear cells with many osteoclast-like giant cells, H3G34W positive",
    "non-ossifying fibroma": "storiform spindle cells with scattered giant cells",
    "osteochondroma": "trabecular bone with a thin cartilage cap, no atypia",
    "osteosarcoma": "atypical cells producing osteoid, conventional high grade",
}
_DONE = {
    "exostosis removed": "resection of the exostosis with its cartilage cap",
    "prosthesis": "wide resection and reconstruction with a modular tumour prosthesis",
    "resection": "wide resection with clear margins",
    "cement": "intralesional curettage, high-speed burr and bone cement",
    "graft": "curettage and bone graft",
}
_SOURCES = {
    "presentation": "outpatient clinic",
    "radiology": "radiology",
    "laboratory": "laboratory",
    "pathology": "pathology",
    "board": "tumour board",
    "therapy": "treating department",
    "surgery": "orthopaedic surgery",
    "follow-up": "outpatient clinic",
}
_SCHEMES = {
    "osteosarcoma": "methotrexate, doxorubicin and cisplatin",
    "Ewing sarcoma": "vincristine, ifosfamide, doxorubicin and etoposide",
}
_ADVICE = {
    "benign": "No aggressive sign.",
    "intermediate": "Biopsy suggested.",
    "malignant": "Aggressive pattern; urgent referral and biopsy suggested.",
}
_ACCIDENTS = ("a fall", "a sports injury", "a minor twist", "an unrelated check")
_COMPLAINTS = ("pain", "pain and swelling", "swelling", "pain at night")
_GOOD_OUTCOMES = (
    "No evidence of disease, full function.",
    "No recurrence, good function.",
    "Free of pain, no sign of recurrence.",
)
_INCIDENTAL = {"enchondroma": 0.6, "non-ossifying fibroma": 0.7, "fibrous dysplasia": 0.5, "osteochondroma": 0.2}


def place_name(patient: Patient, lesion: Lesion) -> str:
    """Words for where the lesion is, such as `left distal femur, metaphysis`."""
    side = {"L": "left ", "R": "right ", "": ""}[patient.side]
    start_is_distal = patient.site in ("radius", "ulna")
    ends = {"start": "distal" if start_is_distal else "proximal", "end": "proximal" if start_is_distal else "distal"}
    if patient.site in ("femur", "tibia", "fibula", "humerus", "radius", "ulna"):
        if lesion.zone == "diaphysis":
            return f"{side}{patient.site} shaft"
        return f"{side}{ends[lesion.end]} {patient.site}, {lesion.zone}"
    if patient.site in ("hand", "foot"):
        return f"{side}{patient.site}, {lesion.bone}"
    return f"{side}{'third lumbar vertebra' if patient.site == 'spine' else patient.site}"


def write_history(patient: Patient, lesion: Lesion) -> list[Entry]:
    """The patient's events in order of their dates; proof is the pathology or the board entry."""
    rng, where = patient.rng(5), place_name(patient, lesion)
    first = patient.films[0].taken
    size = f"about {lesion.length_mm} mm in greatest dimension"
    report = f"Radiograph of the {where}: {_FINDINGS[patient.entity]}, {size}. {_ADVICE[patient.malignancy]}"
    entries = [_entry(first, "presentation", _presentation(patient, where, rng)), _entry(first, "radiology", report)]
    if patient.entity in NEOADJUVANT:
        values = (
            f"Alkaline phosphatase {rng.integers(140, 620)} U/l, lactate dehydrogenase {rng.integers(210, 520)} U/l."
        )
        entries.append(_entry(first + timedelta(days=1), "laboratory", values))
    entries += _proof(patient, where, rng)
    entries += _therapy(patient, where, rng)
    entries += _late_films(patient, where)
    entries += _follow_up(patient, max(e.day for e in entries), rng)
    return sorted(entries, key=lambda e: e.day)


def _entry(day: date, kind: str, text: str) -> Entry:
    return Entry(day, kind, f"{MARK}. {text}", _SOURCES[kind])


def _presentation(patient: Patient, where: str, rng: np.random.Generator) -> str:
    words = ("girl", "boy") if patient.age < 18 else ("woman", "man")
    who = f"{patient.age}-year-old {words[patient.sex == 'M']}"
    if rng.random() < _INCIDENTAL.get(patient.entity, 0.03):
        return f"{who}; incidental finding in the {where} after {rng.choice(_ACCIDENTS)}."
    benign = patient.malignancy == "benign"
    span = f"{rng.integers(2, 18)} months" if benign else f"{rng.integers(3, 20)} weeks"
    complaint = "a hard, painless lump" if patient.entity == "osteochondroma" else str(rng.choice(_COMPLAINTS))
    return f"{who} with {complaint} at the {where} for {span}."


def _proof(patient: Patient, where: str, rng: np.random.Generator) -> list[Entry]:
    board = f"Tumour board: {patient.entity} of the {where}; "
    if patient.proof == "tumour board":
        plan = "operation for symptoms." if patient.surgery else "no operation, radiographs in six months."
        return [_entry(patient.proven, "board", f"{board}diagnosis by imaging and course, {plan}")]
    detail = _MICROSCOPY[patient.entity].format(grade=rng.integers(1, 4))
    plan = "operation." if patient.surgery else "observation."
    if patient.entity in NEOADJUVANT:
        plan = "neoadjuvant chemotherapy, then wide resection."
    biopsy = f"Biopsy of the {where}: {detail}. Diagnosis: {patient.entity}."
    return [
        _entry(patient.proven, "pathology", biopsy),
        _entry(patient.proven + timedelta(days=3), "board", board + plan),
    ]


def _therapy(patient: Patient, where: str, rng: np.random.Generator) -> list[Entry]:
    if patient.surgery is None:
        return [_entry(patient.proven + timedelta(days=5), "therapy", "Observation; activity as tolerated.")]
    entries = [_entry(patient.surgery, "surgery", f"Operation, {where}: {_DONE[operation(patient)]}.")]
    if patient.entity in NEOADJUVANT:
        begun = f"Neoadjuvant chemotherapy begun: {_SCHEMES[patient.entity]}."
        response = f"Resection specimen: {patient.entity}, {rng.integers(2, 45)} % viable tumour, margins clear."
        entries.append(_entry(patient.proven + timedelta(days=6), "therapy", begun))
        entries.append(_entry(patient.surgery + timedelta(days=9), "pathology", response))
    return entries


def _late_films(patient: Patient, where: str) -> list[Entry]:
    """Reports of films taken after therapy or operation."""
    said = {
        "after operation": "state after operation, regular postoperative appearance without residual tumour",
        "after therapy": "after chemotherapy denser and better defined, soft-tissue mass smaller",
    }
    late = [film for film in patient.films if film.stage in said]
    return [_entry(film.taken, "radiology", f"Radiograph of the {where}: {said[film.stage]}.") for film in late]


def _follow_up(patient: Patient, last: date, rng: np.random.Generator) -> list[Entry]:
    entries = []
    for k in range(int(rng.integers(1, 3))):
        last = last + timedelta(days=int(rng.integers(150, 420)))
        entries.append(_entry(last, "follow-up", _outcome(patient, k, rng)))
    return entries


def _outcome(patient: Patient, visit: int, rng: np.random.Generator) -> str:
    luck = rng.random()
    if patient.malignancy == "malignant" and visit > 0 and luck < 0.25:
        return str(
            rng.choice(["Lung metastases on CT; second-line therapy begun.", "Local recurrence; re-resection planned."])
        )
    if patient.entity in ("giant cell tumour", "aneurysmal bone cyst") and luck < 0.2:
        return "Local recurrence at the margin; repeat curettage planned."
    if patient.surgery is None:
        return "Unchanged on radiographs, no complaints."
    return str(rng.choice(_GOOD_OUTCOMES))
