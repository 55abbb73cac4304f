"""Audit and feedback over HTTP: who, when, on whom; and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.bodies import LARGEST
from api.client import ApiProblem, Client
from api.settings import Settings
from indexer.journal import PLACE, Journal, audit_log

Talk = Callable[..., Client]


@pytest.fixture
def case(own: TestClient, talk: Talk, film: bytes) -> Any:
    return talk(own).search([("a.png", film)], k=1).cases[0]


def test_opening_a_patient_is_noted_and_said(own: TestClient, talk: Talk, case: Any) -> None:
    anna = talk(own, "Anna Müller 🦴")
    said = anna.patient(case.patient).audit
    assert said is not None
    assert (said.who, said.patient, said.what) == ("Anna Müller 🦴", case.patient, "opened patient")
    assert talk(own).patient(case.patient).audit.who == "unnamed"  # type: ignore[union-attr]
    assert [entry.who for entry in anna.audit().entries] == ["unnamed", "Anna Müller 🦴"]
    assert anna.audit(who="Anna Müller 🦴", patient=case.patient).entries == (said,)
    assert anna.audit(before=said.entry).entries == ()


def test_nobody_who_is_not_there_is_noted(own: TestClient, talk: Talk) -> None:
    for name in ("P0", "P" + "f" * 16, "' OR 1=1 --"):
        with pytest.raises(ApiProblem, match="the archive has no patient"):
            talk(own).patient(name)
    assert talk(own).audit().entries == ()


def test_a_header_of_latin_1_and_one_too_long(own: TestClient, case: Any) -> None:
    path = f"/v1/patients/{case.patient}"
    assert own.get(path, headers={"X-Caselink-User": "Müller".encode("latin-1")}).json()["audit"]["who"] == "Müller"
    assert own.get(path, headers={"X-Caselink-User": "   "}).json()["audit"]["who"] == "unnamed"
    answer = own.get(path, headers={"X-Caselink-User": "x" * 65})
    assert answer.status_code == 422
    assert "has 65 characters, over the limit of 64; shorten it" in answer.json()["detail"]


def test_where_the_log_cannot_be_written_nobody_is_shown(copied: Callable[[], Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    settings = Settings(threads=1, journal=tmp_path / "file" / "journal.sqlite")
    with TestClient(create_app(copied(), settings), base_url="http://127.0.0.1") as http:
        snapshot = http.app.state.service.current().snapshot  # type: ignore[attr-defined]
        answer = http.get(f"/v1/patients/{snapshot.patients[0]}")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/journal")
    assert "lesions" not in answer.json() and str(tmp_path) not in answer.text


def test_two_servers_write_one_log(copied: Callable[[], Path], limits: Settings) -> None:
    root = copied()
    with (
        TestClient(create_app(root, limits), base_url="http://127.0.0.1") as one,
        TestClient(create_app(root, limits), base_url="http://127.0.0.1") as two,
    ):
        patient = one.app.state.service.current().snapshot.patients[0]  # type: ignore[attr-defined]
        for _ in range(5):
            for each in (one, two):
                assert each.get(f"/v1/patients/{patient}").status_code == 200
    assert len(audit_log(Journal(root / PLACE))) == 10


def test_feedback_from_an_answer_to_training_pairs(own: TestClient, talk: Talk, film: bytes) -> None:
    anna = talk(own, "anna")
    answer = anna.search([("a.png", film)], k=2)
    query = answer.queries[0].sha256
    assert query is not None
    near, far = (case.films[0].film for case in answer.cases)
    given = anna.judge(query, near, similar=True, note="same zone")
    assert (given.who, given.patient, given.film_entity) == ("anna", answer.cases[0].patient, answer.cases[0].entity)
    anna.judge(query, far, similar=False)
    anna.turned_out(query, "osteosarcoma", "histology")
    assert [entry.kind.value for entry in anna.feedback(query).entries] == ["histology", "not similar", "similar"]
    assert (anna.feedback().you, talk(own, "ben").feedback().you) == ("anna", "ben")
    lines = [json.loads(line) for line in anna.feedback_pairs("jsonl").splitlines()]
    assert [(line["film"], line["similar"], line["query_entity"]) for line in lines] == [
        (near, True, "osteosarcoma"),
        (far, False, "osteosarcoma"),
    ]
    assert anna.feedback_pairs().splitlines()[0].startswith("query,film,film_sha256,patient,similar")
    assert own.get("/v1/feedback/pairs").headers["content-disposition"] == 'attachment; filename="caselink-pairs.csv"'
    again = anna.search([("a.png", film)], k=2)
    assert [case.patient for case in again.cases] == [case.patient for case in answer.cases]
    assert again.shares == answer.shares


SAID = {"kind": "similar", "query": "a" * 64, "film": 0}


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        (SAID | {"film": 9999}, 404, "the archive has no film 9999"),
        (SAID | {"film": None}, 422, "similar is said of a neighbour alone; give its film"),
        (SAID | {"entity": "x"}, 422, "and no entity or proof"),
        (SAID | {"kind": "histology"}, 422, "leave the film out"),
        ({"kind": "histology", "query": "a" * 64}, 422, "the entity is empty"),
        (SAID | {"kind": "nice"}, 422, "'similar', 'not similar' or 'histology'"),
        (SAID | {"query": "../../etc/passwd"}, 422, "'../../etc/passwd' is no sha256"),
        (SAID | {"note": "x" * 2001}, 422, "the note has 2001 characters"),
        (SAID | {"film": 2**70}, 422, "film = "),
        (SAID | {"film": "1 OR 1=1"}, 422, "film = '1 OR 1=1'"),
        (SAID | {"who": "somebody else"}, 422, "no such parameter here"),
        ([SAID], 422, "should be an object"),
    ],
)
def test_refusals(own: TestClient, said: Any, status: int, detail: str) -> None:
    answer = own.post("/v1/feedback", json=said)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert detail in answer.json()["detail"]
    assert own.get("/v1/feedback").json()["entries"] == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 422),
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b" " * (LARGEST + 1), "application/json; charset=utf-8", 413),
    ],
)
def test_bodies_that_are_none(http: TestClient, body: bytes, kind: str, status: int) -> None:
    answer = http.post("/v1/feedback", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize(
    ("query", "name"), [("limit=0", "limit"), ("limit=x", "limit"), ("before=-1", "before"), ("query=x", "sha256")]
)
def test_lists_say_their_limits(http: TestClient, query: str, name: str) -> None:
    answer = http.get(f"/v1/feedback?{query}")
    assert answer.status_code == 422
    assert name in answer.json()["detail"]


def test_another_site_writes_nothing(own: TestClient, film: bytes) -> None:
    own.post("/v1/board/cases", json={"title": "x"})
    headers = {"Sec-Fetch-Site": "cross-site"}
    for path, parts in (("/v1/board/cases/1/films", {"files": {"files": ("a.png", film)}}),
                        ("/v1/board/cases", {"json": {"title": "y"}})):  # fmt: skip
        answer = own.post(path, headers=headers, **parts)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site")
    assert own.get("/v1/board/cases", headers=headers).json()["cases"][0]["films"] == 0
    assert (
        own.post("/v1/board/cases", json={"title": "y"}, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    )
