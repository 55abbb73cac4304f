"""What the server says of itself and its archive; new versions and broken archives."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from api import service
from api.app import create_app
from api.settings import Settings
from indexer.catalogue import FILTER_COLUMNS
from indexer.manifest import NAME

BASE = "http://127.0.0.1"


def serve(archive: Path, limits: Settings) -> TestClient:
    return TestClient(create_app(archive, limits), base_url=BASE)


def test_archive_lists_what_a_filter_may_name(http: TestClient) -> None:
    facts = http.get("/v1/archive").json()
    assert (facts["films"], facts["patients"], facts["title"]) == (30, 15, "Hospital films")
    assert [column["name"] for column in facts["columns"]] == list(FILTER_COLUMNS)
    values = {column["name"]: column["values"] for column in facts["columns"]}
    assert values["sex"] == [{"value": "F", "films": 16}, {"value": "M", "films": 14}]
    assert {"value": None, "films": 6} in values["age"]
    assert values["source"] == values["patient"] == values["film"] == []
    assert facts["limits"] == {"max_films": 3, "max_upload_mib": 1}
    assert facts["left_out"] == [{"outcome": "indexed", "films": 30}]
    assert facts["model"]["dimension"] == 1280


def test_alive_and_ready(http: TestClient) -> None:
    assert http.get("/healthz").json()["status"] == "alive"
    ready = http.get("/readyz").json()
    assert (ready["status"], ready["films"], ready["patients"], ready["synthetic"]) == ("ready", 30, 15, False)


def test_alive_but_not_ready_without_an_archive(tmp_path: Path, limits: Settings, film: bytes) -> None:
    with serve(tmp_path / "hidden" / "archive", limits) as http:
        assert http.get("/healthz").status_code == 200
        for answer in (
            http.get("/readyz"),
            http.get("/v1/archive"),
            http.post("/v1/search", files={"files": ("a.png", film)}),
        ):
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/archive")
            assert "archive holds no archive; make one with" in answer.json()["detail"]
            assert "hidden" not in answer.text
            assert str(tmp_path) not in answer.text


def test_a_server_started_too_early_finds_the_archive(
    tmp_path: Path, limits: Settings, source: Path, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RETRY_S", 0.0)
    with serve(tmp_path / "archive", limits) as http:
        assert http.get("/readyz").status_code == 503
        bench.index(source, tmp_path / "archive")
        assert http.get("/readyz").json()["films"] == 30


def test_a_failure_is_not_tried_again_at_every_question(
    tmp_path: Path, limits: Settings, source: Path, bench: Any
) -> None:
    with serve(tmp_path / "archive", limits) as http:
        first = http.get("/readyz")
        bench.index(source, tmp_path / "archive")
        service_of = http.app.state.service  # type: ignore[attr-defined]
        service_of._failure = (service_of._failure[0] + 1000, service_of._failure[1])  # as if just now
        assert http.get("/readyz").json() == first.json()


def test_films_indexed_meanwhile_are_found_without_a_restart(
    copied: Callable[[], Path], limits: Settings, more_patients: Path, bench: Any
) -> None:
    archive = copied()
    new = more_patients / "p20-0.png"
    with serve(archive, limits) as http:
        before = http.get("/readyz").json()
        bench.index(more_patients, archive)
        after = http.get("/readyz").json()
        assert (before["films"], after["films"], after["patients"]) == (30, 42, 21)
        assert after["version"] > before["version"]
        fields = {"k": "21", "include_self": "true", "all_stages": "true"}
        found = http.post("/v1/search", files={"files": ("a.png", new.read_bytes())}, data=fields).json()
    assert found["cases"][0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert len(found["cases"]) == 21
    assert found["manifest"]["version"] == after["version"]


@pytest.mark.parametrize(
    ("file", "slug"),
    [
        (NAME, "archive-corrupt"),
        ("versions/*/catalogue.duckdb", "archive-corrupt"),
        ("vectors/*/*.safetensors", "archive-corrupt"),
        ("encoder/encoder.onnx", "encoder"),
        ("encoder/card.json", "archive-corrupt"),
        ("private/pseudonym.key", "archive-corrupt"),
    ],
)
@pytest.mark.parametrize("harm", ["flip", "remove", "cut"])
def test_a_damaged_archive_is_not_served(
    copied: Callable[[], Path], limits: Settings, film: bytes, file: str, slug: str, harm: str
) -> None:
    archive = copied()
    path = sorted(archive.glob(file))[-1]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "flip":
        path.write_bytes(data)
    elif harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.unlink()
    with serve(archive, limits) as http:
        for answer in (http.get("/readyz"), http.post("/v1/search", files={"files": ("a.png", film)})):
            assert answer.status_code == 503, answer.text
            assert answer.json()["type"] in {f"/problems/{slug}", "/problems/archive", "/problems/model-mismatch"}
            assert str(archive.parent) not in answer.text
            assert "; " in answer.json()["detail"]


def test_an_encoder_of_another_model_is_not_ready(
    of_another_model: Callable[..., Path], limits: Settings, film: bytes
) -> None:
    with serve(of_another_model(std=[0.4, 0.4, 0.4]), limits) as http:
        for answer in (http.get("/readyz"), http.post("/v1/search", files={"files": ("a.png", film)})):
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/model-mismatch")


def test_a_version_that_came_out_damaged_is_refused_not_half_served(
    copied: Callable[[], Path], limits: Settings, more_patients: Path, bench: Any
) -> None:
    archive = copied()
    with serve(archive, limits) as http:
        assert http.get("/readyz").status_code == 200
        bench.index(more_patients, archive)
        newest = sorted(archive.glob("vectors/*/*.safetensors"))[-1]
        newest.write_bytes(newest.read_bytes()[:-1])
        answer = http.get("/readyz")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/archive-corrupt")


@given(st.text(max_size=60).filter(lambda text: text.strip("/.") != ""))
def test_any_name_of_a_problem_is_answered(http: TestClient, name: str) -> None:
    from urllib.parse import quote

    answer = http.get(f"/problems/{quote(name, safe='')}")
    assert answer.status_code in {200, 404}
    assert answer.json()["title"]


def test_every_answer_while_films_are_indexed_is_of_a_whole_version(
    copied: Callable[[], Path], limits: Settings, more_patients: Path, bench: Any, film: bytes
) -> None:
    archive = copied()
    seen: list[tuple[int, int]] = []
    with serve(archive, limits) as http, ThreadPoolExecutor(1) as pool:
        writing = pool.submit(bench.index, more_patients, archive)
        while not writing.done() or len(seen) < 3:
            answer = http.post("/v1/search", files={"files": ("a.png", film)}, data={"k": "15"})
            assert answer.status_code == 200, answer.text
            manifest = answer.json()["manifest"]
            seen.append((manifest["version"], manifest["films"]))
        assert writing.result().indexed == 12
        assert http.get("/readyz").json()["films"] == 42
    assert seen == sorted(seen)
    assert len(dict(seen)) == len(set(seen))  # a version has one number of films


def test_questions_at_once_are_answered_alike(http: TestClient, film: bytes) -> None:
    def ask(_: int) -> Any:
        answer = http.post("/v1/search", files={"files": ("a.png", film)}, data={"k": "15"}).json()
        return answer["cases"], answer["vote"]

    with ThreadPoolExecutor(8) as pool:
        first, *others = pool.map(ask, range(24))
    assert all(other == first for other in others)


def test_the_documentation_page_needs_nothing_from_elsewhere(http: TestClient) -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 3
    for link in linked:
        assert link.startswith("/docs/static/")
        assert http.get(link).status_code == 200
    assert http.get("/openapi.json").status_code == 200
    assert http.get("/docs/static/none.js").status_code == 404
