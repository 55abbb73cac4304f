"""`caselink serve` as a process of its own: real sockets, a real client."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.client import ApiProblem, ApiUnreachable, Client

START_LIMIT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and log of a running server."""
    port, log = free_port(), tmp_path_factory.mktemp("serve") / "log"
    command = [sys.executable, "-m", "api.cli", "serve", "--archive", str(archive), "--port", str(port)]
    environment = os.environ | {"CASELINK_THREADS": "1", "CASELINK_MAX_UPLOAD_MIB": "1"}
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        wait(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", log
    finally:
        process.terminate()
        assert process.wait(timeout=20) in {0, -15}


def wait(address: str, process: subprocess.Popen[bytes]) -> None:
    limit = time.monotonic() + START_LIMIT_S
    while time.monotonic() < limit and process.poll() is None:
        try:
            with Client(address) as client:
                client.ready()
        except ApiUnreachable:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not come up")


def test_a_film_goes_round(server: tuple[str, Path], film: bytes) -> None:
    with Client(server[0]) as client:
        answer = client.search([("knee.png", film)], k=3, roi=[(20, 30, 70, 95)])
        assert answer.label == "osteosarcoma"
        history = client.patient(answer.cases[0].patient)
        assert {lesion.entity for lesion in history.lesions} == {"osteosarcoma"}
        assert client.film_preview(answer.cases[0].films[0].film).startswith(b"\x89PNG")


def test_too_much_is_answered_before_it_is_read(server: tuple[str, Path]) -> None:
    with Client(server[0]) as client, pytest.raises(ApiProblem, match="over the limit of 1 MiB") as caught:
        client.preview("big.png", bytes(40 << 20))
    assert caught.value.status == 413


def test_head_has_no_body(server: tuple[str, Path]) -> None:
    answer = httpx.head(f"{server[0]}/v1/archive", trust_env=False)
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "head", [b"GET /v1/archive HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"\x16\x03\x01 nonsense\r\n\r\n"]
)
def test_strangers_get_an_error_and_nothing_breaks(server: tuple[str, Path], head: bytes) -> None:
    port = int(server[0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plug:
        plug.sendall(head)
        assert plug.recv(4096).startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))
    with Client(server[0]) as client:
        assert client.ready().status == "ready"


def test_a_caller_that_hangs_up_is_no_incident(server: tuple[str, Path]) -> None:
    port = int(server[0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plug:
        plug.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
            b"Content-Length: 9999\r\n\r\n--b\r\n"
        )
    with Client(server[0]) as client:
        assert client.ready().status == "ready"
    assert "Traceback" not in server[1].read_text(encoding="utf-8")


def test_a_port_in_use_is_one_sentence(server: tuple[str, Path], archive: Path) -> None:
    port = server[0].rpartition(":")[2]
    command = [sys.executable, "-m", "api.cli", "serve", "--archive", str(archive), "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "address already in use" in done.stderr


def test_help_names_every_command(caselink: Callable[..., Any]) -> None:
    done = caselink("--help")
    assert done.code == 0
    for command in ("index", "query", "evaluate", "report", "archive", "patient", "serve", "page", "demo", "bench"):
        assert f" {command} " in done.out
    assert "not a diagnosis" in done.out
