"""Contract of every route in `ROUTERS`: registering one puts it under these tests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.app import SAFE_HEADERS, create_app
from api.problems import MEDIA_TYPE
from api.routes import ROUTERS
from api.settings import Settings

ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FILM_FIELDS = {"files", "file"}

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{next(iter(route.methods))} {route.path}")


@pytest.fixture(scope="module")
def document(http: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/openapi.json").json()
    return found


def operation(document: dict[str, Any], route: APIRoute) -> dict[str, Any]:
    (method,) = route.methods
    found: dict[str, Any] = document["paths"][route.path][method.lower()]
    return found


def validate(document: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    whole = schema | {"components": document["components"]}
    jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(example)


def path_of(route: APIRoute, document: dict[str, Any]) -> str:
    """The route's path with the examples of its parameters."""
    given = {each["name"]: each for each in operation(document, route).get("parameters", [])}

    def example(match: re.Match[str]) -> str:
        schema = given[match[1]]["schema"]
        return str(schema["examples"][0])

    return re.sub(r"{(\w+)}", example, route.path)


def check_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    for name, value in SAFE_HEADERS.items():
        assert answer.headers[name] == value
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert all(document[name] for name in ("type", "title", "detail", "instance"))
    return document


def test_there_are_routes() -> None:
    assert {"/v1/search", "/v1/patients/{patient}", "/v1/films/{film}/preview", "/v1/preview", "/v1/archive"} <= {
        route.path for route in ROUTES
    }


@every_route
def test_each_method_but_its_own_is_a_problem(http: TestClient, document: dict[str, Any], route: APIRoute) -> None:
    path = path_of(route, document)
    taken = sorted(method for each in ROUTES if each.path == route.path for method in each.methods)
    for method in METHODS:
        if method in taken:
            continue
        answer = http.request(method, path)
        own = ", ".join(taken)
        assert answer.headers["allow"] == own
        if method == "HEAD":
            assert answer.status_code == 405
            continue
        found = check_problem(answer, 405)
        assert found["detail"] == f"{method} {path} is not served here; use {own}"
        assert found["instance"] == path


@every_route
def test_each_answer_is_safe_to_keep_patients_in(http: TestClient, document: dict[str, Any], route: APIRoute) -> None:
    (method,) = route.methods
    answer = http.request(method, path_of(route, document))
    for name, value in SAFE_HEADERS.items():
        if name == "Cache-Control":
            assert answer.headers[name] in {"no-store", "private, no-cache"}
        else:
            assert answer.headers[name] == value


@every_route
def test_each_says_what_it_does(document: dict[str, Any], route: APIRoute) -> None:
    said = operation(document, route)
    assert said["summary"]
    assert said["description"]
    for each in said.get("parameters", []):
        assert each.get("description") or each["schema"].get("description"), each["name"]
        assert "default" in each["schema"] or each["schema"].get("examples"), each["name"]


@every_route
def test_each_example_of_an_answer_fits_its_schema(document: dict[str, Any], route: APIRoute) -> None:
    for content in operation(document, route)["responses"]["200"]["content"].values():
        assert "example" in content
        validate(document, content["schema"], content["example"])


@every_route
def test_each_example_of_a_form_fits_its_schema(document: dict[str, Any], route: APIRoute) -> None:
    said = operation(document, route)
    if not {"POST", "PUT"} & route.methods:
        assert "requestBody" not in said
        return
    ((media, content),) = said["requestBody"]["content"].items()
    validate(document, content["schema"], content["example"])
    if media == "multipart/form-data":
        assert FILM_FIELDS & set(content["schema"]["required"])
    else:
        assert (media, content["schema"]["additionalProperties"]) == ("application/json", False)
        assert all(field.get("description") for field in content["schema"]["properties"].values())


def refusals(document: dict[str, Any], route: APIRoute) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, response in operation(document, route)["responses"].items():
        if status.startswith(("4", "5")):
            yield status, response["content"][MEDIA_TYPE]


