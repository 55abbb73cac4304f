"""A small archive of drawn films behind the real API, with the real encoder."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.client import Client
from api.settings import Settings
from engine.encoders import EncoderFiles, encoder_files
from engine.encoders.runtime import OnnxEmbedder
from indexer.durable import hash_file
from indexer.ingest import IngestReport, ingest
from indexer.manifest import read_manifest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.writer import open_writer

BASE = "http://127.0.0.1"
ENTITIES = ("osteochondroma", "enchondroma", "osteosarcoma")
PATIENTS = 15
ROWS, COLUMNS = 120, 90


def draw(entity: int, patient: int, film: int = 0) -> npt.NDArray[np.uint8]:
    """A bone with a lesion that looks alike within an entity; 8-bit grey (120, 90)."""
    rng = np.random.default_rng([entity, patient, film])
    grey = rng.normal(40, 6, (ROWS, COLUMNS))
    grey[:, 35:55] += 110
    y, x = np.ogrid[:ROWS, :COLUMNS]
    distance = np.hypot(y - rng.integers(50, 70), x - rng.integers(40, 50))
    if entity == 0:
        grey[distance < 14] += 90
    elif entity == 1:
        grey[(distance < 16) & (distance % 5 < 2)] += 80
    else:
        grey[distance < 18] -= 90
    return np.clip(grey, 0, 255).astype(np.uint8)


def png(pixels: npt.NDArray[np.integer]) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_source(root: Path, patients: range = range(PATIENTS)) -> Path:
    """A folder source: two films a patient, one after operation for every fifth, some ages unknown, histories."""
    films, events = [], []
    root.mkdir(parents=True)
    for patient in patients:
        entity = patient % len(ENTITIES)
        for number in range(2):
            name = f"p{patient:02}-{number}.png"
            (root / name).write_bytes(png(draw(entity, patient, number)))
            films.append({
                "file": name, "patient_id": f"P{patient:02}", "entity": ENTITIES[entity], "site": "femur",
                "age": "" if patient % 4 == 3 else str(8 + patient), "sex": "FM"[patient % 2], "side": "L",
                "view": ("frontal", "lateral")[number], "date": f"2019-0{1 + number}-1{patient % 10}",
                "stage": "after operation" if patient % 5 == 4 and number else "before treatment",
                "proof": "histology", "centre": str(1 + patient % 2),
            })  # fmt: skip
        events.append(
            {"patient_id": f"P{patient:02}", "kind": "follow-up", "text": "well", "date": "2021-01-01", "source": ""}
        )
    write_table(root / "films.csv", films)
    write_table(root / "events.csv", events)
    return root


@dataclass(frozen=True)
class Bench:
    """The encoder that tests share, and indexing with it."""

    files: EncoderFiles
    embedder: OnnxEmbedder

    def index(self, source: Path, archive: Path, layout: str = "folder", roi: Roi = Roi.whole) -> IngestReport:
        with open_writer(archive, self.embedder.card, self.files.onnx.parent) as writer:
            return ingest(open_source(source, layout), source, layout, roi, self.embedder, writer, workers=1)


@pytest.fixture(scope="session")
def bench(encoder_cache: Path) -> Bench:
    files = encoder_files("default", encoder_cache)
    return Bench(files, OnnxEmbedder.open(files, threads=1))


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("source") / "Hospital films")


@pytest.fixture(scope="session")
def more_patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six patients of whom the archive knows nothing."""
    return write_source(tmp_path_factory.mktemp("more") / "Later films", range(20, 26))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, source: Path, bench: Bench) -> Path:
    """15 patients, 30 films; read-only for tests."""
    folder = tmp_path_factory.mktemp("served") / "archive"
    report = bench.index(source, folder)
    assert (report.found, report.indexed) == (30, 30)
    return folder


