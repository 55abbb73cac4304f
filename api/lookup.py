"""One way to ask an archive, shared by every door."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.boxes import Box
from engine.embeddings import Embedder
from engine.errors import QueryError, RegionError
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Region
from indexer.answer import Answer
from indexer.archive import Snapshot
from indexer.search import Question, answer
from indexer.thumbnails import THUMBNAIL_SIDE


@dataclass(frozen=True)
class QueryFilm:
    """A film and the region of it that is asked about."""

    film: Radiograph
    region: Region


def query_film(data: bytes | Path, box: Box | None, *, name: str | None = None) -> QueryFilm:
    """The film in a file, and the box drawn on it; None = all of it, decoded no larger than its archived fellows were.

    Raises:
        FilmError, RegionError: both name the film.
    """
    if box is None:
        film = read(data, name=name, at_least=THUMBNAIL_SIDE)
        return QueryFilm(film, Region.whole(film.shape))
    film = read(data, name=name)
    try:
        return QueryFilm(film, Region.drawn(box, film.shape))
    except RegionError as error:
        raise RegionError(f"{film.source}: {error}") from None


def ask(
    snapshot: Snapshot,
    embedder: Embedder,
    films: Sequence[QueryFilm],
    *,
    k: int = 5,
    where: str | None = None,
    include_self: bool = False,
    all_stages: bool = False,
) -> Answer:
    """Embed the films and answer from one version of the archive.

    Raises:
        QueryError, FilterError, RegionError, ModelMismatch: see `indexer.search.answer`.
    """
    if not films:
        raise QueryError("no film was given; give one or several of one patient")
    snapshot.manifest.card.require(embedder.card)
    vectors = embedder.embed([embedder.prepare(each.film, each.region) for each in films])
    shown, regions = [each.film for each in films], [each.region for each in films]
    question = Question(shown, regions, vectors, k, where, include_self, all_stages)
    return answer(snapshot, embedder.card, question)
