"""An archive of invented rows in the product's own format, for benches that need its size and not its films."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors
from engine.encoders import EncoderFiles
from engine.radiograph import Stage
from indexer.catalogue import Catalogue, Row
from indexer.manifest import SourceFacts
from indexer.synthetic.cohort import ENTITIES, SITE_SHARES
from indexer.writer import ArchiveWriter, open_writer

FILMS_PER_PATIENT = 2.5
SOURCE = "bench"
FIRST_DAY = date(2010, 1, 1)
SPREAD = {"entity": 1.0, "patient": 1.0, "film": 0.7}
"""How far entities, patients of one entity and films of one patient lie apart, against each other."""


def clustered(
    entity: npt.NDArray[np.int64], patient: npt.NDArray[np.int64], dimension: int, rng: np.random.Generator
) -> Vectors:
    """float32 (n, dimension) unit rows for films of the given entities and patients, int64 (n,) numbers from 0 each.

    A film is the sum of a normal draw of its entity, one of its patient and one of its own, whose variance along the
    j-th axis falls as 1 / j, turned into a random basis: clusters within clusters, and a decaying spectrum.
    """
    levels = {"entity": entity, "patient": patient, "film": np.arange(len(entity))}
    found = np.zeros((len(entity), dimension), np.float32)
    for name, numbers in levels.items():
        draws = rng.standard_normal((numbers.max() + 1, dimension), np.float32)
        found += np.float32(SPREAD[name]) * draws[numbers]
    found *= np.arange(1, dimension + 1, dtype=np.float32) ** -0.5
    basis, _ = np.linalg.qr(rng.standard_normal((dimension, dimension), np.float32))
    turned = found @ basis
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), np.float32)


def make_archive(root: Path, films: int, encoder: EncoderFiles, seed: int = 0) -> Vectors:
    """Write an archive of invented films through the real writer; float32 (films, d), its vectors in film order.

    Patients have 2.5 films on average, one lesion of one of ten entities, an age, a sex and a site; one age in twenty
    is unknown, one film in ten was taken after treatment. Films are rows only: there is no picture behind them.
    """
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(0, max(1, round(films / FILMS_PER_PATIENT)), films))
    patient = np.unique(patient, return_inverse=True)[1].astype(np.int64)  # some drew no film
    shares = np.array([facts.share for facts in ENTITIES.values()])
    kind = rng.choice(len(ENTITIES), patient.max() + 1, p=shares / shares.sum())
    vectors = clustered(kind[patient], patient, encoder.card.dimension, rng)
    with open_writer(root, encoder.card, encoder.onnx.parent) as writer:
        writer.declare_source(SOURCE, SourceFacts("folder", SOURCE, "Invented rows", "mask", synthetic=True))
        _enrol(writer, patient, kind, vectors, rng)
        writer.publish()
    return vectors


def _enrol(
    writer: ArchiveWriter,
    patient: npt.NDArray[np.int64],
    kind: npt.NDArray[np.int64],
    vectors: Vectors,
    rng: np.random.Generator,
) -> None:
    """Patients, their lesions and follow-ups, and their films."""
    people = [_person(writer, number, list(ENTITIES)[entity], rng) for number, entity in enumerate(kind)]
    patients = [_full("patients", one | {"split_group": one["patient"]}) for one in people]
    ends = [
        {"patient": one["patient"], "dated": one["dated"], "kind": "follow-up", "text": "well", "source": None}
        for one in people
    ]
    rows = [_film(writer, people[owner], vector, rng) for owner, vector in zip(patient, vectors, strict=True)]
    with writer.catalogue.transaction():
        writer.catalogue.insert("patients", patients)
        writer.catalogue.insert("lesions", [_full("lesions", one) for one in people])
        writer.catalogue.insert("events", [_full("events", one) for one in ends])
        writer.catalogue.insert("films", rows)


def _person(writer: ArchiveWriter, number: int, entity: str, rng: np.random.Generator) -> Row:
    """What is known of a patient and of their one lesion."""
    shares = np.array(list(SITE_SHARES.values()))
    return {
        "patient": writer.pseudonyms.patient(f"{number}", SOURCE),
        "sex": "FM"[int(rng.integers(2))],
        "age": None if rng.random() < 0.05 else float(rng.integers(3, 85)),
        "lesion": writer.new_lesion(),
        "entity": entity,
        "malignancy": ENTITIES[entity].malignancy,
        "site": list(SITE_SHARES)[int(rng.choice(len(shares), p=shares / shares.sum()))],
        "side": "LR"[int(rng.integers(2))],
        "dated": FIRST_DAY + timedelta(days=int(rng.integers(5000))),
        "proof": "histology",
    }


def _film(writer: ArchiveWriter, person: Row, vector: Vectors, rng: np.random.Generator) -> Row:
    number = writer.new_film()
    facts: dict[str, Any] = {
        "film": number,
        "vector": writer.add_vector(vector),
        "sha256": f"{number:064x}",
        "file": f"{number}.png",
        "uri": f"file:///invented/{number}.png",
        "source": SOURCE,
        "view": ("frontal", "lateral")[int(rng.integers(2))],
        "taken": person["dated"],
        "stage": (Stage.after_operation if rng.random() < 0.1 else Stage.before).value,
        "split_group": person["patient"],
        "rows": 2400,
        "columns": 1800,
        "x0": 500,
        "y0": 700,
        "x1": 1100,
        "y1": 1500,
        "region": "segmented",
    }
    return _full("films", person | facts)


def _full(table: str, facts: Row) -> Row:
    """A row of a table: what is known, None in every other column."""
    return {name: facts.get(name) for name in Catalogue.column_names(table)}
