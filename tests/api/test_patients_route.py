"""GET /v1/patients/{patient}."""

from typing import Any

import pytest
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def history(http: TestClient, film: bytes) -> dict[str, Any]:
    case = http.post("/v1/search", files={"files": ("a.png", film)}, data={"k": "1"}).json()["cases"][0]
    answer = http.get(f"/v1/patients/{case['patient']}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    assert found["patient"] == case["patient"]
    return found


def test_tells_what_the_patient_had_and_how_it_went(history: dict[str, Any]) -> None:
    assert {(lesion["entity"], lesion["proof"]) for lesion in history["lesions"]} == {("osteosarcoma", "histology")}
    assert history["events"] == [{"dated": "2021-01-01", "kind": "follow-up", "text": "well", "source": None}]
    assert history["outcome"] == "well"
    assert "Research use only" in history["notice"]


def test_films_come_by_date_with_their_regions(http: TestClient, history: dict[str, Any]) -> None:
    films = history["films"]
    assert [film["taken"] for film in films] == sorted(film["taken"] for film in films)
    assert len(films) == 2
    for film in films:
        assert (film["x1"], film["y1"]) == (film["columns"], film["rows"]) == (90, 120)
        assert http.get(f"/v1/films/{film['film']}/preview").status_code == 200


def test_nothing_is_kept_by_the_browser(http: TestClient, history: dict[str, Any]) -> None:
    assert http.get(f"/v1/patients/{history['patient']}").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["P02", "Pffffffffffffffff", "a' or 1=1 --", "%00", "..", "%F0%9F%A6%B4", "x" * 3000])
def test_nobody_by_that_name(http: TestClient, name: str) -> None:
    answer = http.get(f"/v1/patients/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) < 200
