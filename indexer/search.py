"""Searching a snapshot: filter, search, group by patient, vote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from engine.card import ModelCard
from engine.embeddings import Vectors, fuse
from engine.errors import QueryError
from engine.radiograph import Radiograph
from engine.region import Origin, Region
from indexer.allowed import Allowed, Rows
from indexer.answer import NOTICE, TIE_RULE, Answer, SimilarCase, SimilarFilm, count_votes
from indexer.archive import Snapshot
from indexer.catalogue import FILTER_COLUMNS, Row
from indexer.filters import parse_filter
from indexer.indexes import IdSet
from indexer.votes.verdict import Hit, Polled, verdict

MAX_K = 1000
FILMS_PER_CASE = 4
"""Best films listed under each patient."""
FIRST_REACH = 8
"""Films asked for per wanted patient at first; doubled until enough patients are found."""
TOLD = (
    *("film", "patient", "entity", "malignancy", "proof", "site", "side", "age", "sex", "centre", "view", "taken"),
    *("stage", "x0", "y0", "x1", "y1", "region", "rows", "columns", "spacing_row", "spacing_column"),
)
"""Columns of a film that an answer tells of."""
NO_MALIGNANT = "no film of a patient with a malignant lesion may answer: the filter, or the archive, has none"


@dataclass(frozen=True)
class Question:
    """What is asked of an archive.

    films: the query's films, all of one patient. regions: of each, what was embedded. vectors: float32 (n, d), their
    embeddings. k: patients wanted.
    where: filter text, None for all. include_self: let the query's own patient answer too. all_stages: let films
    taken after treatment answer too.
    """

    films: Sequence[Radiograph]
    regions: Sequence[Region]
    vectors: Vectors
    k: int = 5
    where: str | None = None
    include_self: bool = False
    all_stages: bool = False


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
    found, hidden = _nearest_patients(snapshot, query, wide, allowed)
    shown = found[: question.k]
    cases = _cases(snapshot, [hits[:FILMS_PER_CASE] for hits in shown])
    ballots = count_votes(cases)
    nearest = found[0][0][1] if found else None
    if question.where is not None:
        nearest = _nearest(snapshot, query, judged(None))
    whole = any(region.origin is Origin.whole for region in question.regions)
    best = [hits[0] for hits in found]
    polled = Polled(best, nearest, question.k, question.where is not None, whole, _reason(cases))
    said = verdict(votes, ballots, polled)
    suspect = partial(judged, question.where, malignant=True)
    malignant = _nearest_malignant(snapshot, query, allowed, suspect, [] if hidden else found, cases)
    warnings = [*said.warnings, *_warnings(snapshot, question, cases, allowed.unknown, hidden)]
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
        NO_MALIGNANT if malignant is None else None,
    )


def _check_k(snapshot: Snapshot, k: int) -> None:
    patients = len(snapshot.patients)
    if not patients:
        raise QueryError("the archive holds no films yet; index some with `caselink index`")
    limit = min(MAX_K, patients)
    if not 1 <= k <= limit:
        raise QueryError(
            f"k = {k} is outside 1 to {limit} (the archive has {patients} patients); ask for a number within"
        )


def _judge(snapshot: Snapshot, question: Question) -> Callable[..., Allowed]:
    """Gives the films that may answer, by filter, `malignant` ones alone where asked for; own ones are found once."""
    own = None if question.include_self else own_rows(snapshot, question.films)

    def judged(where: str | None, *, malignant: bool = False) -> Allowed:
        def make() -> Allowed:
            rows = np.ones(len(snapshot.film), dtype=bool) if question.all_stages else snapshot.untreated
            if malignant:
                rows = rows & snapshot.votes.malignant
            passing, unknown = (True, 0) if where is None else snapshot.filters(parse_filter(where, FILTER_COLUMNS))
            return Allowed.of(rows & passing, snapshot.vector, unknown)

        allowed = snapshot.allowed.get((where, question.all_stages, malignant), make)
        return allowed if own is None else allowed.without(own)

    return judged


def _nearest(snapshot: Snapshot, query: Vectors, allowed: Allowed) -> float | None:
    """Similarity of the nearest film; None where none may answer."""
    return _hits(snapshot, query, 1, allowed)[0][1] if allowed.films else None


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
        row = _hits(snapshot, query, 1, among)[0][0]
        (hits,) = _all_films(snapshot, query, [int(snapshot.patient[row])], allowed)
    chosen = [hit for hit in hits if hit[0] == row] + [hit for hit in hits if hit[0] != row]
    (case,) = _cases(snapshot, [chosen[:FILMS_PER_CASE]])
    rank = next((each.rank for each in cases if each.patient == case.patient), 0)
    return replace(case, rank=rank)


def own_rows(snapshot: Snapshot, films: Sequence[Radiograph]) -> Rows:
    """Rows of the query's own patient, known by the header's identifier or by a film with the same bytes.

    Raises:
        QueryError: where the films' headers name more than one patient.
    """
    stated = {film.header.patient for film in films if film.header.patient}
    if len(stated) > 1:
        raise QueryError(f"the films belong to {len(stated)} patients by their headers; query one patient at a time")
    issuers = {source.issuer for source in snapshot.manifest.sources.values()} | {""}
    own = {snapshot.pseudonyms.patient(name, issuer) for name in stated for issuer in issuers}
    twins = [row for film in films for row in snapshot.by_hash.get(film.sha256, [])]
    codes = set(snapshot.patient[twins].tolist()) | {snapshot.patient_code.get(name, -1) for name in own}
    return snapshot.rows_of_patients(np.array(sorted(codes), np.int64))


def _nearest_patients(
    snapshot: Snapshot, query: Vectors, k: int, allowed: Allowed
) -> tuple[list[list[Hit]], list[int]]:
    """Per patient, nearest first, their allowed films, best first; fewer than k where no more may answer.

    A patient is as near as their best film; among equals the film of the lower row comes first. Of patients who
    share a film but for retouching only the nearest stands; also, for each of the others that were met, how many
    patients stand before them.
    """
    films, reach = allowed.films, k * FIRST_REACH
    while True:
        reach = min(reach, films)
        if not reach:
            return [], []
        hits = _hits(snapshot, query, reach, allowed)
        standing: dict[int, int] = {}
        best: dict[int, float] = {}
        hidden: dict[int, int] = {}
        for row, likeness in hits:
            patient = int(snapshot.patient[row])
            if standing.setdefault(int(snapshot.votes.voter[patient]), patient) == patient:
                best.setdefault(patient, likeness)
            else:
                hidden.setdefault(patient, len(best))
        chosen = list(best)[:k]
        # a film just out of reach may be as near as the last one within
        if reach == films or (len(best) >= k and best[chosen[-1]] > hits[-1][1]):
            return _all_films(snapshot, query, chosen, allowed), list(hidden.values())
        reach *= 2


def _all_films(snapshot: Snapshot, query: Vectors, patients: Sequence[int], allowed: Allowed) -> list[list[Hit]]:
    """The hits of these patients, those out of reach too."""
    rows = snapshot.rows_of_patients(np.array(patients, np.int64))
    theirs = np.zeros(len(allowed.rows), dtype=bool)
    theirs[rows[allowed.rows[rows]]] = True
    few = Allowed(theirs, int(np.count_nonzero(theirs)), IdSet(snapshot.vector[rows]), 0)
    found: dict[int, list[Hit]] = {code: [] for code in patients}
    for row, likeness in _hits(snapshot, query, len(rows), few):
        found[int(snapshot.patient[row])].append((row, likeness))
    return list(found.values())


def _hits(snapshot: Snapshot, query: Vectors, reach: int, allowed: Allowed) -> list[Hit]:
    """The allowed films that share the `reach` nearest vectors, best first, equals by row."""
    ids, similarity = snapshot.index.search(query[None], reach + allowed.spare, allowed.ids)
    held = ids[0] >= 0  # films that share a vector make `reach` larger than the index
    likeness = np.clip(similarity[0][held], -1, 1).tolist()
    found = zip(snapshot.rows_of_vectors(ids[0][held]), likeness, strict=True)
    hits = [(row, like) for rows, like in found for row in rows[allowed.rows[rows]].tolist()]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


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


def _reason(cases: Sequence[SimilarCase]) -> str:
    if not cases:
        return "no film may answer: the filter, the stage or the query's own patient leaves none; widen the filter"
    return "none of the similar patients has a known entity, so there is nothing to vote on"


def _warnings(
    snapshot: Snapshot, question: Question, cases: Sequence[SimilarCase], unknown: int, hidden: Sequence[int]
) -> list[str]:
    said = [f"{film.source}: {warning}" for film in question.films for warning in film.warnings]
    if snapshot.cropped > 0.5 and any(region.origin is Origin.whole for region in question.regions):
        said.append("a whole film was compared with an archive of lesion crops; draw the lesion for a fair comparison")
    if len(cases) < question.k:
        said.append(f"only {len(cases)} of the {question.k} patients asked for may answer")
    silent = sum(case.entity is None for case in cases)
    if silent and len(cases) > silent:
        said.append(f"{silent} of the similar patients have no known entity and cast no vote")
    twins = sum(before <= len(cases) for before in hidden)
    if twins:
        said.append(f"{twins} patients share a near-duplicate film with a nearer one and cast no second vote")
    if unknown:
        said.append(f"the filter left out {unknown} films for which a value it asks for is unknown")
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
        "searched": snapshot.index.way(question.k * FIRST_REACH, allowed.ids),
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
