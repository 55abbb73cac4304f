"""One way to explain an answer, shared by every door: where two films agree, and what speaks for an entity."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from api.archived import Archived, find, original, thumbnail
from api.explained import Explanation, FilmMap, ViewMap
from api.lookup import QueryFilm
from engine.embeddings import Embedder
from engine.errors import EncoderError, QueryError
from engine.explain import (
    Agreement,
    Classifier,
    Heat,
    Look,
    agreement,
    drawn_out,
    look,
    overlay,
    vote_activation,
    window,
)
from engine.radiograph import Radiograph
from engine.region import Origin
from engine.said import Said
from indexer.answer import NOTICE
from indexer.archive import Snapshot
from indexer.thumbnails import THUMBNAIL_SIDE

OVERLAY_SIDE = 512
DIGITS = 4
MOST_VOTERS = 20
ENCODER = "encoder"
RULE = "bright where a place adds most to the similarity of the two films: what was compared, not where a lesion is"
INEXACT = f"{RULE}; told from the features before this encoder's last layers, which do not keep places apart"
BY_CLASSIFIER = "bright where a place adds most for it in the encoder's classifier (class activation map, Zhou 2016)"
BY_VOTE = "bright where a place adds most to the similarity with the neighbours who had it"
BY_VOTE_ALONE = f"{BY_VOTE}; this encoder has no classifier"
BY_VOTE_UNTAUGHT = f"{BY_VOTE}; this encoder's classifier was not taught it"
NOT_ASKED = "no entity was asked for"
NO_VOTERS = "this encoder has no classifier, and no neighbours who had the entity were named"
NOT_POOLED = "this encoder has no classifier that was taught it, and its features do not belong to places once pooled"
SMALL = "the archived film's original has moved or changed, so its small copy in the archive was looked at"


@dataclass(frozen=True, eq=False)
class Activation:
    """What speaks for an entity on the query's film. heats: None where `rule` says why. rule: how it came about."""

    entity: str | None
    rule: str
    heats: tuple[Heat, ...] | None = None


@dataclass(frozen=True, eq=False)
class Pair:
    """A query's film and an archived one through the same encoder. small: of that one only the small copy was left."""

    query: Look
    neighbour: Look
    film: int
    small: bool
    agreement: Agreement
    activation: Activation


def explain(
    snapshot: Snapshot,
    embedder: Embedder,
    asked: QueryFilm,
    film: int,
    *,
    entity: str | None = None,
    voters: Sequence[int] = (),
) -> Pair:
    """Where `asked` and an archived film agree, and what on `asked` speaks for an entity.

    film: the archived film's number. entity: None for no second map. voters: films of the neighbours who had it, for
    encoders that have no classifier, or one that was not taught the entity.

    Raises:
        NotFound: a film that the archive has not. QueryError: an entity that the classifier does not know, and no
            voters; or too many. EncoderError: an encoder that gives no patches.
    """
    snapshot.manifest.card.require(embedder.card)
    found = find(snapshot, film)
    if len(voters) > MOST_VOTERS:
        told = "{voters} voters were named, over the limit of {most}; name the nearest"
        raise QueryError(Said("voters_many", told, voters=len(voters), most=MOST_VOTERS))
    query = look(embedder, asked.film, asked.region)
    shown, small = _film(snapshot.root, found)
    neighbour = look(embedder, shown, found.region)
    activation = _activation(snapshot, embedder, query, entity, voters)
    return Pair(query, neighbour, film, small, agreement(query, neighbour), activation)


def _film(root: Path, found: Archived) -> tuple[Radiograph, bool]:
    """An archived film, and whether it is but the small copy."""
    whole = found.region.origin is Origin.whole
    film = original(found, THUMBNAIL_SIDE if whole else None)
    return (thumbnail(root, found), True) if film is None else (film, False)


def _activation(
    snapshot: Snapshot, embedder: Embedder, query: Look, entity: str | None, voters: Sequence[int]
) -> Activation:
    if entity is None:
        return Activation(None, NOT_ASKED)
    classifier = Classifier.read(snapshot.root / ENCODER)
    if classifier is not None and (entity in classifier.entities or not voters):
        speaks = classifier.activation(query.patches, entity)
        return Activation(entity, BY_CLASSIFIER, query.heats(speaks, signed=True))
    if not voters:
        return Activation(entity, NO_VOTERS)
    theirs = [find(snapshot, film) for film in voters]
    looks = [look(embedder, _film(snapshot.root, each)[0], each.region) for each in theirs]
    share = vote_activation(query.patches, query.vector, np.stack([each.vector for each in looks]))
    rule = BY_VOTE_ALONE if classifier is None else BY_VOTE_UNTAUGHT
    return Activation(entity, NOT_POOLED) if share is None else Activation(entity, rule, query.heats(share))


def told(pair: Pair) -> Explanation:
    """A pair as it goes over HTTP."""
    both = pair.agreement
    heats = pair.activation.heats
    return Explanation(
        notice=NOTICE,
        film=pair.film,
        picture="thumbnail" if pair.small else "original",
        similarity=round(both.similarity, 6),
        exact=both.exact,
        rule=RULE if both.exact else INEXACT,
        query=_film_map(both.query, pair.query.film),
        neighbour=_film_map(both.neighbour, pair.neighbour.film),
        activation_of=pair.activation.entity,
        activation_rule=pair.activation.rule,
        activation=None if heats is None else _film_map(heats, pair.query.film),
        warnings=(SMALL,) if pair.small else (),
    )


def _film_map(heats: Sequence[Heat], film: Radiograph) -> FilmMap:
    rows, columns = film.shape
    box = window(heats, film.shape)
    return FilmMap(
        rows, columns, box, tuple(_view_map(heat) for heat in heats), _png(drawn_out(heats, box, OVERLAY_SIDE))
    )


def _view_map(heat: Heat) -> ViewMap:
    grid = tuple(tuple(round(float(value), DIGITS) for value in row) for row in heat.grid)
    return ViewMap(heat.view.value, heat.square, grid)


def _png(heat: npt.NDArray[np.float32]) -> str:
    tint = overlay(heat)
    done, data = cv2.imencode(".png", cv2.cvtColor(tint, cv2.COLOR_RGBA2BGRA))
    if not done:
        raise EncoderError(f"no PNG can be made of a map of {tint.shape[1]}x{tint.shape[0]} pixels; report this film")
    return base64.b64encode(data.tobytes()).decode("ascii")
