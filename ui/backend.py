"""The page's way to the API: one client, the archive's facts for a few seconds, pictures for one visitor."""

import io
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import streamlit as st
from PIL import Image

from api.client import USER_HEADER, ApiProblem, ApiUnreachable, Client, File
from api.schemas import ArchiveFacts, ArchiveMap, Preview, SearchAnswer
from api.settings import settings
from ui.question import Question
from ui.session import QueryFilm, Session

Trouble = (ApiProblem, ApiUnreachable)
"""What the API may raise; its text is one sentence for the screen."""
PATIENCE_S = 120.0
"""Large films take a while to arrive and to be decoded."""
FACTS_S = 30.0
FACTS_PATIENCE_S = 10.0
_QUALITY = 88
PREVIEW = 1280
"""Long side of the picture that is drawn on, in pixels."""
VISITORS = 64
"""Clients kept, one for each name that a proxy tells."""
VERSIONS = 2
"""Maps kept; each has some thousand films."""
AHEAD = 4
"""Pictures asked for at once."""


@st.cache_resource(show_spinner=False, max_entries=VISITORS, on_release=Client.close)
def _client(address: str, user: str | None) -> Client:
    return Client(address, timeout=PATIENCE_S, user=user)


def client() -> Client:
    """The client of the API that the settings name; it passes on the name that a proxy gave the visitor."""
    return _client(settings().api, st.context.headers.get(USER_HEADER))


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


@st.cache_resource(show_spinner=False, max_entries=VERSIONS)
def _map(address: str, version: int) -> ArchiveMap:
    with Client(address, timeout=PATIENCE_S) as patient:
        return patient.archive_map()


def archive_map(version: int) -> ArchiveMap:
    """The archive's films on a plane, asked for once a version.

    Raises:
        ApiProblem, ApiUnreachable: not ready, or not there; asked again each time.
    """
    return _map(settings().api, version)


def look(name: str, data: bytes, size: int) -> Preview:
    """A film of the visitor's own, as the API sees it. size: long side of its picture in pixels."""
    return client().preview(name, data, size=size)


def ask(files: Sequence[File], question: Question) -> Future[SearchAnswer]:
    """Put a question to the archive beside whatever else the page does. files: of its films, in their order."""
    asked, known = question.criteria, question.told
    begun = ThreadPoolExecutor(1)
    answer = begun.submit(
        client().search,
        list(files),
        k=asked.k,
        where=asked.where,
        roi=list(question.regions),
        include_self=asked.include_self,
        all_stages=asked.all_stages,
        age=known.age,
        sex=known.sex,
        site=known.site,
    )
    begun.shutdown(wait=False)
    return answer


def own_picture(session: Session, film: QueryFilm, size: int) -> bytes:
    """JPEG of a film of the visitor's own, made here of the picture that they drew on: no film is sent twice for it."""
    key = ("own", film.key, size)
    return _kept(session, key, lambda: _lighter(drawn_picture(session, film), min(size, PREVIEW)))


def archive_picture(session: Session, film: int, size: int) -> bytes:
    """JPEG of an archived film."""
    return _kept(session, ("archive", film, size), lambda: _lighter(client().film_preview(film, size=size)))


def case_picture(session: Session, case: int, film: int, size: int) -> bytes:
    """JPEG of a film of a board's case. film: its number within the board."""
    return _kept(session, ("case", case, film, size), lambda: _lighter(client().case_film(case, film, size=size)))


def fetch_ahead(session: Session, films: Sequence[int], size: int) -> None:
    """Get the pictures of archived films side by side; one that cannot be had is left to `archive_picture` to tell."""
    missing = [film for film in films if ("archive", film, size) not in session.pictures]
    asked = client()

    def fetch(film: int) -> bytes | None:
        try:
            return _lighter(asked.film_preview(film, size=size))
        except Trouble:
            return None

    with ThreadPoolExecutor(AHEAD) as pool:
        for film, picture in zip(missing, pool.map(fetch, missing), strict=True):
            if picture is not None:
                session.keep_picture(("archive", film, size), picture)


def drawn_picture(session: Session, film: QueryFilm) -> bytes:
    """PNG of a film of the visitor's own, for drawing on and for windows."""
    return _kept(session, drawing(film.key), lambda: look(film.name, film.data, PREVIEW).png)


def drawing(key: str) -> tuple[object, ...]:
    """Under which name the session keeps the picture of a film that is drawn on. key: of the film."""
    return "drawing", key, PREVIEW


def _kept(session: Session, key: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    found = session.pictures.get(key)
    return session.keep_picture(key, make()) if found is None else found


def _lighter(png: bytes, size: int | None = None) -> bytes:
    """A JPEG a sixth the size: an answer shows dozens of films. size: most pixels of its long side, None = as it is."""
    target = io.BytesIO()
    picture = Image.open(io.BytesIO(png)).convert("L")
    if size is not None:
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    picture.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
