"""A small SYNTHETIC archive behind the real API, for the page's tests."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.client import ApiProblem, ApiUnreachable, Client
from engine.encoders import encoder_files
from engine.encoders.runtime import OnnxEmbedder
from indexer.ingest import ingest
from indexer.prepare import Roi
from indexer.sources import open_source
from indexer.synthetic import generate
from indexer.writer import open_writer

PATIENTS = 12
START_LIMIT_S = 60.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """`caselink serve` as a process of its own, which tests may stop and start again at the same address."""

    def __init__(self, archive: Path, log: Path) -> None:
        self.archive, self.log, self.port = archive, log, _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "api.cli", "serve", "--archive", str(self.archive), "--port", str(self.port)]
        with self.log.open("ab") as log:
            env = os.environ | {"CASELINK_THREADS": "1"}
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        client, limit = Client(self.url), time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                client.ready()
            except (ApiUnreachable, ApiProblem):
                time.sleep(0.1)
            else:
                client.close()
                return
        self.stop()
        pytest.fail(f"the API did not get ready: {self.log.read_text()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    return _free_port


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SYNTHETIC source: films/, and query/ with the lesion's mask beside each query film."""
    folder = tmp_path_factory.mktemp("page") / "films"
    generate(folder, n_patients=PATIENTS, seed=3, workers=1)
    return folder


@pytest.fixture(scope="session")
def archive(films: Path, encoder_cache: Path) -> Path:
    folder = films.parent / "archive"
    files = encoder_files("default", encoder_cache)
    embedder = OnnxEmbedder.open(files, threads=1)
    with open_writer(folder, embedder.card, files.onnx.parent) as writer:
        report = ingest(open_source(films, "dicom"), films, "dicom", Roi.mask, embedder, writer, workers=1)
    assert report.indexed == report.found > PATIENTS
    return folder


@pytest.fixture(scope="session")
def api(archive: Path) -> Iterator[Server]:
    server = Server(archive, archive.parent / "api.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def address(api: Server) -> str:
    return api.url


@pytest.fixture(scope="session")
def query_film(films: Path) -> Path:
    return films / "query" / "query-1.dcm"
