"""One way to ask an archive, shared by every door."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from api.boxes import WHOLE, Box, Whole
from engine.embeddings import Embedder, Vectors
from engine.errors import QueryError, RegionError
from engine.facts import Facts, sites_of
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Origin, Region
from engine.said import Said
from engine.segmentation import Segmenter
from indexer.answer import Answer
from indexer.archive import Snapshot
from indexer.regions import propose
from indexer.search import Question, answer
from indexer.thumbnails import THUMBNAIL_SIDE


@dataclass(frozen=True)
class QueryFilm:
    """A film and the region of it that is asked about."""

    film: Radiograph
    region: Region


NOTHING_SAID = Facts()


def query_film(
    data: bytes | Path,
    box: Box | Whole | None,
    *,
    name: str | None = None,
    segmenter: Segmenter | None = None,
    size: int = THUMBNAIL_SIDE,
) -> QueryFilm:
    """The film in a file, and the region that is asked about; a box that somebody drew always wins.

    box: `WHOLE` for all of the film; None for the region that `segmenter` proposes, and all of it where there is no
    segmenter. A whole film is decoded no larger than its archived fellows were. size: side of the encoder's input.

    Raises:
        FilmError, RegionError: both name the film.
    """
    if box is None and segmenter is not None:
        return _proposed(data, segmenter, size, name)
    if box is None or box == WHOLE:
        film = read(data, name=name, at_least=THUMBNAIL_SIDE)
        return QueryFilm(film, Region.whole(film.shape))
    film = read(data, name=name)
    try:
        return QueryFilm(film, Region.drawn(box, film.shape))
    except RegionError as error:
        raise RegionError(Said.of(film.source, error.said)) from None


def _proposed(data: bytes | Path, segmenter: Segmenter, size: int, name: str | None) -> QueryFilm:
    """A film with its proposed region, and in its warnings how that came to be."""
    film, region = propose(data, segmenter, size, name=name)
    confidence = region.confidence or 0.0
    if region.origin is Origin.segmented:
        told = "region proposed by the segmenter with confidence {confidence:.2f}; draw the lesion if it is elsewhere"
        said = Said("proposed", told, confidence=confidence)
    else:
        least = segmenter.card.threshold
        told = (
            "whole film used: no region found with confidence >= {least:.2f} (best {confidence:.2f}); draw the lesion"
        )
        said = Said("not_proposed", told, least=least, confidence=confidence)
    return QueryFilm(replace(film, warnings=(*film.warnings, said)), region)


def ask(
    snapshot: Snapshot,
    embedder: Embedder,
    films: Sequence[QueryFilm],
    *,
    k: int = 5,
    where: str | None = None,
    include_self: bool = False,
    all_stages: bool = False,
    said: Facts = NOTHING_SAID,
) -> Answer:
    """Embed the films and answer from one version of the archive.

    said: what the asker knows of the patient, which goes before a film's own header; nothing of it is needed.

    Raises:
        QueryError, FilterError, RegionError, ModelMismatch: see `indexer.search.answer`.
    """
    vectors = embedded(snapshot, embedder, films, said)
    shown, regions = [each.film for each in films], [each.region for each in films]
    question = Question(shown, regions, vectors, k, where, include_self, all_stages)
    return answer(snapshot, embedder.card, question)


def embedded(snapshot: Snapshot, embedder: Embedder, films: Sequence[QueryFilm], said: Facts = NOTHING_SAID) -> Vectors:
    """float32 (n, d), the films' embeddings in their order. said: see `ask`.

    Raises:
        QueryError: no film. ModelMismatch: another encoder than the archive's.
    """
    if not films:
        raise QueryError(Said("no_film_given", "no film was given; give one or several of one patient"))
    snapshot.manifest.card.require(embedder.card)
    facts = [_known(each.film, said) for each in films]
    return embedder.embed([embedder.prepare(each.film, each.region) for each in films], facts)


def _known(film: Radiograph, said: Facts) -> Facts:
    header = film.header
    age = said.age if said.age is not None else header.age
    return Facts(age, said.sex or header.sex, said.sites or sites_of(header.body_part))
