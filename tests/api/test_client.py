"""The typed client against the real app, and against whatever else may answer at an address."""

from collections.abc import Callable
from datetime import date

import httpx
import pytest
from fastapi.testclient import TestClient

from api.client import ApiProblem, ApiUnreachable, Client
from api.schemas import SearchAnswer, behind


@pytest.fixture
def client(http: TestClient, talk: Callable[..., Client]) -> Client:
    return talk(http)


@pytest.fixture
def answering() -> Callable[..., Client]:
    """Makes a client to whom every request is answered alike, or fails with an error."""

    def make(answer: httpx.Response | Exception) -> Client:
        def handle(request: httpx.Request) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

        made = Client("http://127.0.0.1:9")
        made._http.close()
        made._http = httpx.Client(base_url=made.base_url, transport=httpx.MockTransport(handle))
        return made

    return make


def test_search_with_everything(client: Client, film: bytes) -> None:
    answer = client.search(
        [("a.png", film), ("b.png", film)],
        k=2,
        where="sex = 'F'",
        roi=[None, (20, 30, 70, 95)],
        include_self=True,
        all_stages=True,
    )
    assert isinstance(answer, SearchAnswer)
    assert [query.region for query in answer.queries] == [(0, 0, 90, 120), (20, 30, 70, 95)]
    assert [case.sex for case in answer.cases] == ["F", "F"]
    assert (answer.manifest["include_self"], answer.manifest["stages"]) == (True, "all")
    assert isinstance(answer.cases[0].films[0].taken, date)


def test_the_rest(client: Client, film: bytes) -> None:
    assert client.ready().films == 30
    assert client.archive().patients == 15
    case = client.search([("a.png", film)], k=1).cases[0]
    assert client.patient(case.patient).films
    assert client.film_preview(case.films[0].film, center=0.4, width=0.2, invert=True, size=32).startswith(b"\x89PNG")
    shown = client.preview("a.png", film, size=40)
    assert (shown.rows, shown.columns, shown.side, shown.warnings) == (120, 90, None, ())


def test_a_name_with_slashes_is_a_name(client: Client) -> None:
    with pytest.raises(ApiProblem) as caught:
        client.patient("a/../b?c")
    assert caught.value.status == 404


def test_a_refusal_carries_what_the_problem_says(client: Client, film: bytes) -> None:
    with pytest.raises(ApiProblem, match="at character 9") as caught:
        client.search([("a.png", film)], where="age < 20; drop table films")
    found = caught.value
    assert (found.status, found.kind, found.position) == (422, "/problems/filter", 8)
    assert str(found) == found.detail
    assert (found.said, found.said.code, found.said.values["place"]) == (found.detail, "filter_refused", 9)
    with pytest.raises(ApiProblem) as caught:
        client.preview("knee.dcm", b"%PDF-1.4")
    told = behind(caught.value)
    assert (told.text, told.code, told.film) == (str(caught.value), "film_pdf", "knee.dcm")


def test_what_the_client_finds_itself_has_a_code_too(answering: Callable[..., Client]) -> None:
    for answer, code in ((httpx.ConnectError("refused"), "api_absent"), (httpx.ReadTimeout("slow"), "api_silent")):
        with pytest.raises(ApiUnreachable) as caught:
            answering(answer).ready()
        assert (behind(caught.value).code, behind(caught.value).text) == (code, str(caught.value))


def test_a_problem_without_a_code_has_its_sentence(answering: Callable[..., Client]) -> None:
    plain = {"type": "about:blank", "title": "No", "status": 422, "detail": "it is odd", "instance": "/"}
    with pytest.raises(ApiProblem) as caught:
        answering(httpx.Response(422, json=plain)).ready()
    assert (behind(caught.value).text, behind(caught.value).code) == ("it is odd", "")


@pytest.mark.parametrize("name", ["Röntgen 1.png", 'a"b.png', "a\r\nb.png", "片.dcm"])
def test_any_name_of_a_file_arrives(client: Client, film: bytes, name: str) -> None:
    (query,) = client.search([(name, film)]).queries
    assert query.name.endswith(name[-4:])


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>welcome</html>"),
        httpx.Response(200, json={"status": "ready"}),
        httpx.Response(404, text="nope"),
        httpx.Response(500, json={"detail": "x"}),
        httpx.Response(204),
        httpx.Response(302, headers={"location": "http://elsewhere.example"}),
    ],
)
def test_a_stranger_at_the_address(answering: Callable[..., Client], answer: httpx.Response) -> None:
    for ask in (Client.ready, Client.archive):
        with pytest.raises(ApiUnreachable, match="but not as caselink's API; check the address"):
            ask(answering(answer))
    with pytest.raises(ApiUnreachable):
        answering(answer).preview("a.png", b"x")


def test_headers_of_a_stranger(answering: Callable[..., Client]) -> None:
    heads = {"X-Film-Rows": "8", "X-Film-Columns": "9", "X-Film-Warnings": "[]"}
    wrong = {"X-Film-Rows": "many", "X-Film-Taken": "once", "X-Film-Spacing": "[1]", "X-Film-Remarks": "[1]"}
    for name, value in wrong.items():
        with pytest.raises(ApiUnreachable, match="not as caselink's API"):
            answering(httpx.Response(200, headers=heads | {name: value}, content=b"x")).preview("a.png", b"x")


def test_what_a_header_tells_of_a_film(answering: Callable[..., Client]) -> None:
    heads = {"X-Film-Rows": "8", "X-Film-Columns": "9", "X-Film-Warnings": "[]"}
    bare = answering(httpx.Response(200, headers=heads, content=b"x")).preview("a.png", b"x")
    assert (bare.taken, bare.body_part, bare.spacing_mm, bare.remarks) == (None, None, None, ())
    told = {"X-Film-Taken": "2026-04-12", "X-Film-Body-Part": "knee", "X-Film-Spacing": "[0.2, 0.1]"}
    film = answering(httpx.Response(200, headers=heads | told, content=b"x")).preview("a.png", b"x")
    assert (film.taken, film.body_part, film.spacing_mm) == (date(2026, 4, 12), "knee", (0.2, 0.1))


def test_too_slow(answering: Callable[..., Client]) -> None:
    with pytest.raises(ApiUnreachable, match="did not answer within 30 s; send fewer or smaller films"):
        answering(httpx.ReadTimeout("slow")).ready()


def test_nobody_there() -> None:
    with Client("http://127.0.0.1:9", timeout=5) as client, pytest.raises(ApiUnreachable) as caught:
        client.ready()
    assert "start it with `caselink serve --archive DIR`" in str(caught.value)


@pytest.mark.parametrize("address", ["http://[", "127.0.0.1:8000", "ftp://x", "", "http://a b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ApiUnreachable) as caught, Client(address) as client:
        client.ready()
    assert "; " in str(caught.value)


def test_proxies_of_the_environment_are_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with Client("http://127.0.0.1:9") as client:
        assert not client._http._mounts
