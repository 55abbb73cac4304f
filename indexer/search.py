"""Searching a snapshot: filter, search, group by patient, vote."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from engine.card import ModelCard
from engine.embeddings import Vectors, fuse
from engine.errors import QueryError
from engine.radiograph import Radiograph
from engine.region import Origin, Region
from engine.said import Said
from indexer.allowed import Allowed, Rows
from indexer.answer import NOTICE, TIE_RULE, Answer, SimilarCase, SimilarFilm, count_votes
from indexer.archive import Snapshot
from indexer.catalogue import FILTER_COLUMNS, Row
from indexer.evaluation.voting import NOBODY, vote
from indexer.filters import parse_filter
from indexer.nearest import Nearest, films_of, hidden, meet, nearest_patients
from indexer.remarks import remarks
from indexer.votes.verdict import Hit, Polled, verdict

MAX_K = 1000
MOSTLY = 0.5
"""Share of an archive's films of lesions that are crops, over which a whole film gets no vote."""
FILMS_PER_CASE = 4
"""Best films listed under each patient."""
TOLD = (
    *("film", "patient", "entity", "malignancy", "proof", "site", "side", "age", "sex", "centre", "view", "taken"),
    *("stage", "x0", "y0", "x1", "y1", "region", "rows", "columns", "spacing_row", "spacing_column"),
)
"""Columns of a film that an answer tells of."""
NO_MALIGNANT = Said(
    "no_malignant", "no film of a patient with a malignant lesion may answer: the filter, or the archive, has none"
)


