"""Multipart uploads, held to their limits while they arrive."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.uploads import MIB, UploadTooLarge, read_form, shown_name

HEAD = {"content-type": "multipart/form-data; boundary=b"}


def part(data: bytes, name: str = "files", filename: str | None = "a.png") -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"


END = b"--b--\r\n"


def refused(http: TestClient, body: Any, status: int, slug: str, headers: dict[str, str] = HEAD) -> str:
    answer = http.post("/v1/search", content=body, headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"/problems/{slug}"), document
    return str(document["detail"])


def test_a_form_that_is_well(http: TestClient, film: bytes) -> None:
    body = part(film) + part(b"2", "k", None) + END
    answer = http.post("/v1/search", content=body, headers=HEAD)
    assert answer.status_code == 200
    assert len(answer.json()["cases"]) == 2


@pytest.mark.parametrize("kind", ["application/json", "image/png", "application/x-www-form-urlencoded", ""])
def test_another_type_of_body(http: TestClient, kind: str) -> None:
    said = refused(http, b"{}", 415, "not-multipart", {"content-type": kind})
    assert f"the body is {kind or 'of no type'}; send multipart/form-data with films in 'files'" in said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the form ends before its last boundary"),
        (b"nonsense", "the form cannot be read"),
        (part(b"\x89PNG"), "the form ends before its last boundary; send it again, whole"),
        (END, "no film was sent; send at least one file in 'files'"),
        (part(b"5", "k", None) + END, "no film was sent"),
        (part(b"") + END, "a.png is empty (0 bytes); send the film itself"),
        (part(b"", filename="") + END, "film 1 is empty"),
        (part(b"x", filename=None) + END, "'files' was sent as text; send it as a file"),
        (part(b"x", "picture") + END, "the file field 'picture' is unknown; send films in 'files'"),
        (part(b"x" * 9000, "where", None) + END, "the form cannot be read (Part exceeded maximum size of 8KB)"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, "the form cannot be read"),
        (b"".join(part(b"1", f"f{n}", None) for n in range(70)) + END, "Too many fields"),
    ],
)
def test_a_form_that_is_not(http: TestClient, body: bytes, said: str) -> None:
    assert said in refused(http, body, 422, "upload")


def test_no_boundary(http: TestClient) -> None:
    assert "Missing boundary" in refused(http, END, 422, "upload", {"content-type": "multipart/form-data"})


def test_a_cut_off_form_is_not_answered_from_the_films_that_came(http: TestClient, film: bytes) -> None:
    body = part(film) + part(film)[:-20]
    assert "ends before its last boundary" in refused(http, body, 422, "upload")


def test_too_many_films(http: TestClient, film: bytes) -> None:
    said = refused(http, part(film) * 4 + END, 413, "upload-too-large")
    assert said == "more than 3 films in one upload, which is the limit; send the most telling ones"


def test_too_large_by_its_own_word(http: TestClient) -> None:
    said = refused(http, b"x", 413, "upload-too-large", HEAD | {"content-length": str(50 * MIB)})
    assert "the upload has 50.0 MiB or more, over the limit of 1 MiB" in said


@pytest.mark.parametrize("stated", [None, "10", "-1", "many"])
def test_too_large_whatever_it_says(http: TestClient, stated: str | None) -> None:
    """Sent in chunks, without a length or with a lie; the server stops reading soon after the limit."""
    taken = 0

    def chunks() -> Iterator[bytes]:
        nonlocal taken
        yield part(b"")[:-2]
        for _ in range(64):
            taken += 1
            yield bytes(MIB // 8)

    headers = HEAD if stated is None else HEAD | {"content-length": stated}
    assert "over the limit of 1 MiB" in refused(http, chunks(), 413, "upload-too-large", headers)


@pytest.mark.anyio
async def test_reading_stops_at_the_limit() -> None:
    sent = 0

    async def receive() -> dict[str, object]:
        nonlocal sent
        sent += 1
        body = part(b"")[:-2] if sent == 1 else bytes(MIB // 4)
        return {"type": "http.request", "body": body, "more_body": True}

    scope = {"type": "http", "headers": [(b"content-type", b"multipart/form-data; boundary=b")], "method": "POST"}
    with pytest.raises(UploadTooLarge, match="1.3 MiB or more"):
        await read_form(Request(scope, receive), "files", 3, 1)
    assert sent == 6  # a head and 5 quarters of a MiB


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@given(st.text(max_size=300))
def test_names_are_short_bare_and_printable(name: str) -> None:
    shown = shown_name(name)
    assert len(shown) <= 120
    assert "/" not in shown
    assert "\\" not in shown
    assert all(character.isprintable() for character in shown)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("C:\\films\\Doe^Jane\\a.dcm", "a.dcm"),
        ("/films/x/a.png", "a.png"),
        ("a\r\nb.png", "ab.png"),
        ("  ", ""),
        ("..", ".."),
    ],
)
def test_names_lose_their_folders(sent: str, shown: str) -> None:
    assert shown_name(sent) == shown
