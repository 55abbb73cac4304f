"""An archive of invented rows in the product's own format, for benches that need its size and not its films."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.card import ModelCard
from engine.embeddings import Ids, Vectors
from engine.encoders import EncoderFiles
from engine.radiograph import Stage
from indexer.catalogue import Catalogue, Row
from indexer.indexing import build_index
from indexer.manifest import IndexFacts, Manifest, SourceFacts
from indexer.synthetic.cohort import ENTITIES, SITE_SHARES
from indexer.writer import ArchiveWriter, open_writer

FILMS_PER_PATIENT = 2.5
SOURCE = "bench"
FIRST_DAY = date(2010, 1, 1)
SPREAD = {"entity": 1.0, "patient": 1.0, "film": 0.7}
"""How far entities, patients of one entity and films of one patient lie apart, against each other."""
TREATED = 0.1
AT_ONCE = 50_000
"""Films whose rows are held at once."""
NO_CARD = ModelCard(
    "no encoder", "none", "0" * 64, 256, 8, (0.5,) * 3, (0.5,) * 3, "openvino-f32", "nothing", "none", "none"
)  # fmt: skip
"""Of vectors that no encoder made."""


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
    """Write an archive of invented films and vectors; float32 (films, d), its vectors in film order.

    Patients have 2.5 films on average; the vectors are `clustered` by ten entities. For the rest see `fill_archive`.
    """
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(0, max(1, round(films / FILMS_PER_PATIENT)), films))
    patient = np.unique(patient, return_inverse=True)[1].astype(np.int64)  # some drew no film
    kind = _kinds(int(patient.max()) + 1, rng)
    vectors = clustered(kind[patient], patient, encoder.card.dimension, rng)
    _fill(root, encoder.card, encoder.onnx.parent, vectors, patient, kind, rng)
    return vectors


def fill_archive(
    root: Path, vectors: Vectors, patient: Ids, index: str, seed: int = 0, treated: float = TREATED
) -> Ids:
    """Write an archive of invented films with these vectors, float32 (n, d), of these patients, int64 (n,).

    A patient has one lesion of one of ten entities, an age, a sex and a site; one age in twenty is unknown, and the
    share `treated` of films was taken after treatment. Films are rows only: there is no picture behind them, and no
    encoder behind their vectors. index: a name of the registry. Gives int64 (n,): the row of `vectors` that each film
    of the archive has.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(patient, kind="stable")
    people = np.unique(patient[order], return_inverse=True)[1].astype(np.int64)
    folder = root.parent / "no-encoder"
    folder.mkdir(parents=True)
    for name in ("encoder.onnx", "card.json"):
        (folder / name).write_text("none", encoding="utf-8")
    card = replace(NO_CARD, dimension=vectors.shape[1])
    _fill(root, card, folder, vectors[order], people, _kinds(int(people.max()) + 1, rng), rng, index, treated)
    return np.asarray(order, np.int64)


def _kinds(patients: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    shares = np.array([facts.share for facts in ENTITIES.values()])
    return rng.choice(len(ENTITIES), patients, p=shares / shares.sum())


def _fill(
    root: Path, card: ModelCard, encoder: Path, vectors: Vectors, patient: Ids, kind: Ids, rng: np.random.Generator,
    index: str | None = None, treated: float = TREATED,
) -> None:  # fmt: skip
    """Write films, a patient's beside each other, and publish them."""
    with open_writer(root, card, encoder) as writer:
        writer.declare_source(SOURCE, SourceFacts("folder", SOURCE, "Invented rows", "mask", synthetic=True))
        first = np.flatnonzero(np.diff(patient, prepend=-1))
        edges = [*first[:: max(1, round(AT_ONCE / FILMS_PER_PATIENT))].tolist(), len(patient)]
        for start, end in pairwise(edges):
            _enrol(writer, patient[start:end], kind, vectors[start:end], rng, treated)
        if index is None:
            writer.publish()
        else:
            writer.publish(
                indexed=lambda manifest, version, held: build_index(root, manifest, version, held, name=index)
            )


def _indexed(root: Path, name: str, manifest: Manifest, version: int, held: Ids) -> IndexFacts:
    return build_index(root, manifest, version, held, name=name)


def _enrol(
    writer: ArchiveWriter, patient: Ids, kind: Ids, vectors: Vectors, rng: np.random.Generator, treated: float
) -> None:
    """Patients, their lesions and follow-ups, and their films."""
    base = int(patient[0])
    people = _people(writer, base, kind[base : int(patient[-1]) + 1], rng)
    patients = [_full("patients", one | {"split_group": one["patient"]}) for one in people]
    ends = [
        {"patient": one["patient"], "dated": one["dated"], "kind": "follow-up", "text": "well", "source": None}
        for one in people
    ]
    views, late = rng.integers(2, size=len(patient)).tolist(), (rng.random(len(patient)) < treated).tolist()
    rows = [
        _film(writer, people[owner - base], vector, view, after)
        for owner, vector, view, after in zip(patient.tolist(), vectors, views, late, strict=True)
    ]
    with writer.catalogue.transaction():
        writer.catalogue.insert("patients", patients)
        writer.catalogue.insert("lesions", [_full("lesions", one) for one in people])
        writer.catalogue.insert("events", [_full("events", one) for one in ends])
        writer.catalogue.insert("films", rows)


def _people(writer: ArchiveWriter, first: int, kind: Ids, rng: np.random.Generator) -> list[Row]:
    """What is known of patients and of their one lesion each."""
    n, names, sites = len(kind), list(ENTITIES), list(SITE_SHARES)
    shares = np.array(list(SITE_SHARES.values()))
    drawn = zip(
        kind.tolist(), rng.integers(2, size=n).tolist(), (rng.random(n) < 0.05).tolist(),
        rng.integers(3, 85, size=n).tolist(), rng.choice(len(sites), n, p=shares / shares.sum()).tolist(),
        rng.integers(2, size=n).tolist(), rng.integers(5000, size=n).tolist(), strict=True,
    )  # fmt: skip
    return [
        {
            "patient": writer.pseudonyms.patient(f"{first + number}", SOURCE),
            "sex": "FM"[sex],
            "age": None if unknown else float(age),
            "lesion": writer.new_lesion(),
            "entity": names[entity],
            "malignancy": ENTITIES[names[entity]].malignancy,
            "site": sites[site],
            "side": "LR"[side],
            "dated": FIRST_DAY + timedelta(days=day),
            "proof": "histology",
        }
        for number, (entity, sex, unknown, age, site, side, day) in enumerate(drawn)
    ]


def _film(writer: ArchiveWriter, person: Row, vector: Vectors, view: int, after: bool) -> Row:
    number = writer.new_film()
    facts: dict[str, Any] = {
        "film": number,
        "vector": writer.add_vector(vector),
        "sha256": f"{number:064x}",
        "file": f"{number}.png",
        "uri": f"file:///invented/{number}.png",
        "source": SOURCE,
        "view": ("frontal", "lateral")[view],
        "taken": person["dated"],
        "stage": (Stage.after_operation if after else Stage.before).value,
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
