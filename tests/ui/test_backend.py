"""Pictures for one visitor: fetched once, several at a time, and a film of one's own sent once only."""

import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from api.client import ApiProblem, ApiUnreachable
from api.schemas import Preview
from ui import backend
from ui.session import MOST_PICTURES, QueryFilm, Session

FILM = QueryFilm("k", "a.png", b"film", 900, 600, None, None, ())


def png(rows: int, columns: int) -> bytes:
    target = io.BytesIO()
    Image.new("L", (columns, rows), 90).save(target, "PNG")
    return target.getvalue()


class Api:
    """Answers for pictures, and keeps what it was asked for."""

    def __init__(self, *broken: int) -> None:
        self.asked: list[object] = []
        self.broken = broken

    def preview(self, name: str, data: bytes, size: int) -> Preview:
        self.asked.append((name, size))
        return Preview(png(900, 600), 900, 600, None, None, ())

    def film_preview(self, film: int, size: int) -> bytes:
        self.asked.append(film)
        if film in self.broken:
            raise ApiProblem(404, "Not found", f"film {film} cannot be shown")
        return png(40, 30)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    found = Api(7)
    monkeypatch.setattr(backend, "client", lambda: found)
    return found


def size(picture: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(picture)).size


def test_a_film_of_ones_own_is_sent_once_for_all_sizes(api: Api) -> None:
    session = Session()
    drawn = backend.drawn_picture(session, FILM)
    assert drawn.startswith(b"\x89PNG")
    assert size(backend.own_picture(session, FILM, 300)) == (200, 300)
    assert size(backend.own_picture(session, FILM, 5000)) == (600, 900)
    assert api.asked == [("a.png", backend.PREVIEW)]


def test_pictures_are_fetched_ahead_once_and_a_missing_one_is_told_later(api: Api) -> None:
    session = Session()
    backend.fetch_ahead(session, [1, 7, 2], 64)
    backend.fetch_ahead(session, [1, 2], 64)
    assert sorted(map(str, api.asked)) == ["1", "2", "7"]
    assert size(backend.archive_picture(session, 1, 64)) == (30, 40)
    assert len(api.asked) == 3
    with pytest.raises(ApiProblem, match="film 7 cannot be shown"):
        backend.archive_picture(session, 7, 64)


def test_an_api_that_is_gone_is_told_by_the_picture_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(film: int, size: int) -> Any:
        raise ApiUnreachable("nobody there")

    monkeypatch.setattr(backend, "client", lambda: SimpleNamespace(film_preview=gone))
    session = Session()
    backend.fetch_ahead(session, [1], 64)
    assert not session.pictures


def test_the_oldest_pictures_go_first(api: Api) -> None:
    session = Session()
    backend.fetch_ahead(session, range(100, 100 + MOST_PICTURES + 1), 64)
    assert len(session.pictures) == MOST_PICTURES
    assert ("archive", 100, 64) not in session.pictures
