"""The board over HTTP: a case from its making to its decision, several people at once, and who is erased."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from api.client import ApiConflict, ApiProblem, Client
from api.schemas import NotRecorded
from indexer.archive import open_snapshot
from indexer.journal import PLACE, Journal, erase_from_journal
from indexer.writer import locked

Talk = Callable[..., Client]
DAY = date(2026, 11, 30)


@pytest.fixture
def users(own: TestClient, talk: Talk) -> tuple[Client, Client]:
    return talk(own, "anna"), talk(own, "ben")


@pytest.fixture
def root(own: TestClient) -> Path:
    found: Path = own.app.state.service.root  # type: ignore[attr-defined]
    return found


@pytest.fixture
def patient(root: Path) -> Iterator[str]:
    """One whom the archive holds."""
    snapshot = open_snapshot(root)
    yield snapshot.patients[0]
    snapshot.close()


def test_a_case_with_films_and_precedents(users: tuple[Client, Client], film: bytes) -> None:
    anna, ben = users
    made = anna.make_case("Distal femur", DAY)
    case = made.case.case
    held = ben.add_films(case, [("Mustermann^Erika.png", film)], roi=[(20, 30, 70, 95)], k=3, age=12.0, sex="F")
    assert held.answer is not None
    assert len(held.answer.answer.cases) == 3 and held.answer.who == "ben"
    assert held.answer.films == (held.films[0].sha256,)
    assert (held.films[0].region, held.films[0].region_origin, held.films[0].who) == ((20, 30, 70, 95), "drawn", "ben")
    assert held.films[0].identity == f"film {held.films[0].sha256[:8]}"
    near = held.answer.answer.cases[0].films[0].film
    held = anna.add_precedent(case, near)
    assert [(one.film, one.patient, one.who) for one in held.precedents] == [
        (near, held.answer.answer.cases[0].patient, "anna")  # type: ignore[union-attr]
    ]
    assert anna.case(case) == held
    picture = Image.open(BytesIO(anna.case_film(case, held.films[0].film, size=64, invert=True)))
    assert (picture.format, picture.size) == ("PNG", (48, 64))
    assert [one.case for one in anna.agenda(DAY).cases] == [case] and anna.cases().cases[0].films == 1
    assert anna.agenda(date(2026, 12, 1)).cases == ()
    assert anna.remove_precedent(case, near).precedents == ()
    assert anna.remove_film(case, held.films[0].film).answer is None
    assert anna.remove_case(case).removed == f"case {case}"
    with pytest.raises(ApiProblem, match=f"the board has no case {case}"):
        anna.case(case)


def test_no_name_of_a_file_and_no_header_is_kept(users: tuple[Client, Client], root: Path, film: bytes) -> None:
    picture = BytesIO()
    Image.open(BytesIO(film)).save(picture, "PNG", pnginfo=_text("Mustermann^Erika"))
    anna, _ = users
    case = anna.make_case("x").case.case
    anna.add_films(case, [("Mustermann^Erika.png", picture.getvalue())])
    held = b"".join(path.read_bytes() for path in (root / PLACE).parent.glob("journal.sqlite*"))
    assert b"Mustermann" in picture.getvalue()
    assert b"Mustermann" not in held


def _text(text: str) -> Any:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", text)
    return info


def test_a_film_of_an_archived_patient_makes_the_case_theirs(
    users: tuple[Client, Client], source: Path, patient: str
) -> None:
    anna, _ = users
    case = anna.make_case("x").case.case
    data = (source / "p03-0.png").read_bytes()
    held = anna.add_films(case, [("a.png", data)])
    assert held.case.patient == held.films[0].identity
    assert held.answer is not None
    assert held.case.patient not in {one.patient for one in held.answer.answer.cases}


def test_two_users_at_once_lose_no_text(users: tuple[Client, Client]) -> None:
    anna, ben = users
    case = anna.make_case("x").case.case
    anna.write_section(case, "finding", "lytic, geographic", 0)
    ben.write_section(case, "history", "pain at night", 0)
    with pytest.raises(ApiConflict, match="is at revision 1, written by anna; you read 0") as caught:
        ben.write_section(case, "finding", "no soft tissue part", 0)
    stale = caught.value
    assert (stale.status, stale.kind) == (409, "/problems/conflict")
    assert (stale.current, stale.yours, stale.revision) == ("lytic, geographic", "no soft tissue part", 1)
    ben.write_section(case, "finding", f"{stale.current}\n{stale.yours}", stale.revision)
    texts = {text.section.value: text for text in anna.case(case).sections}
    assert texts["finding"].text == "lytic, geographic\nno soft tissue part"
    assert (texts["history"].who, texts["finding"].who) == ("ben", "ben")
    assert [text.who for text in anna.section_history(case, "finding").texts] == ["ben", "anna"]
    with pytest.raises(ApiConflict, match="is at revision 1, you read 9"):
        ben.change_case(case, 9, title="y", day=None, position=1, patient=None)
    changed = ben.change_case(case, 1, title="y", day=DAY, position=4, patient=None).case
    assert (changed.title, changed.day, changed.position, changed.revision) == ("y", "2026-11-30", 4, 2)


def test_a_decision_becomes_an_event_of_an_archived_patient(users: tuple[Client, Client], patient: str) -> None:
    anna, _ = users
    case = anna.make_case("x", patient=patient).case.case
    with pytest.raises(ApiProblem, match="is at revision 0, you read 1"):
        anna.decide(case, 1, DAY)
    anna.write_section(case, "decision", "biopsy", 0)
    before = anna.archive().version
    done = anna.decide(case, 1, DAY)
    assert (done.recorded, done.reason, done.decision.version) == (True, None, before + 1)
    assert anna.decide(case, 1, DAY).decision == done.decision
    anna.write_section(case, "decision", "resection", 1)
    assert anna.decide(case, 2, DAY).recorded
    events = [event for event in anna.patient(patient).events if event.kind == "board"]
    assert [(event.text, event.dated, event.source) for event in events] == [
        ("resection", DAY, f"tumour board, case {case}")
    ]
    assert anna.case(case).case.decided and anna.archive().films == 30


def test_a_decision_that_the_archive_cannot_hold_stays_with_the_case(
    users: tuple[Client, Client], root: Path, patient: str
) -> None:
    anna, _ = users
    for whose, why in (
        (None, "the case names no patient; the case keeps the decision"),
        ("P" + "e" * 16, f"the archive holds no patient '{'P' + 'e' * 16}'; the case keeps the decision"),
    ):
        code = NotRecorded.no_patient if whose is None else NotRecorded.unknown_patient
        case = anna.make_case("x", patient=whose).case.case
        anna.write_section(case, "decision", "biopsy", 0)
        done = anna.decide(case, 1, DAY)
        assert (done.recorded, done.reason, done.code) == (False, why, code)
        assert anna.case(case).decision == done.decision
    case = anna.make_case("x", patient=patient).case.case
    anna.write_section(case, "decision", "biopsy", 0)
    with locked(root):
        busy = anna.decide(case, 1, DAY)
    assert not busy.recorded and "another process is writing archive; wait" in str(busy.reason)
    assert busy.code is NotRecorded.not_written
    assert anna.decide(case, 1, DAY).recorded


def test_an_erased_patient_is_on_no_board(users: tuple[Client, Client], root: Path, source: Path, film: bytes) -> None:
    anna, _ = users
    theirs = anna.make_case("theirs").case.case
    patient = anna.add_films(theirs, [("a.png", (source / "p03-0.png").read_bytes())]).case.patient
    other = anna.make_case("other").case.case
    anna.add_films(other, [("a.png", film)], k=15)
    near = anna.search([("a.png", film)], k=15, where=f"patient = '{patient}'", all_stages=True).cases[0].films[0].film
    anna.add_precedent(other, near)
    assert patient is not None
    done = erase_from_journal(Journal(root / PLACE), patient)
    assert (done.cases, done.films, done.precedents, done.answers) == (1, 1, 1, 1)
    held = anna.case(other)
    assert (held.precedents, held.answer, len(held.films)) == ((), None, 1)
    assert [one.case for one in anna.cases().cases] == [other]


@pytest.mark.parametrize(
    ("method", "path", "said", "detail"),
    [
        ("POST", "", {"title": "x" * 121}, "the title has 121 characters, over the limit of 120"),
        ("POST", "", {"title": "x", "day": "30.11.2026"}, "'30.11.2026' is no day; write it as 2026-11-30"),
        ("POST", "", {"title": "x", "patient": "Erika Mustermann"}, "'Erika Mustermann' is no pseudonym"),
        (
            "PUT",
            "/1/sections/history",
            {"text": "x" * 20_001, "revision": 0},
            "has 20001 characters, over the limit",
        ),
        ("PUT", "/1/sections/history", {"text": "x", "revision": -1}, "revision = -1"),
        ("PUT", "/1/sections/history; DROP TABLE cases", {"text": "x", "revision": 0}, "section = "),
        ("PUT", "/1 OR 1=1", {"title": "x", "revision": 1, "position": 1}, "case = '1 OR 1=1'"),
        ("GET", f"/{2**70}", None, "case = "),
        ("POST", "/1/decision", {"revision": 1, "dated": "soon"}, "'soon' is no day"),
        ("POST", "/1/precedents", {"film": -1}, "film = -1"),
    ],
)
def test_limits_are_said(own: TestClient, method: str, path: str, said: Any, detail: str) -> None:
    own.post("/v1/board/cases", json={"title": "there"})
    answer = own.request(method, f"/v1/board/cases{path}", json=said)
    assert answer.status_code == 422, answer.text
    assert detail in answer.json()["detail"]
    assert own.get("/v1/board/cases/1").json()["sections"][0]["revision"] == 0


def test_a_film_that_cannot_be_read_leaves_the_case(own: TestClient, bad_film: tuple[str, bytes, int]) -> None:
    own.post("/v1/board/cases", json={"title": "x"})
    name, data, status = bad_film
    answer = own.post("/v1/board/cases/1/films", files={"files": (name, data)})
    assert answer.status_code == status
    assert own.get("/v1/board/cases/1").json()["films"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("title", "day", "patient", "text", "revision", "film", "dated", "kind", "query", "position", "note", "entity")
ROUTES = (
    *(("POST", "/v1/board/cases"), ("PUT", "/v1/board/cases/1"), ("PUT", "/v1/board/cases/1/sections/finding")),
    *(("POST", "/v1/board/cases/1/precedents"), ("POST", "/v1/board/cases/1/decision"), ("POST", "/v1/feedback")),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), JSON | st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6))
def test_any_json_is_answered_or_refused_property(own: TestClient, route: tuple[str, str], said: Any) -> None:
    body = json.dumps(said).encode()
    answer = own.request(*route, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 404, 409, 422}, (route, said, answer.text)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
    assert own.get("/v1/board/cases").status_code == 200


@pytest.mark.parametrize(("format", "start"), [("pdf", b"%PDF-"), ("docx", b"PK\x03\x04")])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_case_is_exported(
    users: tuple[Client, Client], film: bytes, format: str, start: bytes, language: str
) -> None:
    anna, _ = users
    case = anna.make_case("Distal femur $x$ 片", DAY).case.case
    assert anna.export(case, format, language).startswith(start)
    held = anna.add_films(case, [("a.png", film)], k=3)
    assert held.answer is not None
    anna.add_precedent(case, held.answer.answer.cases[0].films[0].film)
    anna.write_section(case, "decision", "biopsy\n" * 200, 0)
    assert len(anna.export(case, format, language)) > 10_000


def test_an_export_says_what_it_is(own: TestClient) -> None:
    own.post("/v1/board/cases", json={"title": "x"})
    answer = own.get("/v1/board/cases/1/export", params={"format": "docx"})
    assert answer.headers["content-disposition"] == 'attachment; filename="caselink-case-1.docx"'
    assert answer.headers["content-type"].startswith("application/vnd.openxmlformats") and answer.content
    for asked, said in (({"format": "odt"}, "format 'odt' is not written; ask for pdf or docx"),
                        ({"language": "fr"}, "language 'fr' is not written; ask for en or de")):  # fmt: skip
        answer = own.get("/v1/board/cases/1/export", params=asked)
        assert (answer.status_code, answer.json()["detail"]) == (422, said)


def test_a_document_is_noted_in_the_audit_log(users: tuple[Client, Client]) -> None:
    anna, ben = users
    case = anna.make_case("x").case.case
    for film in (3, 4):
        held = anna.add_precedent(case, film)
    assert anna.audit().entries == ()
    assert ben.export(case)
    entries = anna.audit().entries
    assert {entry.patient for entry in entries} == {one.patient for one in held.precedents}
    assert {entry.who for entry in entries} == {"ben"}


def test_the_board_asks_what_a_search_asks(users: tuple[Client, Client], source: Path, patient: str) -> None:
    anna, _ = users
    files = [("a.png", (source / "p03-0.png").read_bytes())]
    case = anna.make_case("x").case.case
    held = anna.add_films(case, files, roi=["whole"], k=2, include_self=True, all_stages=True).answer
    asked = anna.search(files, roi=["whole"], k=2, include_self=True, all_stages=True)
    assert held is not None and held.answer.cases == asked.cases
    told = held.answer.manifest
    assert (told["include_self"], told["stages"], told["k"]) == (True, "all", 2)
    assert held.answer.queries[0].region_origin == "whole"


def test_cases_without_a_day(users: tuple[Client, Client]) -> None:
    anna, _ = users
    cases = [anna.make_case(f"case {n}", DAY if n % 2 else None).case.case for n in range(6)]
    assert [one.case for one in anna.cases(undated=True).cases] == cases[::2][::-1]
    assert [one.case for one in anna.cases(before=cases[4], limit=1, undated=True).cases] == [cases[2]]
    assert [one.case for one in anna.cases(before=cases[4]).cases] == cases[:4][::-1]


def test_a_precedent_that_was_erased_leaves_its_place(users: tuple[Client, Client], root: Path) -> None:
    anna, _ = users
    case = anna.make_case("x").case.case
    anna.add_precedent(case, 3)
    with Journal(root / PLACE).writing() as db:
        db.execute("UPDATE precedents SET film = 99999")
    assert anna.export(case).startswith(b"%PDF-")
