"""Pictures of films: the archive's and one's own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.pictures import View
from api.pictures import png as picture
from api.settings import Settings

BASE = "http://127.0.0.1"


def seen(answer: Any) -> npt.NDArray[np.uint8]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 2
    return np.asarray(pixels, dtype=np.uint8)


def send(http: TestClient, data: bytes, name: str = "knee.png", **view: object) -> Any:
    return http.post("/v1/preview", files={"file": (name, data)}, params=view)  # type: ignore[arg-type]


def test_an_archived_film_is_its_original(http: TestClient, source: Path) -> None:
    shown = http.get("/v1/films/0/preview")
    original = cv2.imread(str(source / "p00-0.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(seen(shown), original)
    assert shown.headers["x-caselink-preview"] == "original"
    assert "x-caselink-synthetic" not in shown.headers


def test_size_fits_the_long_side_and_never_enlarges(http: TestClient) -> None:
    assert seen(http.get("/v1/films/0/preview", params={"size": 60})).shape == (60, 45)
    assert seen(http.get("/v1/films/0/preview", params={"size": 2048})).shape == (120, 90)


def test_window_and_inversion(http: TestClient, film: bytes) -> None:
    grey = seen(send(http, film)) / 255
    expected = np.clip((grey - 0.25) / 0.5, 0, 1) * 255  # centre 0.5, width 0.5 shows 0.25 to 0.75
    windowed = seen(send(http, film, center=0.5, width=0.5))
    assert np.abs(windowed - expected).max() <= 1
    inverted = seen(send(http, film, center=0.5, width=0.5, invert="true"))
    assert np.array_equal(inverted, 255 - windowed)


def test_a_picture_that_the_browser_kept_is_not_sent_again(http: TestClient) -> None:
    first = http.get("/v1/films/0/preview")
    assert first.headers["cache-control"] == "private, no-cache"
    again = http.get("/v1/films/0/preview", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = http.get("/v1/films/0/preview", params={"size": 50}, headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200


@pytest.fixture
def moved(archive: Path, source: Path, bench: object, tmp_path: Path) -> tuple[Path, Path]:
    """An archive of its own, and the folder of its films, to be changed."""
    films = Path(shutil.copytree(source, tmp_path / "films"))
    bench.index(films, tmp_path / "archive")  # type: ignore[attr-defined]
    return tmp_path / "archive", films


def test_a_film_that_moved_or_changed_is_shown_from_the_archive(
    moved: tuple[Path, Path], limits: Settings, film: bytes
) -> None:
    archive, films = moved
    (films / "p00-0.png").write_bytes(film)
    (films / "p00-1.png").unlink()
    with TestClient(create_app(archive, limits), base_url=BASE) as http:
        for number, name in ((0, "p00-0.png"), (1, "p00-1.png")):
            shown = http.get(f"/v1/films/{number}/preview")
            assert shown.headers["x-caselink-preview"] == "thumbnail", name
            assert seen(shown).shape == (120, 90)
        for thumbnail in (archive / "films").iterdir():
            thumbnail.unlink()
        gone = http.get("/v1/films/1/preview")
        assert gone.status_code == 404
        assert "film 1 cannot be shown" in gone.json()["detail"]
        assert str(films) not in gone.text


@pytest.mark.parametrize("number", [30, 999, 2**63 - 1])
def test_no_such_film(http: TestClient, number: int) -> None:
    answer = http.get(f"/v1/films/{number}/preview")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
    assert answer.json()["detail"] == f"the archive has no film {number}; take its number from an answer"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1/films/-1/preview", "film = '-1'"),
        (f"/v1/films/{2**63}/preview", "film = "),
        ("/v1/films/one/preview", "film = 'one'"),
        ("/v1/films/0/preview?size=4", "size = '4'"),
        ("/v1/films/0/preview?size=100000", "size = '100000'"),
        ("/v1/films/0/preview?width=0", "width = '0'"),
        ("/v1/films/0/preview?center=nan", "center = 'nan'"),
        ("/v1/films/0/preview?center=2", "center = '2'"),
        ("/v1/films/0/preview?invert=maybe", "invert = 'maybe'"),
        ("/v1/films/0/preview?colour=red", "colour = 'red': no such parameter here"),
    ],
)
def test_a_parameter_out_of_range_is_named(http: TestClient, path: str, named: str) -> None:
    answer = http.get(path)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameter")
    assert named in answer.json()["detail"]


def test_ones_own_film_comes_with_what_is_known_of_it(http: TestClient, film: bytes) -> None:
    answer = send(http, film, size=60)
    assert seen(answer).shape == (60, 45)
    assert (answer.headers["x-film-rows"], answer.headers["x-film-columns"]) == ("120", "90")
    assert json.loads(answer.headers["x-film-warnings"]) == []
    assert answer.headers["cache-control"] == "no-store"


def test_what_was_odd_is_said_in_a_header(http: TestClient) -> None:
    deep = cv2.imencode(".png", np.tile(np.linspace(0, 4095, 64, dtype=np.uint16), (64, 1)))[1].tobytes()
    (said,) = json.loads(send(http, deep).headers["x-film-warnings"])
    assert "its pixels use 12 of the file's bits" in said


def test_what_is_no_film_is_refused_by_name(http: TestClient, bad_film: tuple[str, bytes, int]) -> None:
    name, data, status = bad_film
    answer = send(http, data, name)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].count(name) == 1


def test_one_film_at_a_time(http: TestClient, film: bytes) -> None:
    answer = http.post("/v1/preview", files=[("file", ("a.png", film)), ("file", ("b.png", film))])
    assert answer.status_code == 413
    assert answer.json()["detail"].startswith("more than 1 film in one upload")


def test_png_leaves_the_callers_pixels_alone() -> None:
    pixels = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    before = pixels.copy()
    picture(pixels, View(center=0.3, width=0.2, invert=True, size=16))
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize(("shape", "size", "fitted"), [((3000, 16), 64, (64, 1)), ((16, 3000), 64, (1, 64))])
def test_a_narrow_film_keeps_a_pixel(
    shape: tuple[int, int], size: int, fitted: tuple[int, int], seen_png: Callable[[bytes], tuple[int, ...]]
) -> None:
    assert seen_png(picture(np.zeros(shape, np.float32), View(size=size))) == fitted


@pytest.fixture
def seen_png() -> Callable[[bytes], tuple[int, ...]]:
    return lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).shape