@every_route
def test_each_example_of_a_refusal_fits_its_schema(document: dict[str, Any], route: APIRoute) -> None:
    found = dict(refusals(document, route))
    assert "4XX" in found
    for status, content in found.items():
        validate(document, content["schema"], content["example"])
        assert str(content["example"]["status"])[0] == status[0]


BOARD = "/v1/board/cases/{case}"
PROVOKED: dict[str, dict[str, Any]] = {
    "GET /v1/archive/near-duplicates": {"params": {"limit": 5000}},
    "GET /v1/audit": {"params": {"limit": 5000}},
    "GET /v1/feedback": {"params": {"limit": 5000}},
    "GET /v1/feedback/pairs": {"params": {"format": "xlsx"}},
    "GET /v1/board/cases": {"params": {"limit": 5000}},
    "GET /v1/board/drafts": {"params": {"limit": 5000}},
    "POST /v1/feedback": {"json": {"kind": "similar", "query": "a" * 64, "film": 999999}},
    "POST /v1/board/cases": {"json": {"title": " "}},
    f"PUT {BOARD}": {"json": {"title": "x", "revision": 1, "position": 1}},
    f"PUT {BOARD}/sections/{{section}}": {"json": {"text": "x", "revision": 0}},
    f"POST {BOARD}/precedents": {"json": {"film": 999999}},
    f"POST {BOARD}/decision": {"json": {"revision": 1, "dated": "2026-11-30"}},
    f"POST {BOARD}/films": {"files": {"files": ("knee.png", b"film")}, "data": {"k": "1"}},
    "PUT /v1/board/drafts/{draft}": {"json": {"case": 999999, "section": "finding", "text": "x", "revision": 0}},
    "POST /v1/search": {"files": {"files": ("knee.png", b"film")}, "data": {"where": "age < 20; drop table films"}},
    "POST /v1/explain": {"files": {"files": ("knee.png", b"film")}, "data": {"film": "999999"}},
    "POST /v1/preview": {"files": {"file": ("knee.png", b"%PDF-1.7")}},
    "POST /v1/region": {"files": {"file": ("knee.png", b"%PDF-1.7")}},
}
"""What makes a route refuse as its example says; nothing but its path, where it is not named."""


def provoke(http: TestClient, route: APIRoute, example: dict[str, Any], film: bytes) -> Any:
    path = example["instance"]
    if example["status"] == 405:
        return http.post(path)
    (method,) = route.methods
    parts = PROVOKED.get(f"{method} {route.path}", {})
    if "data" in parts:
        parts = parts | {"files": {"files": ("knee.png", film)}}
    return http.request(method, path, **parts)


@every_route
def test_each_example_of_a_refusal_is_what_the_server_says(
    http: TestClient, document: dict[str, Any], route: APIRoute, film: bytes
) -> None:
    example = dict(refusals(document, route))["4XX"]["example"]
    answer = provoke(http, route, example, film)
    assert check_problem(answer, example["status"]) == example


@every_route
def test_each_route_of_the_archive_says_where_there_is_none(
    document: dict[str, Any], route: APIRoute, film: bytes, tmp_path: Path, limits: Settings
) -> None:
    found = dict(refusals(document, route))
    if "5XX" not in found:
        assert route.path.startswith("/v1/runs") or not route.path.startswith(("/v1", "/ready"))
        return
    example = found["5XX"]["example"]
    app = create_app(tmp_path / "archive", limits)
    with TestClient(app, base_url="http://127.0.0.1") as http:
        (method,) = route.methods
        parts = PROVOKED.get(f"{method} {route.path}", {})
        if "json" in parts or not {"POST"} & route.methods:
            answer = http.request(method, example["instance"], **({"json": parts["json"]} if "json" in parts else {}))
        else:
            name = "file" if route.path in {"/v1/preview", "/v1/region"} else "files"
            data = {"film": "1"} if route.path == "/v1/explain" else {}
            answer = http.post(example["instance"], files={name: ("knee.png", film)}, data=data)
    assert check_problem(answer, 503) == example


def test_the_document_says_research_use_only(document: dict[str, Any]) -> None:
    assert "Research use only" in document["info"]["description"]