@dataclass(frozen=True)
class KeptFilm:
    """A film of a query whose pixels and header are gone: what a search needs to know of it beside its vector.

    patients: the pseudonyms that its header's patient may have in the archive; empty where it names none.
    """

    source: str
    sha256: str
    patients: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is asked of an archive.

    films: the query's films, all of one patient. regions: of each, what was embedded. vectors: float32 (n, d), their
    embeddings; of kept films, some may have none. k: patients wanted.
    where: filter text, None for all. include_self: let the query's own patient answer too. all_stages: let films
    taken after treatment answer too. patients: pseudonyms by which the query's own patient is known besides.
    """

    films: Sequence[Radiograph | KeptFilm]
    regions: Sequence[Region]
    vectors: Vectors
    k: int = 5
    where: str | None = None
    include_self: bool = False
    all_stages: bool = False
    patients: Collection[str] = ()


def answer(snapshot: Snapshot, card: ModelCard, question: Question) -> Answer:
    """The k most similar past patients and their vote.

    card: of the encoder that made the question's vectors.

    Raises:
        QueryError: k out of range, films of two patients, an empty archive. FilterError: a filter not understood.
        ModelMismatch: vectors of another model.
    """
    snapshot.manifest.card.require(card)
    _check_k(snapshot, question.k)
    judged = _judge(snapshot, question)
    allowed = judged(question.where)
    query, votes = fuse(question.vectors), snapshot.votes
    wide = max(question.k, votes.calibration.k if votes.calibration else 0)
    nearest = nearest_patients(snapshot, query[None], wide, allowed)
    rows = nearest.rows[0][nearest.rows[0] >= 0]
    found = films_of(snapshot, query, rows, allowed) if len(rows) else []
    behind = hidden(snapshot, nearest.among[0])
    shown = found[: question.k]
    cases = _cases(snapshot, [hits[:FILMS_PER_CASE] for hits in shown])
    whole = any(region.origin is Origin.whole for region in question.regions)
    unmarked = whole and bool(cases) and snapshot.cropped > MOSTLY
    ballots = () if unmarked else count_votes(cases)
    top = found[0][0][1] if found else None
    if question.where is not None:
        top = _nearest(snapshot, query, judged(None))
    best = [hits[0] for hits in found]
    polled = Polled(best, top, question.k, question.where is not None, whole, _reason(cases, unmarked), unmarked)
    said = verdict(votes, ballots, polled)
    suspect = partial(judged, question.where, malignant=True)
    malignant = _nearest_malignant(snapshot, query, allowed, suspect, [] if behind else found, cases)
    warnings = [*said.warnings, *_warnings(snapshot, question, cases, allowed.unknown, behind)]
    none = NO_MALIGNANT if malignant is None else None
    return Answer(
        cases,
        {ballot.entity: ballot.patients for ballot in ballots},
        ballots,
        said.label,
        said.reason,
        TIE_RULE,
        tuple(warnings),
        _manifest(snapshot, question, allowed),
        said.abstained,
        said.shares,
        said.shares_note,
        said.prediction_set,
        said.likeness,
        said.unlike,
        said.malignant,
        malignant,
        none,
        remarks(said.reason, *warnings, said.shares_note, none),
    )


def similar_patients(
    snapshot: Snapshot, card: ModelCard, vectors: Vectors, k: int, where: str | None = None
) -> tuple[Nearest, list[str | None]]:
    """Of many queries at once: the k nearest past patients of each, and the entity that most of them have.

    vectors: float32 (m, d) unit rows, the embedding of one query each, by the model of `card`. The entity is that of
    the best films' lesions under `TIE_RULE`; None where none of them is known. Films after treatment do not answer.

    Raises:
        As `answer` does.
    """
    snapshot.manifest.card.require(card)
    _check_k(snapshot, k)
    allowed = _judge(snapshot, Question((), (), vectors, k, where, include_self=True))(where)
    nearest = nearest_patients(snapshot, np.ascontiguousarray(vectors, np.float32), k, allowed)
    label = snapshot.votes.label[nearest.rows]
    label[nearest.rows < 0] = NOBODY
    winners = vote(label, nearest.near)
    return nearest, [None if code == NOBODY else snapshot.votes.entities[code] for code in winners.tolist()]


def _check_k(snapshot: Snapshot, k: int) -> None:
    patients = len(snapshot.patients)
    if not patients:
        raise QueryError(Said("no_films", "the archive holds no films yet; index some with `caselink index`"))
    limit = min(MAX_K, patients)
    if not 1 <= k <= limit:
        told = "k = {k} is outside 1 to {limit} (the archive has {patients} patients); ask for a number within"
        raise QueryError(Said("k_outside", told, k=k, limit=limit, patients=patients))


def _judge(snapshot: Snapshot, question: Question) -> Callable[..., Allowed]:
    """Gives the films that may answer, by filter, `malignant` ones alone where asked for; own ones are found once."""
    own = None if question.include_self else own_rows(snapshot, question.films, question.patients)

    def judged(where: str | None, *, malignant: bool = False) -> Allowed:
        def make() -> Allowed:
            rows = np.ones(len(snapshot.film), dtype=bool) if question.all_stages else snapshot.untreated
            if malignant:
                rows = rows & snapshot.votes.malignant
            passing, unknown = (True, 0) if where is None else snapshot.filters(parse_filter(where, FILTER_COLUMNS))
            return Allowed.of(rows & passing, None if snapshot.films_of_vector.plain else snapshot.vector, unknown)

        allowed = snapshot.allowed.get((where, question.all_stages, malignant), make)
        return allowed if own is None else allowed.without(own)

    return judged


def _nearest(snapshot: Snapshot, query: Vectors, allowed: Allowed) -> float | None:
    """Similarity of the nearest film; None where none may answer."""
    return float(meet(snapshot, query[None], 1, allowed).near[0]) if allowed.films else None


def _nearest_malignant(
    snapshot: Snapshot,
    query: Vectors,
    allowed: Allowed,
    suspect: Callable[[], Allowed],
    found: Sequence[list[Hit]],
    cases: Sequence[SimilarCase],
) -> SimilarCase | None:
    """The patient of the nearest malignant film that may answer, however far, that film first; None without any.

    suspect: gives the malignant ones of those allowed. found: the nearest patients with all their films, where it is
    sure that no film nearer is missing; else empty.
    """
    malignant = snapshot.votes.malignant
    met = [(-like, row, hits) for hits in found for row, like in hits if malignant[row]]
    if met and -min(met)[0] > found[-1][0][1]:
        _, row, hits = min(met)
    else:
        among = suspect()
        if not among.films:
            return None
        row = int(meet(snapshot, query[None], 1, among).row[0])
        (hits,) = films_of(snapshot, query, np.array([row]), allowed)
    chosen = [hit for hit in hits if hit[0] == row] + [hit for hit in hits if hit[0] != row]
    (case,) = _cases(snapshot, [chosen[:FILMS_PER_CASE]])
    rank = next((each.rank for each in cases if each.patient == case.patient), 0)
    return replace(case, rank=rank)


def own_rows(snapshot: Snapshot, films: Sequence[Radiograph | KeptFilm], patients: Collection[str] = ()) -> Rows:
    """Rows of the query's own patient, known by the header's identifier or by a film with the same bytes.

    patients: pseudonyms by which they are known besides.

    Raises:
        QueryError: where the films' headers name more than one patient.
    """
    own: set[str] = set()
    stated = 0
    for named in filter(None, (header_patients(snapshot, film) for film in films)):
        stated += own.isdisjoint(named)  # one person's sets share the pseudonym without an issuer
        own |= named
    if stated > 1:
        told = "the films belong to {patients} patients by their headers; query one patient at a time"
        raise QueryError(Said("several_patients", told, patients=stated))
    twins = snapshot.rows_of_files(film.sha256 for film in films)
    codes = set(snapshot.patient[twins].tolist())
    codes |= {snapshot.patient_code.get(name, -1) for name in own.union(patients)}
    held = np.array(sorted(codes - {-1}), np.int64)
    return snapshot.films_of_patient.rows(held)[1]


def header_patients(snapshot: Snapshot, film: Radiograph | KeptFilm) -> frozenset[str]:
    """The pseudonyms that a header's patient may have in an archive, by each source's issuer; empty without any."""
    if isinstance(film, KeptFilm):
        return film.patients
    name = film.header.patient
    issuers = {source.issuer for source in snapshot.manifest.sources.values()} | {""}
    return frozenset(snapshot.pseudonyms.patient(name, issuer) for issuer in issuers) if name else frozenset()


def _cases(snapshot: Snapshot, found: Sequence[list[Hit]]) -> tuple[SimilarCase, ...]:
    """The cases of patients by their listed hits, nearest first; what they tell is looked up once for all."""
    rows = [row for hits in found for row, _ in hits]
    facts = dict(zip(rows, snapshot.films.select(TOLD).take(rows).to_pylist(), strict=True)) if rows else {}
    return tuple(_case(snapshot, rank, hits, facts) for rank, hits in enumerate(found, start=1))


def _case(snapshot: Snapshot, rank: int, hits: list[Hit], facts: dict[int, Row]) -> SimilarCase:
    rows = [facts[row] for row, _ in hits]
    best = rows[0]
    return SimilarCase(
        rank,
        best["patient"],
        hits[0][1],
        best["entity"],
        best["malignancy"],
        best["proof"],
        best["site"],
        best["side"],
        best["age"],
        best["sex"],
        best["centre"],
        tuple(_film(row, likeness) for row, (_, likeness) in zip(rows, hits, strict=True)),
        snapshot.outcomes.get(best["patient"]),
    )


def _film(row: Row, similarity: float) -> SimilarFilm:
    spacing = None if row["spacing_row"] is None else (row["spacing_row"], row["spacing_column"])
    return SimilarFilm(
        row["film"],
        similarity,
        row["view"],
        row["side"],
        row["taken"],
        row["stage"],
        (row["x0"], row["y0"], row["x1"], row["y1"]),
        row["region"],
        row["rows"],
        row["columns"],
        spacing,
    )


def _reason(cases: Sequence[SimilarCase], unmarked: bool) -> Said:
    """Why nobody votes, if nobody does."""
    if unmarked:
        # films without a tumour have no crop, so a whole film would meet these, whatever it shows
        told = "no lesion is marked on a whole film, and this archive compares lesions; draw the lesion for a vote"
        return Said("unmarked", told)
    if not cases:
        told = "no film may answer: the filter, the stage or the query's own patient leaves none; widen the filter"
        return Said("no_film", told)
    return Said("no_entity", "none of the similar patients has a known entity, so there is nothing to vote on")


def _warnings(
    snapshot: Snapshot, question: Question, cases: Sequence[SimilarCase], unknown: int, behind: Sequence[int]
) -> list[Said]:
    said = [Said.of(film.source, warning) for film in question.films for warning in film.warnings]
    if len(cases) < question.k:
        told = "only {cases} of the {k} patients asked for may answer"
        said.append(Said("few_cases", told, cases=len(cases), k=question.k))
    silent = sum(case.entity is None for case in cases)
    if silent and len(cases) > silent:
        told = "{silent} of the similar patients have no known entity and cast no vote"
        said.append(Said("silent", told, silent=silent))
    twins = sum(before < question.k for before in behind)
    if twins:
        told = "{twins} patients share a near-duplicate film with a nearer one and cast no second vote"
        said.append(Said("twins", told, twins=twins))
    if unknown:
        told = "the filter left out {unknown} films for which a value it asks for is unknown"
        said.append(Said("unknown_to_filter", told, unknown=unknown))
    return said


def _manifest(snapshot: Snapshot, question: Question, allowed: Allowed) -> dict[str, object]:
    manifest = snapshot.manifest
    return {
        "notice": NOTICE,
        "synthetic": manifest.synthetic,
        "archive": manifest.title,
        "version": manifest.version,
        "published": manifest.created,
        "films": len(snapshot.film),
        "patients": len(snapshot.patients),
        "model": manifest.card.name,
        "model_fingerprint": manifest.card.fingerprint,
        "index": manifest.index.name,
        "k": question.k,
        "where": question.where,
        "searched": snapshot.index.way(question.k, allowed.ids),
        "unknown_to_filter": allowed.unknown,
        "segmenter": manifest.segmenter,
        "regions": [
            {"origin": region.origin.value, "box": region.box, "confidence": region.confidence}
            for region in question.regions
        ],
        "stages": "all" if question.all_stages else "before treatment or unknown",
        "include_self": question.include_self,
        "asked": datetime.now(UTC).isoformat(timespec="seconds"),
    }
