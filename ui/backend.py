"""The page's way to the API: one client, the archive's facts for a few seconds, pictures for one visitor."""

import io
from collections.abc import Callable

import streamlit as st
from PIL import Image

from api.client import ApiProblem, ApiUnreachable, Client
from api.schemas import ArchiveFacts, Preview
from api.settings import settings
from ui.session import QueryFilm, Session

Trouble = (ApiProblem, ApiUnreachable)
"""What the API may raise; its text is one sentence for the screen."""
PATIENCE_S = 120.0
"""Large films take a while to arrive and to be decoded."""
FACTS_S = 30.0
FACTS_PATIENCE_S = 10.0
_QUALITY = 88


@st.cache_resource(show_spinner=False, on_release=Client.close)
def _client(address: str) -> Client:
    return Client(address, timeout=PATIENCE_S)


def client() -> Client:
    """The client of the API that the settings name."""
    return _client(settings().api)


# a resource, not data: data would be pickled
@st.cache_resource(show_spinner=False, ttl=FACTS_S)
def _facts(address: str) -> ArchiveFacts:
    with Client(address, timeout=FACTS_PATIENCE_S) as short:
        return short.archive()


def facts() -> ArchiveFacts:
    """What the archive holds, at most `FACTS_S` old.

    Raises:
        ApiProblem, ApiUnreachable: not ready, or not there; asked again each time.
    """
    return _facts(settings().api)


def look(name: str, data: bytes, size: int) -> Preview:
    """A film of the visitor's own, as the API sees it. size: long side of its picture in pixels."""
    return client().preview(name, data, size=size)


def own_picture(session: Session, film: QueryFilm, size: int) -> bytes:
    """JPEG of a film of the visitor's own."""
    return _kept(session, ("own", film.key, size), lambda: _lighter(look(film.name, film.data, size).png))


def archive_picture(session: Session, film: int, size: int) -> bytes:
    """JPEG of an archived film."""
    return _kept(session, ("archive", film, size), lambda: _lighter(client().film_preview(film, size=size)))


def drawn_picture(session: Session, film: QueryFilm, size: int) -> bytes:
    """PNG of a film of the visitor's own, for drawing on and for windows."""
    return _kept(session, ("drawing", film.key, size), lambda: look(film.name, film.data, size).png)


def _kept(session: Session, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    found = session.pictures.get(key)
    return session.keep_picture(key, make()) if found is None else found


def _lighter(png: bytes) -> bytes:
    """A JPEG a sixth the size: an answer shows dozens of films."""
    target = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("L").save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
