"""Every deliberate error is a problem document; the rest is one too, without its insides."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from api.app import create_app
from api.problems import KINDS, MEDIA_TYPE, SAFE_HEADERS, all_kinds, kind_of
from api.settings import Settings
from engine.errors import CaselinkError, FilmError
from engine.said import Said

ROOT = Path(__file__).parents[2]
SECRET = "/srv/secret/Doe^Jane"


def errors() -> set[str]:
    """The names of all errors of the rooms that derive from CaselinkError, read from the sources."""
    bases: dict[str, set[str]] = {}
    for room in ("engine", "indexer", "api", "ui"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    bases[node.name] = {base.id for base in node.bases if isinstance(base, ast.Name)}
    found = {"CaselinkError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found - {"CaselinkError"}


def test_every_deliberate_error_has_its_own_kind() -> None:
    assert {"UnreadableFilm", "FilterError", "ApiUnreachable"} <= errors()
    assert {error.__name__ for error in KINDS} == errors()
    assert all(kind_of(error) is kind for error, kind in KINDS.items())


def test_a_new_error_has_its_parents_kind() -> None:
    class Odd(FilmError):
        pass

    assert kind_of(Odd) is KINDS[FilmError]
    assert kind_of(CaselinkError).status == 500


def test_kinds_are_told_apart_by_slug_and_have_an_errors_status() -> None:
    kinds = all_kinds()
    assert len({kind.title for kind in kinds.values()}) == len(kinds)
    assert all(400 <= kind.status < 600 for kind in kinds.values())
    assert all(slug == kind.slug == slug.lower() and " " not in slug for slug, kind in kinds.items())


@pytest.fixture(scope="module")
def broken(archive: Path, limits: Settings) -> Iterator[TestClient]:
    """The app with routes that fail as the last segment of the path says."""
    app: FastAPI = create_app(archive, limits)
    coded = FilmError(Said.of("a.dcm", Said("odd", "of {n} bits ({how})", n=12, how=Said("why", "so"))))
    kinds = {
        "known": FilmError("a; b"),
        "coded": coded,
        "teapot": HTTPException(418, "short"),
        "bug": RuntimeError(SECRET),
    }

    @app.get("/fail/{name}")
    def fail(name: str) -> None:
        raise kinds[name]

    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


def test_a_bug_is_a_500_without_its_insides(broken: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = broken.get("/fail/bug")
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    found = answer.json()
    assert set(found) == {"type", "title", "status", "detail", "instance", "incident", "code", "values"}
    assert found["type"] == "/problems/unexpected"
    assert SECRET not in answer.text
    assert "RuntimeError" not in answer.text
    assert found["incident"] in found["detail"]
    assert found["incident"] in caplog.text
    assert SECRET in caplog.text
    for name, value in SAFE_HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def test_a_deliberate_error_says_its_sentence(broken: TestClient) -> None:
    answer = broken.get("/fail/known")
    assert (answer.status_code, answer.json()["detail"]) == (422, "a; b")
    assert "code" not in answer.json() and "values" not in answer.json()
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_a_sentence_with_a_code_tells_what_lies_behind_it(broken: TestClient) -> None:
    found = broken.get("/fail/coded").json()
    assert (found["detail"], found["code"], found["film"]) == ("a.dcm: of 12 bits (so)", "odd", "a.dcm")
    assert found["values"] == {"n": 12, "how": {"text": "so", "code": "why", "values": {}, "parts": []}}


def test_any_other_status_is_a_problem_too(broken: TestClient) -> None:
    answer = broken.get("/fail/teapot")
    assert (answer.status_code, answer.headers["content-type"]) == (418, MEDIA_TYPE)
    assert answer.json()["type"] == "/problems/http-418"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/archives", "/v1/search/", "/v2/search", "/docs/x", "/%00", "//"])
def test_nothing_at_an_address(http: TestClient, path: str) -> None:
    answer = http.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["content-type"]) == (404, MEDIA_TYPE), answer.text
    found = answer.json()
    assert found["type"] == "/problems/no-such-route"
    assert found["detail"].endswith("is not served here; /docs lists what is")


def test_a_long_address_is_not_thrown_back(http: TestClient) -> None:
    assert len(http.get("/" + "x" * 5000).json()["detail"]) < 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""])
def test_only_this_machines_names_are_answered_on_loopback(http: TestClient, host: str) -> None:
    answer = http.get("/v1/archive", headers={"host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/wrong-host")
    assert answer.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]", "[::1]:8000"])
def test_its_own_names_are_answered(http: TestClient, host: str) -> None:
    assert http.get("/healthz", headers={"host": host}).status_code == 200


def test_a_server_for_others_answers_under_any_name(archive: Path) -> None:
    app = create_app(archive, Settings(host="0.0.0.0", threads=1))
    with TestClient(app, base_url="http://hospital.example") as client:
        assert client.get("/healthz").status_code == 200


def test_every_kind_can_be_looked_up(http: TestClient) -> None:
    listed = http.get("/problems").json()
    assert {each["type"] for each in listed} == {f"/problems/{slug}" for slug in all_kinds()}
    for each in listed:
        assert http.get(each["type"]).json() == each
