"""POST /v1/search over HTTP."""

import hashlib
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

PROBLEM = "application/problem+json"


def ask(http: TestClient, *films: tuple[str, bytes], **fields: Any) -> Any:
    return http.post("/v1/search", files=[("files", film) for film in films], data=fields)


def refused(answer: Any, status: int, slug: str) -> dict[str, Any]:
    """The problem document, checked to be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    document: dict[str, Any] = answer.json()
    assert set(document) >= {"type", "title", "status", "detail", "instance"}
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert document["instance"] == "/v1/search"
    assert "\n" not in document["detail"]
    return document


@pytest.fixture
def one(film: bytes) -> tuple[str, bytes]:
    return "knee.png", film


def test_answers_with_cases_and_their_vote(http: TestClient, one: tuple[str, bytes]) -> None:
    found = ask(http, one, k=4).json()
    assert [case["rank"] for case in found["cases"]] == [1, 2, 3, 4]
    similar = [case["similarity"] for case in found["cases"]]
    assert similar == sorted(similar, reverse=True)
    assert found["label"] == "osteosarcoma"
    assert found["vote"] == {"osteosarcoma": 4}
    assert found["reason"] is None
    assert found["queries"][0] | {"warnings": []} == {
        "name": "knee.png", "rows": 120, "columns": 90, "region": [0, 0, 90, 120], "region_origin": "whole",
        "side": None, "view": None, "body_part": None, "spacing_mm": None, "warnings": [], "confidence": None,
        "sha256": hashlib.sha256(one[1]).hexdigest(),
        "taken": None,
    }  # fmt: skip


def test_no_identifier_and_no_place_leaves(
    http: TestClient, one: tuple[str, bytes], archive: Path, source: Path
) -> None:
    answers = [ask(http, one, k=5).text, http.get("/v1/archive").text, http.get("/readyz").text]
    patient = ask(http, one, k=1).json()["cases"][0]["patient"]
    answers.append(http.get(f"/v1/patients/{patient}").text)
    for text in answers:
        for secret in (str(source), str(archive), str(archive.parent), "file:", "P02", "p02-0"):
            assert secret not in text


def test_a_filter_is_obeyed_and_unknown_values_are_said(http: TestClient, one: tuple[str, bytes]) -> None:
    found = ask(http, one, k=3, where="age > 0 and sex = 'F'").json()
    assert {case["sex"] for case in found["cases"]} == {"F"}
    assert found["manifest"]["where"] == "age > 0 and sex = 'F'"
    assert ask(http, one, k=3, where="age > 0").json()["manifest"]["unknown_to_filter"] == 6
    assert any("left out 6 films" in said for said in ask(http, one, where="age > 0").json()["warnings"])


def test_a_region_is_what_is_asked_about(http: TestClient, one: tuple[str, bytes]) -> None:
    whole, drawn = ask(http, one).json(), ask(http, one, roi="20,30,70,95").json()
    assert drawn["queries"][0]["region"] == [20, 30, 70, 95]
    assert drawn["queries"][0]["region_origin"] == "drawn"
    assert [case["similarity"] for case in drawn["cases"]] != [case["similarity"] for case in whole["cases"]]
    assert ask(http, one, roi="").json()["cases"] == whole["cases"]


def test_films_take_their_regions_in_order(http: TestClient, one: tuple[str, bytes]) -> None:
    found = ask(http, one, ("second.png", one[1]), roi=["", "20,30,70,95"]).json()
    assert [query["region_origin"] for query in found["queries"]] == ["whole", "drawn"]
    assert [query["name"] for query in found["queries"]] == ["knee.png", "second.png"]


def test_own_patient_and_stages(http: TestClient, source: Path) -> None:
    own = ("x.png", (source / "p04-1.png").read_bytes())  # after operation
    plain = ask(http, own, k=14).json()
    full = ask(http, own, k=14, include_self="true", all_stages="true").json()
    assert full["cases"][0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert full["cases"][0]["patient"] not in {case["patient"] for case in plain["cases"]}
    assert len(plain["cases"]) == 14
    stages = {film["stage"] for case in plain["cases"] for film in case["films"]}
    assert stages == {"before treatment"}
    assert full["cases"][0]["films"][0]["stage"] == "after operation"
    assert full["manifest"]["stages"] == "all"


def test_fewer_than_k_is_said(http: TestClient, one: tuple[str, bytes]) -> None:
    found = ask(http, one, k=10, where="entity = 'osteosarcoma'").json()
    assert len(found["cases"]) == 5
    assert "only 5 of the 10 patients asked for may answer" in found["warnings"]
    none = ask(http, one, k=10, where="age > 100").json()
    assert (none["cases"], none["label"]) == ([], None)
    assert "widen the filter" in none["reason"]


@pytest.mark.parametrize(
    ("fields", "slug", "said"),
    [
        ({"k": "0"}, "query", "k = 0 is outside 1 to 15 (the archive has 15 patients); ask for a number within"),
        ({"k": "16"}, "query", "k = 16 is outside 1 to 15"),
        ({"k": "9" * 50}, "query", "is outside 1 to 15"),
        ({"k": "five"}, "invalid-parameter", "k = 'five': "),
        ({"k": "5" * 5000}, "invalid-parameter", "k = "),
        ({"k": ["1", "2"]}, "query", "'k' was sent 2 times"),
        ({"include_self": "perhaps"}, "invalid-parameter", "include_self = 'perhaps': "),
        ({"colour": "red"}, "query", "'colour' is no field of a search; its fields are files, k, where"),
        ({"roi": "0,0,91,120"}, "region", "knee.png: region (0, 0, 91, 120) leaves the film, which has 90x120 pixels"),
        (
            {"roi": "10,10,11,11"},
            "region",
            "knee.png: region (10, 10, 11, 11) has 1x1 pixels; a drawn region needs at ",
        ),
        ({"roi": "9,9,9,12"}, "region", "is empty or negative"),
        ({"roi": "1,2,3"}, "region", "region '1,2,3' is not x0,y0,x1,y1"),
        ({"roi": ["1,2,30,40", "1,2,30,40"]}, "region", "2 regions for 1 films; send one a film in order"),
        ({"roi": "9" * 60 + ",1,2,3"}, "region", "is not x0,y0,x1,y1"),
    ],
)
def test_a_bad_question_names_value_limit_and_cure(
    http: TestClient, one: tuple[str, bytes], fields: dict[str, Any], slug: str, said: str
) -> None:
    assert said in refused(ask(http, one, **fields), 422, slug)["detail"]


@pytest.mark.parametrize(
    ("where", "position"),
    [
        ("colour = 'red'", 0),
        ("age < 20; drop table films", 8),
        ("sex = 'F' or 1 = 1", 13),
        ("age in (select age from films)", 8),
        ("sex = 'F' --", 10),
        ("age > 'old'", 6),
        ("sex = 'F' and", 12),
    ],
)
def test_a_bad_filter_is_refused_at_its_place(
    http: TestClient, one: tuple[str, bytes], where: str, position: int
) -> None:
    document = refused(ask(http, one, where=where), 422, "filter")
    assert document["position"] == position
    assert f"at character {position + 1}" in document["detail"]


def test_what_is_no_film_is_refused_by_name(http: TestClient, bad_film: tuple[str, bytes, int]) -> None:
    name, data, status = bad_film
    slug = {415: "unsupported-film", 422: "unreadable-film" if data else "upload"}[status]
    detail = refused(ask(http, (name, data)), status, slug)["detail"]
    assert name in detail
    assert "; " in detail  # the cure
    assert "SECRET" not in detail
    assert "Secret" not in detail


def test_one_bad_film_among_good_ones_spoils_the_query(http: TestClient, one: tuple[str, bytes]) -> None:
    assert "bad.png" in refused(ask(http, one, ("bad.png", b"x" * 99)), 422, "unreadable-film")["detail"]


def test_any_picture_of_a_film_will_do(http: TestClient, tmp_path: Path) -> None:
    grey = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (64, 1))
    for ending in (".jpg", ".tiff", ".bmp", ".png"):
        data = cv2.imencode(ending, grey)[1].tobytes()
        assert ask(http, (f"film{ending}", data)).status_code == 200


def test_requests_leave_the_archive_as_it_was(
    http: TestClient, one: tuple[str, bytes], archive: Path, tree_hash: Callable[[Path], dict[str, str]]
) -> None:
    before = tree_hash(archive)
    ask(http, one)
    ask(http, one, where="age < 20; drop table films")
    ask(http, ("x.png", b"nothing"))
    assert tree_hash(archive) == before


def test_the_answer_is_strict_json(http: TestClient, one: tuple[str, bytes]) -> None:
    def constant(name: str) -> None:
        raise AssertionError(name)

    json.loads(ask(http, one, k=15, all_stages="true").text, parse_constant=constant)


def test_a_monster_is_refused_by_its_header(http: TestClient, bad_films: dict[str, tuple[str, bytes, int]]) -> None:
    name, data, _ = bad_films["30,000 x 30,000"]
    tracemalloc.start()
    began = time.perf_counter()
    answer = ask(http, (name, data))
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    detail = refused(answer, 415, "unsupported-film")["detail"]
    assert "30000x30000 pixels, over the limit of 100 million" in detail
    assert seconds < 0.5
    assert peak < 20 << 20


def test_what_is_known_of_the_patient_may_be_sent_and_need_not(http: TestClient, one: tuple[str, bytes]) -> None:
    assert ask(http, one, age="34", sex="F", site="tibia;fibula").status_code == 200
    assert ask(http, one, age="", sex="", site="").json()["cases"] == ask(http, one).json()["cases"]


@pytest.mark.parametrize(("field", "value"), [("age", "-1"), ("age", "131"), ("age", "old"), ("sex", "X")])
def test_impossible_facts_are_refused_by_name(http: TestClient, one: tuple[str, bytes], field: str, value: str) -> None:
    answer = ask(http, one, **{field: value})
    assert answer.status_code == 422
    assert field in answer.text
