"""The SYNTHETIC demo archive: invented patients, drawn films, invented histories, all of it marked as such."""

from __future__ import annotations

import csv
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from engine.errors import SourceError
from indexer.synthetic.cohort import Patient, plan_cohort
from indexer.synthetic.dicom_writer import write_film
from indexer.synthetic.film import draw
from indexer.synthetic.history import write_history
from indexer.synthetic.placement import place, plan_queries

__all__ = ["LESION", "GeneratedArchive", "generate"]

TITLE = "SYNTHETIC demo archive"
OURS = frozenset({"source.json", "films", "masks", "query", "diagnoses.csv", "events.csv", "films.csv"})
_README = """SYNTHETIC films, ready to be sent as queries.
No patient: a program drew them, and nothing here may guide care.
{names}
None of these patients is in the archive. The PNG of the same name shows where the lesion was drawn.
"""
LESION = "-lesion.png"
"""Ending of the mask that lies beside each query film."""
Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GeneratedArchive:
    """What `generate` wrote to `folder`."""

    folder: Path
    patients: int
    films: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """The table rows of one patient."""

    diagnosis: Row
    events: tuple[Row, ...]
    films: tuple[Row, ...]


def generate(
    out: Path,
    *,
    n_patients: int = 240,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> GeneratedArchive:
    """Draw a whole SYNTHETIC archive of DICOM films, masks and tables into the folder `out`.

    The same `n_patients` and `seed` give the same bytes with any number of `workers`. A former archive in `out` is
    replaced; `source.json` is written last and marks a complete one. `progress(done, total)` counts patients.

    Raises:
        SourceError: fewer than one patient or worker, a negative seed, or files in `out` that are not a demo's.
    """
    if n_patients < 1 or workers < 1 or seed < 0:
        raise SourceError(
            f"{n_patients} patients, {workers} workers, seed {seed}: patients and workers start at 1, seeds at 0"
        )
    _clear(out)
    patients = plan_cohort(n_patients, seed)
    rows: list[_Rows] = []
    for done, written in enumerate(_each(partial(_write_patient, out), patients, workers), start=1):
        rows.append(written)
        if progress is not None:
            progress(done, n_patients)
    _write_queries(out / "query", plan_queries(seed))
    _write_tables(out, rows)
    films = sum(len(r.films) for r in rows)
    facts = {"title": TITLE, "synthetic": True, "layout": "dicom", "seed": seed, "patients": n_patients, "films": films}
    (out / "source.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return GeneratedArchive(out, n_patients, films)


def _clear(out: Path) -> None:
    """Make `out`, empty of a former demo; refuses a folder that holds anything else."""
    if out.exists() and not out.is_dir():
        raise SourceError(f"{out.name} is a file; name a folder for the demo archive")
    strange = sorted(p.name for p in out.iterdir() if p.name not in OURS) if out.is_dir() else []
    if strange:
        raise SourceError(
            f"{out.name} holds {strange[0]!r}, which is no part of a demo archive; name a new or empty folder"
        )
    for name in sorted(OURS):
        path = out / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)


def _each(write: Callable[[Patient], _Rows], patients: Sequence[Patient], workers: int) -> Iterable[_Rows]:
    """`write` of every patient in order, in this process or in `workers` fresh ones."""
    if workers == 1:
        yield from map(write, patients)
        return
    # Spawned, not forked: the caller may already run threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(write, patients, chunksize=4)


def _write_patient(out: Path, patient: Patient) -> _Rows:
    """Draw and write one patient's films and masks; returns the patient's table rows."""
    lesion = place(patient)
    films: list[Row] = []
    for plan in patient.films:
        film = draw(patient, lesion, plan)
        # paths enter archives as they are, so they do not hold the patient's identifier
        name = f"case-{patient.patient_id.removeprefix('SYN-')}/{plan.number}"
        write_film(out / "films" / f"{name}.dcm", patient, plan, film)
        if film.mask is not None:
            path = out / "masks" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(cv2.imencode(".png", film.mask)[1].tobytes())
        films.append((f"{name}.dcm", patient.patient_id, plan.stage, film.view, patient.side, patient.site))
    diagnosis = (
        patient.patient_id,
        "1",
        patient.entity,
        patient.malignancy,
        patient.site,
        patient.side,
        patient.proven.isoformat(),
        patient.proof,
    )
    events = tuple(
        (patient.patient_id, e.day.isoformat(), e.kind, e.text, f"SYNTHETIC {e.source}")
        for e in write_history(patient, lesion)
    )
    return _Rows(diagnosis, events, tuple(films))


def _write_queries(folder: Path, patients: Sequence[Patient]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for k, patient in enumerate(patients, start=1):
        plan = patient.films[0]
        film = draw(patient, place(patient), plan)
        write_film(folder / f"query-{k}.dcm", patient, plan, film)
        if film.mask is not None:
            (folder / f"query-{k}{LESION}").write_bytes(cv2.imencode(".png", film.mask)[1].tobytes())
        lines.append(
            f"query-{k}.dcm: SYNTHETIC, drawn as {patient.entity}, {patient.site}, age {patient.age}, {patient.sex}"
        )
    (folder / "README.txt").write_text(_README.format(names="\n".join(lines)), encoding="utf-8")


def _write_tables(out: Path, rows: Sequence[_Rows]) -> None:
    _write_csv(
        out / "diagnoses.csv",
        ("patient_id", "lesion", "entity", "malignancy", "site", "side", "date", "proof"),
        [r.diagnosis for r in rows],
    )
    _write_csv(
        out / "events.csv", ("patient_id", "date", "kind", "text", "source"), [e for r in rows for e in r.events]
    )
    _write_csv(
        out / "films.csv", ("file", "patient_id", "stage", "view", "side", "site"), [f for r in rows for f in r.films]
    )


def _write_csv(path: Path, header: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
