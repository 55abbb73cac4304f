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
    """One dated event; `kind` is presentation | radiology | pathology | laboratory | therapy | surgery | board | follow-up."""

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
    "osteosarcoma": "ill-defined mixed lytic and sclerotic lesion with spiculated periosteal reaction and cloudy new bone",
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
    "cement": "intralesional curettage, high-speed burr and bone cement with plate",
    "graft": "curettage and bone graft",
}
_INCIDENTAL = {"enchondroma": 0.6, "non-ossifying fibroma": 0.7, "fibrous dysplasia": 0.5, "osteochondroma": 0.2}


def place_name(patient: Patient, lesion: Lesion) -> str:
    """Words for where the lesion is, such as `left distal femur, metaphysis`."""
    side = {"L": "left ", "R": "right ", "": ""}[patient.side]
    start_is_distal = patient.site in ("radius", "ulna")
    ends = {"start": "distal" if start_is_distal else "proximal", "end": "proximal" if start_is_distal else "distal"}
    if patient.site in ("femur", "tibia", "fibula", "humerus", "radius", "ulna"):
        where = f"{side}{patient.site} shaft" if lesion.zone == "diaphysis" else f"{side}{ends[lesion.end]} {patient.site}, {lesion.zone}"
        return where
    if patient.site in ("hand", "foot"):
        return f"{side}{patient.site}, {lesion.bone}"
    return f"{side}{'third lumbar vertebra' if patient.site == 'spine' else patient.site}"


def write_history(patient: Patient, lesion: Lesion) -> list[Entry]:
    """The patient's events in order of their dates; proof is the pathology or the board entry."""
    rng, where = patient.rng(5), place_name(patient, lesion)
    first = patient.films[0].taken
    entries = [
        Entry(first, "presentation", f"{MARK}. {_presentation(patient, where, rng)}", "outpatient clinic"),
        Entry(first, "radiology", f"{MARK}. Radiograph of the {where}: {_FINDINGS[patient.entity]}, {lesion.length_mm} mm in greatest dimension. {_advice(patient)}", "radiology"),
    ]
    if patient.entity in NEOADJUVANT:
        entries.append(Entry(first + timedelta(days=1), "laboratory", f"{MARK}. Alkaline phosphatase {int(rng.integers(140, 620))} U/l, lactate dehydrogenase {int(rng.integers(210, 520))} U/l.", "laboratory"))
    entries += _proof(patient, where, rng)
    entries += _therapy(patient, where, rng)
    entries += _late_films(patient, where)
    entries += _follow_up(patient, max(e.day for e in entries), rng)
    return sorted(entries, key=lambda e: e.day)


def _presentation(patient: Patient, where: str, rng: np.random.Generator) -> str:
    who = f"{patient.age}-year-old {'woman' if patient.sex == 'F' else 'man'}" if patient.age >= 18 else f"{patient.age}-year-old {'girl' if patient.sex == 'F' else 'boy'}"
    if rng.random() < _INCIDENTAL.get(patient.entity, 0.03):
        return f"{who}; incidental finding in the {where} after {rng.choice(['a fall', 'a sports injury', 'a minor twist', 'an unrelated check'])}."
    span = f"{int(rng.integers(3, 20))} weeks" if patient.malignancy != "benign" else f"{int(rng.integers(2, 18))} months"
    complaint = "a hard, painless lump" if patient.entity == "osteochondroma" else str(rng.choice(["pain", "pain and swelling", "swelling", "pain at night"]))
    return f"{who} with {complaint} at the {where} for {span}."


def _advice(patient: Patient) -> str:
    return {"benign": "No aggressive sign.", "intermediate": "Biopsy suggested.", "malignant": "Aggressive pattern; urgent referral and biopsy suggested."}[patient.malignancy]


def _proof(patient: Patient, where: str, rng: np.random.Generator) -> list[Entry]:
    board = f"{MARK}. Tumour board: {patient.entity} of the {where}; "
    if patient.proof == "tumour board":
        plan = "operation for symptoms." if patient.surgery else "no operation, radiographs in six months."
        return [Entry(patient.proven, "board", f"{board}diagnosis by imaging and course, {plan}", "tumour board")]
    detail = _MICROSCOPY[patient.entity].format(grade=int(rng.integers(1, 4)))
    plan = "neoadjuvant chemotherapy, then wide resection." if patient.entity in NEOADJUVANT else "operation." if patient.surgery else "observation."
    return [
        Entry(patient.proven, "pathology", f"{MARK}. Biopsy of the {where}: {detail}. Diagnosis: {patient.entity}.", "pathology"),
        Entry(patient.proven + timedelta(days=3), "board", f"{board}{plan}", "tumour board"),
    ]


def _therapy(patient: Patient, where: str, rng: np.random.Generator) -> list[Entry]:
    if patient.surgery is None:
        return [Entry(patient.proven + timedelta(days=5), "therapy", f"{MARK}. Observation; activity as tolerated.", "orthopaedics")]
    entries = []
    if patient.entity in NEOADJUVANT:
        scheme = "methotrexate, doxorubicin and cisplatin" if patient.entity == "osteosarcoma" else "vincristine, ifosfamide, doxorubicin and etoposide"
        entries.append(Entry(patient.proven + timedelta(days=6), "therapy", f"{MARK}. Neoadjuvant chemotherapy begun: {scheme}.", "oncology"))
    entries.append(Entry(patient.surgery, "surgery", f"{MARK}. Operation, {where}: {_DONE[operation(patient)]}.", "orthopaedics"))
    if patient.entity in NEOADJUVANT:
        response = f"{int(rng.integers(2, 45))} % viable tumour, margins clear"
        entries.append(Entry(patient.surgery + timedelta(days=9), "pathology", f"{MARK}. Resection specimen: {patient.entity}, {response}.", "pathology"))
    return entries


def _late_films(patient: Patient, where: str) -> list[Entry]:
    """Reports of films taken after therapy or operation."""
    said = {
        "after operation": "state after operation, implants and bone without sign of loosening or residual tumour",
        "after therapy": "after chemotherapy denser and better defined, soft-tissue mass smaller",
    }
    return [Entry(f.taken, "radiology", f"{MARK}. Radiograph of the {where}: {said[f.stage]}.", "radiology") for f in patient.films if f.stage in said]


def _follow_up(patient: Patient, last: date, rng: np.random.Generator) -> list[Entry]:
    entries = []
    for k in range(int(rng.integers(1, 3))):
        last = last + timedelta(days=int(rng.integers(150, 420)))
        entries.append(Entry(last, "follow-up", f"{MARK}. {_outcome(patient, k, rng)}", "outpatient clinic"))
    return entries


def _outcome(patient: Patient, k: int, rng: np.random.Generator) -> str:
    luck = rng.random()
    if patient.malignancy == "malignant" and k > 0 and luck < 0.25:
        return str(rng.choice(["Lung metastases on CT; second-line therapy begun.", "Local recurrence; re-resection planned."]))
    if patient.entity in ("giant cell tumour", "aneurysmal bone cyst") and luck < 0.2:
        return "Local recurrence at the margin; repeat curettage planned."
    if patient.surgery is None:
        return "Unchanged on radiographs, no complaints."
    return str(rng.choice(["No evidence of disease, full weight bearing.", "No recurrence, good function.", "Free of pain, no sign of recurrence."]))
