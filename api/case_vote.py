"""The vote over all films of a board's case, by the vectors that the journal keeps of them."""

from collections.abc import Callable, Collection, Sequence
from datetime import date

import numpy as np
from pydantic import TypeAdapter

from api.lookup import QueryFilm
from api.routes.search import SearchFields, with_queries
from api.schemas import BoardCase, CaseFilm, CaseSummary, QueryFacts, SearchAnswer
from api.service import Opened
from engine.embeddings import Vectors
from engine.errors import CaselinkError
from engine.region import Origin, Region
from engine.said import Said
from indexer.archive import Snapshot
from indexer.journal import Ask, FilmVector, HeldFilm, NewAnswer
from indexer.remarks import as_json, from_json
from indexer.search import KeptFilm, Question, answer, header_patients

STORED = np.dtype("<f4")
_ANSWER = TypeAdapter(SearchAnswer)


def vector_of(snapshot: Snapshot, asked: QueryFilm, vector: Vectors) -> FilmVector:
    """By what a film is asked about again. vector: float32 (d,), its embedding by the archive's encoder."""
    return FilmVector(
        vector.astype(STORED).tobytes(),
        snapshot.manifest.card.fingerprint,
        tuple(sorted(header_patients(snapshot, asked.film))),
        asked.region.confidence,
        tuple(as_json(Said.known(warning)) for warning in asked.film.warnings),
    )


def case_vote(
    opened: Opened, held: Sequence[HeldFilm], patients: Collection[str], asked: SearchFields
) -> NewAnswer | None:
    """What a search with all of a case's films answers; None where none has a vector of the archive's encoder.

    patients: pseudonyms of the case's patient, who does not answer, as far as they are known. A film without such a
    vector adds nothing but that its archived copies do not answer either.

    Raises:
        QueryError, FilterError: see `indexer.search.answer`.
    """
    card = opened.embedder.card
    films, counted = [], []
    for place, (film, by) in enumerate(held, 1):
        name = f"film {place}"
        if by is None or by.model != card.fingerprint:
            films.append(KeptFilm(name, film.sha256))
            continue
        films.append(KeptFilm(name, film.sha256, frozenset(by.patients), tuple(map(from_json, by.warnings))))
        counted.append((name, film, by, Region(*film.region, Origin(film.region_origin), by.confidence)))
    if not counted:
        return None
    question = Question(
        films,
        [region for *_, region in counted],
        np.stack([np.frombuffer(by.vector, STORED) for _, _, by, _ in counted]).astype(np.float32),
        asked.k,
        asked.filter,
        asked.include_self,
        asked.all_stages,
        patients,
    )
    found = answer(opened.snapshot, card, question)
    said = with_queries(found, [_facts(name, film, by) for name, film, by, _ in counted])
    return NewAnswer(_ANSWER.dump_json(said).decode(), tuple(film.sha256 for _, film, _, _ in counted))


def asked_again(current: Callable[[], Opened], read: Callable[[], BoardCase]) -> Ask:
    """Asks as a case's answer was asked before. read: the case with that answer, and its patient as it is now.

    Where the archive cannot be asked, the case is left without an answer.
    """

    def ask(held: Sequence[HeldFilm]) -> NewAnswer | None:
        before = read()
        if before.answer is None:
            return None
        try:
            asked = asked_before(before.answer.answer)
            return case_vote(current(), held, own_patients(before.case, held), asked)
        except CaselinkError:
            return None

    return ask


def own_patients(head: CaseSummary, held: Sequence[HeldFilm]) -> set[str]:
    """What a case says of whose it is, and each film's patient as it was known when the film was added."""
    return {head.patient or "", *(film.identity for film, _ in held)}


def asked_before(told: SearchAnswer) -> SearchFields:
    """The fields of the search that gave an answer, beside what was said of the patient, which is in the vectors."""
    known = told.manifest
    return SearchFields.model_validate(
        {
            "k": known["k"],
            "where": known["where"] or "",
            "include_self": known["include_self"],
            "all_stages": known["stages"] == "all",
        }
    )


def _facts(name: str, film: CaseFilm, by: FilmVector) -> QueryFacts:
    return QueryFacts(
        name=name,
        rows=film.rows,
        columns=film.columns,
        region=film.region,
        region_origin=film.region_origin,
        side=film.side,
        view=film.view,
        body_part=film.body_part,
        spacing_mm=film.spacing_mm,
        warnings=tuple(str(from_json(warning)) for warning in by.warnings),
        confidence=by.confidence,
        sha256=film.sha256,
        taken=date.fromisoformat(film.taken) if film.taken else None,
    )
