"""The folder that `generate` writes: complete, marked SYNTHETIC, the same bytes every time."""

import csv
import hashlib
import json
from collections import defaultdict
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from engine.errors import SourceError
from engine.readers import read
from indexer.synthetic import LESION, GeneratedArchive, generate

KINDS = {"presentation", "radiology", "pathology", "laboratory", "therapy", "surgery", "board", "follow-up"}
HEADER = [
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "StudyDate",
    "StudyTime",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "ImageLaterality",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "WindowCenter",
    "WindowWidth",
    "RescaleSlope",
    "RescaleIntercept",
    "Rows",
    "Columns",
    "BitsStored",
    "PhotometricInterpretation",
]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_counts_agree(archive: GeneratedArchive, demo: Path) -> None:
    facts = json.loads((demo / "source.json").read_text(encoding="utf-8"))
    films = sorted(p.relative_to(demo / "films").as_posix() for p in (demo / "films").rglob("*.dcm"))
    assert archive.patients == facts["patients"] == len(rows(demo / "diagnoses.csv")) == 16
    assert archive.films == facts["films"] == len(films)
    assert sorted(r["file"] for r in rows(demo / "films.csv")) == films
    assert facts["synthetic"] is True
    assert facts["layout"] == "dicom"
    films = list((demo / "query").glob("*.dcm"))
    assert len(films) == 2
    for film in films:
        mask = cv2.imread(str(film.with_name(film.stem + LESION)), cv2.IMREAD_GRAYSCALE)
        read = pydicom.dcmread(film, stop_before_pixels=True)
        assert mask.shape == (read.Rows, read.Columns)
        assert 0 < (mask > 0).mean() < 0.5


def test_same_seed_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    one = generate(
        tmp_path / "one", n_patients=5, seed=8, workers=1, progress=lambda done, total: seen.append((done, total))
    )
    two = generate(tmp_path / "two", n_patients=5, seed=8, workers=2)
    assert digests(one.folder) == digests(two.folder)
    assert seen == [(k, 5) for k in range(1, 6)]
    other = generate(tmp_path / "other", n_patients=5, seed=9, workers=1)
    assert digests(other.folder)["query/query-1.dcm"] != digests(one.folder)["query/query-1.dcm"]


def test_headers_are_complete_and_say_synthetic(demo: Path) -> None:
    uids = set()
    for path in sorted(demo.rglob("*.dcm")):
        film = pydicom.dcmread(path)
        for name in HEADER:
            assert str(film[name].value) != "", (path, name)
        assert film.file_meta.MediaStorageSOPInstanceUID == film.SOPInstanceUID
        assert film.SOPClassUID == pydicom.uid.ComputedRadiographyImageStorage
        assert film.Modality == "CR"
        assert list(film.ImageType) == ["DERIVED", "PRIMARY"]
        assert film.BurnedInAnnotation == "YES"
        assert film.Manufacturer == film.InstitutionName == film.ImageComments == "SYNTHETIC"
        assert str(film.PatientName).startswith("SYNTHETIC^")
        known = read(path)
        assert known.spacing is not None and known.spacing.row == pytest.approx(float(film.PixelSpacing[0]))
        assert known.detector_spacing is not None and known.detector_spacing.row > known.spacing.row
        assert str(film.PatientID) not in path.as_posix()
        uids.add(film.SOPInstanceUID)
    assert len(uids) == len(list(demo.rglob("*.dcm")))


def shown(path: Path) -> np.ndarray:
    """The picture in 0..1, bone bright, by the standard's rescale and window."""
    film = pydicom.dcmread(path)
    values = film.pixel_array * float(film.RescaleSlope) + float(film.RescaleIntercept)
    centre, width = float(film.WindowCenter), float(film.WindowWidth)
    grey = np.clip((values - centre) / width + 0.5, 0, 1)
    return 1 - grey if film.PhotometricInterpretation == "MONOCHROME1" else grey


def test_pictures_differ_and_use_the_range(demo: Path) -> None:
    pictures = [shown(path) for path in sorted((demo / "films").rglob("*.dcm"))]
    small = [cv2.resize(p, (32, 32), interpolation=cv2.INTER_AREA).ravel() for p in pictures]
    distances = np.linalg.norm(np.array(small)[:, None] - np.array(small)[None], axis=2) + 99 * np.eye(len(small))
    assert distances.min() > 0.3
    for picture in pictures:
        assert 512 <= max(picture.shape) <= 768
        assert picture.std() > 0.08
        assert np.percentile(picture, 99) > 0.6


def test_masks_lie_on_their_films(demo: Path) -> None:
    by_file = {r["file"]: r for r in rows(demo / "films.csv")}
    masks = sorted((demo / "masks").rglob("*.png"))
    for path in masks:
        name = path.relative_to(demo / "masks").with_suffix(".dcm").as_posix()
        mask, film = cv2.imread(str(path), cv2.IMREAD_UNCHANGED), pydicom.dcmread(demo / "films" / name)
        assert mask.shape == (film.Rows, film.Columns)
        assert set(np.unique(mask)) == {0, 255}
        assert 12 <= np.count_nonzero(mask) < 0.5 * mask.size
        assert by_file[name]["stage"] != "after operation"
    before = [r for r in by_file.values() if r["stage"] != "after operation"]
    assert len(masks) >= 0.95 * len(before)


def test_histories_are_coherent(demo: Path) -> None:
    events: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(demo / "events.csv"):
        assert row["kind"] in KINDS
        assert "SYNTHETIC" in row["text"]
        events[row["patient_id"]].append(row)
    for diagnosis in rows(demo / "diagnoses.csv"):
        history = events[diagnosis["patient_id"]]
        days = [date.fromisoformat(row["date"]) for row in history]
        assert days == sorted(days)
        assert history[0]["kind"] == "presentation"
        assert history[-1]["kind"] == "follow-up"
        assert diagnosis["malignancy"] != "malignant" or diagnosis["proof"] == "histology"
        kind = {"histology": "pathology", "tumour board": "board"}[diagnosis["proof"]]
        proofs = [row for row in history if row["kind"] == kind and row["date"] == diagnosis["date"]]
        assert any(diagnosis["entity"] in row["text"] for row in proofs)


def test_the_queries_say_what_they_are(demo: Path) -> None:
    text = (demo / "query" / "README.txt").read_text(encoding="utf-8")
    assert "SYNTHETIC" in text
    known = {r["patient_id"] for r in rows(demo / "diagnoses.csv")}
    for path in (demo / "query").glob("*.dcm"):
        assert path.name in text
        assert pydicom.dcmread(path).PatientID not in known


def test_a_former_demo_is_replaced_and_a_strange_folder_refused(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    generate(out, n_patients=2, seed=1, workers=1)
    (out / "films" / "case-0001" / "9.dcm").write_bytes(b"left over")
    again = generate(out, n_patients=1, seed=1, workers=1)
    assert len(list((out / "films").rglob("*.dcm"))) == again.films
    (out / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SourceError, match=r"thesis\.txt"):
        generate(out, n_patients=1, workers=1)
    assert (out / "source.json").is_file()


@pytest.mark.parametrize(("n_patients", "workers", "seed"), [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_impossible_orders_are_refused(tmp_path: Path, n_patients: int, workers: int, seed: int) -> None:
    with pytest.raises(SourceError, match="start at 1"):
        generate(tmp_path / "demo", n_patients=n_patients, workers=workers, seed=seed)
    assert not (tmp_path / "demo").exists()


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file", encoding="utf-8")
    with pytest.raises(SourceError, match="is a file"):
        generate(tmp_path / "demo", n_patients=1, workers=1)