@pytest.fixture
def copied(archive: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a copy of the archive to change, without what other tests had noted in its journal."""

    def copy() -> Path:
        unnoted = shutil.ignore_patterns("journal.sqlite*")
        return Path(shutil.copytree(archive, tmp_path / "copy" / "archive", ignore=unnoted))

    return copy


@pytest.fixture
def of_another_model(copied: Callable[[], Path]) -> Callable[..., Path]:
    """Makes a copy whose encoder's card says something else, as one says that its manifest knows."""

    def change(**said: object) -> Path:
        root = copied()
        manifest, card = read_manifest(root), root / "encoder" / "card.json"
        card.write_text(json.dumps(json.loads(card.read_text(encoding="utf-8")) | said), encoding="utf-8")
        digest = hash_file(card)
        files = tuple(
            replace(file, sha256=digest) if file.path == "encoder/card.json" else file
            for file in manifest.encoder_files
        )
        replace(manifest, encoder_files=files).save(root)
        return root

    return change


@pytest.fixture(scope="session")
def limits() -> Settings:
    return Settings(threads=1, max_films=3, max_upload_mib=1)


@pytest.fixture(scope="session")
def http(archive: Path, limits: Settings) -> Iterator[TestClient]:
    """The app over `archive`; unforeseen errors become answers, as on a real server."""
    with TestClient(create_app(archive, limits), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


class Bridge(httpx.BaseTransport):
    """Hands requests of the client to the app in this process."""

    def __init__(self, app: TestClient) -> None:
        self.app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.app.request(request.method, str(request.url), content=request.read(), headers=request.headers.raw)
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)


@pytest.fixture(scope="session")
def talk() -> Callable[..., Client]:
    """`talk(app, user)`: a typed client of an app in this process."""

    def make(app: TestClient, user: str | None = None) -> Client:
        made = Client("http://127.0.0.1/", user=user)
        headers = made._http.headers
        made._http.close()
        made._http = httpx.Client(base_url=made.base_url, transport=Bridge(app), headers=headers)
        return made

    return make


@pytest.fixture
def own(copied: Callable[[], Path], limits: Settings) -> Iterator[TestClient]:
    """The app over an archive of its own, to write on; the archive is its `state.service.root`."""
    root = copied()
    with TestClient(create_app(root, limits), base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def film() -> bytes:
    """A film that the archive does not hold, drawn like its osteosarcomas."""
    return png(draw(2, 99))


@pytest.fixture(scope="session")
def tree_hash() -> Callable[[Path], dict[str, str]]:
    """Every file of a folder with the hash of its bytes, to show that nothing changed."""

    def hashes(root: Path) -> dict[str, str]:
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    return hashes


def _zip() -> bytes:
    import zipfile

    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as packed:
        packed.writestr("film.png", png(draw(0, 0)))
    return target.getvalue()


def _huge_png() -> bytes:
    """A whole PNG header that promises 30,000x30,000 pixels, and no pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _lying_dicom() -> bytes:
    """A DICOM film whose header promises more pixels than there are."""
    from io import BytesIO

    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["lying"])
    data = FileDataset("x", {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID = "Secret^Name", "SECRET-ID"
    data.Rows, data.Columns, data.SamplesPerPixel = 4000, 4000, 1
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelData = bytes(2 * 100 * 100)
    target = BytesIO()
    data.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _bad_films() -> dict[str, tuple[str, bytes, int]]:
    whole = png(draw(0, 0))
    jpeg = cv2.imencode(".jpg", draw(0, 0))[1].tobytes()
    return {
        "empty": ("empty.png", b"", 422),
        "truncated png": ("cut.png", whole[: len(whole) // 2], 422),
        "truncated jpeg": ("cut.jpg", jpeg[: len(jpeg) // 2], 422),
        "renamed text": ("notes.png", b"dear colleague, see the film attached", 422),
        "one pixel": ("dot.png", png(np.zeros((1, 1), np.uint8)), 415),
        "30,000 x 30,000": ("huge.png", _huge_png(), 415),
        "zip": ("films.zip", _zip(), 422),
        "pdf": ("report.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", 422),
        "lying dicom": ("lie.dcm", _lying_dicom(), 422),
    }


BAD_FILMS = _bad_films()


@pytest.fixture(scope="session")
def bad_films() -> dict[str, tuple[str, bytes, int]]:
    """All of `bad_film` by what is wrong with them."""
    return BAD_FILMS


@pytest.fixture(scope="session", params=list(BAD_FILMS))
def bad_film(request: pytest.FixtureRequest) -> tuple[str, bytes, int]:
    """A file that is no film: its name, its bytes, and the HTTP status of its refusal."""
    return BAD_FILMS[request.param]
