"""DICOM films: who they are of is known, used to leave the own patient out, and never told."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

from api.app import create_app
from api.settings import Settings

SECRETS = ("Doe", "Jane", "MRN-0", "19990131", "St Elsewhere", "1.2.826")


def dicom(patient: int, seed: int) -> bytes:
    """A film with every identifier a header may hold."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid("1.2.826.0.1.", entropy_srcs=[f"{patient} {seed}"])
    data = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = generate_uid("1.2.826.0.1.", entropy_srcs=[f"study {patient}"])
    data.PatientName, data.PatientID, data.PatientBirthDate = f"Doe^Jane{patient}", f"MRN-0{patient}", "19990131"
    data.InstitutionName, data.PatientSex, data.PatientAge = "St Elsewhere", "F", "020Y"
    data.StudyDate = "20260412"
    data.BodyPartExamined, data.ViewPosition, data.ImageLaterality = "KNEE", "AP", "L"
    data.Rows, data.Columns, data.SamplesPerPixel = 64, 48, 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PhotometricInterpretation, data.Modality, data.PixelSpacing = "MONOCHROME2", "CR", [0.15, 0.15]
    grey = np.random.default_rng(seed).integers(0, 4096, (64, 48), dtype=np.uint16)
    data.PixelData = grey.tobytes()
    target = BytesIO()
    data.save_as(target, enforce_file_format=True)
    return target.getvalue()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dicom") / "films"
    folder.mkdir()
    for patient in range(4):
        (folder / f"{patient}.dcm").write_bytes(dicom(patient, patient))
    rows = "".join(f"MRN-0{patient},enchondroma,histology\n" for patient in range(4))
    (folder / "diagnoses.csv").write_text(f"patient_id,entity,proof\n{rows}", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def hospital(films: Path, bench: Any, limits: Settings) -> Iterator[TestClient]:
    archive = films.parent / "archive"
    report = bench.index(films, archive, "dicom")
    assert report.indexed == 4, report
    with TestClient(create_app(archive, limits), base_url="http://127.0.0.1") as client:
        yield client


def ask(http: TestClient, *films: bytes, **fields: str) -> Any:
    return http.post("/v1/search", files=[("files", (f"{n}.dcm", each)) for n, each in enumerate(films)], data=fields)


def test_the_own_patient_is_known_by_the_header_alone(hospital: TestClient) -> None:
    """A new film of patient 2, whose bytes the archive has never seen."""
    without = ask(hospital, dicom(2, 99), k="4").json()
    within = ask(hospital, dicom(2, 99), k="4", include_self="true").json()
    assert (len(without["cases"]), len(within["cases"])) == (3, 4)
    own = {case["patient"] for case in within["cases"]} - {case["patient"] for case in without["cases"]}
    same = ask(hospital, dicom(2, 2), k="1", include_self="true").json()["cases"][0]
    assert own == {same["patient"]}
    assert same["similarity"] == pytest.approx(1, abs=1e-5)


def test_films_of_two_patients_are_no_query(hospital: TestClient) -> None:
    answer = ask(hospital, dicom(1, 1), dicom(2, 2), k="2")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/query")
    assert answer.json()["detail"] == "the films belong to 2 patients by their headers; query one patient at a time"


def test_what_the_header_says_of_the_film_is_told(hospital: TestClient) -> None:
    query = ask(hospital, dicom(1, 7), k="2").json()["queries"][0]
    assert (query["side"], query["view"], query["body_part"]) == ("L", "frontal", "knee")
    assert query["spacing_mm"] == [0.15, 0.15]
    shown = hospital.post("/v1/preview", files={"file": ("a.dcm", dicom(1, 7))})
    assert (shown.headers["x-film-side"], shown.headers["x-film-view"]) == ("L", "frontal")
    assert (shown.headers["x-film-taken"], shown.headers["x-film-body-part"]) == (query["taken"], "knee")
    assert query["taken"] == "2026-04-12" and shown.headers["x-film-spacing"] == "[0.15, 0.15]"


def test_what_was_odd_has_a_code_beside_its_sentence(hospital: TestClient) -> None:
    shown = hospital.post("/v1/preview", files={"file": ("a.dcm", dicom(1, 7))})
    said, codes = (json.loads(shown.headers[f"x-film-{name}"]) for name in ("warnings", "remarks"))
    assert said == [each["text"] for each in codes] and "uncalibrated" in [each["code"] for each in codes]
    answer = ask(hospital, dicom(1, 7), k="4").json()
    known = {each["text"]: each for each in answer["remarks"]}
    assert known.keys() >= {*answer["warnings"], answer["shares_note"]} - {None}
    assert known["only 3 of the 4 patients asked for may answer"]["values"] == {"cases": 3, "k": 4}
    odd = next(each for each in answer["remarks"] if each["code"] == "uncalibrated")
    assert odd["film"] == "0.dcm" and odd["text"].startswith("0.dcm: ")


def test_who_it_is_of_is_not(hospital: TestClient) -> None:
    found = ask(hospital, dicom(1, 7), k="3")
    patient, film = found.json()["cases"][0]["patient"], found.json()["cases"][0]["films"][0]["film"]
    answers = [
        found,
        ask(hospital, dicom(1, 1), dicom(2, 2), k="2"),
        ask(hospital, dicom(1, 1)[:-500], k="2"),
        ask(hospital, dicom(1, 1), roi="0,0,999,999", k="2"),
        hospital.get(f"/v1/patients/{patient}"),
        hospital.get("/v1/patients/MRN-01x"),
        hospital.get(f"/v1/films/{film}/preview"),
        hospital.post("/v1/preview", files={"file": ("a.dcm", dicom(1, 7))}),
        hospital.get("/v1/archive"),
    ]
    for answer in answers:
        told = answer.content.decode("latin-1") + str(dict(answer.headers))
        if "MRN-01x" in told:
            told = told.replace("MRN-01x", "")  # what the caller typed himself
        for secret in SECRETS:
            assert secret not in told


def test_nothing_of_it_is_stored(hospital: TestClient, films: Path) -> None:
    assert hospital.get("/readyz").status_code == 200
    for path in (films.parent / "archive").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for secret in ("Doe", "MRN-0", "19990131", "Elsewhere"):
                assert secret.encode() not in data, path
