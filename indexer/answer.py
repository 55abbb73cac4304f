"""The answer to a query: similar cases, one per patient, and what their diagnoses vote for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

NOTICE = "Research use only. Not a diagnosis: the vote is what similar past patients had."
TIE_RULE = (
    "one patient, one vote; most patients win; ties go to the larger summed similarity, then to the nearer patient"
)


@dataclass(frozen=True)
class SimilarFilm:
    """One archived film. similarity: cosine to the query, -1..1. region: (x0, y0, x1, y1) embedded, film pixels."""

    film: int
    similarity: float
    view: str | None
    side: str | None
    taken: date | None
    stage: str
    region: tuple[int, int, int, int]
    region_origin: str
    rows: int
    columns: int
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True)
class SimilarCase:
    """One past patient: facts of the best film and its lesion; films best first. None where unknown."""

    rank: int
    patient: str
    similarity: float
    entity: str | None
    malignancy: str | None
    proof: str | None
    site: str | None
    side: str | None
    age: float | None
    sex: str | None
    centre: str | None
    films: tuple[SimilarFilm, ...]
    outcome: str | None = None


@dataclass(frozen=True)
class Ballot:
    """The votes for one entity: patients and their summed similarity; share: of all votes cast."""

    entity: str
    patients: int
    share: float
    similarity: float


@dataclass(frozen=True)
class Answer:
    """What an archive answers. label: the entity with most votes, None where there was nothing to vote on (`reason`).

    vote: entity -> patients, largest first; tally: the same with similarities. manifest: what answered.
    """

    cases: tuple[SimilarCase, ...]
    vote: dict[str, int]
    tally: tuple[Ballot, ...]
    label: str | None
    reason: str | None
    rule: str
    warnings: tuple[str, ...]
    manifest: dict[str, object]


def count_votes(cases: Sequence[SimilarCase]) -> tuple[Ballot, ...]:
    """The ballots of cases with a known entity, winner first, under `TIE_RULE`. cases: nearest first."""
    sums: dict[str, tuple[int, float]] = {}
    for case in cases:
        if case.entity is not None:
            patients, similarity = sums.get(case.entity, (0, 0.0))
            sums[case.entity] = patients + 1, similarity + case.similarity
    cast = sum(patients for patients, _ in sums.values())
    ballots = [Ballot(entity, n, n / cast, total) for entity, (n, total) in sums.items()]
    # entities stand in the order of their nearest patients, and sorting keeps it among equals
    return tuple(sorted(ballots, key=lambda b: (-b.patients, -b.similarity)))
