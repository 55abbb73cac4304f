"""The answer to a query: similar cases, one per patient, and what their diagnoses vote for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

from indexer.remarks import Remark

NOTICE = "Research use only. Not a diagnosis: the vote is what similar past patients had."
TIE_RULE = (
    "one patient, one vote; most patients win; ties go to the larger summed similarity, then to the nearer patient"
)


NO_CASE, TIE, FEW = "no comparable case", "tie", "too few patients"
UNMARKED, TUMOURLESS = "no lesion marked", "never for no tumour"
ABSTENTIONS = (NO_CASE, TIE, FEW, UNMARKED, TUMOURLESS)
_Z = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class SimilarFilm:
    """One archived film. similarity: to the query, -1..1, see `engine.embeddings.as_queries`.

    region: (x0, y0, x1, y1) embedded, film pixels.
    """

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
    """One past patient: facts of the best film and its lesion; films best first. None where unknown.

    rank: 1 for the nearest; 0 outside the cases.
    """

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
    """The votes for one entity: patients and their summed similarity; share: of all votes cast.

    interval: 95 % of that share, by Wilson's score; None in answers that were stored before it was told.
    """

    entity: str
    patients: int
    share: float
    similarity: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class PredictionSet:
    """Entities of which one is the right one for `coverage` of new patients, if they are like those it rests on.

    entities: by falling share. coverage: 0..1. patients: that the set rests on.
    """

    entities: tuple[str, ...]
    coverage: float
    patients: int


@dataclass(frozen=True)
class Likeness:
    """How like the archive a query is. similarity: to the nearest film, whatever the filter.

    threshold: `quantile` of the archive's own films, without their patients, lie under it.
    """

    similarity: float
    threshold: float
    quantile: float


@dataclass(frozen=True)
class MalignantShare:
    """The share of malignant patients in the weighed votes, and the operating point from which on the answer warns.

    sensitivity, specificity: at that threshold, on the patients that it was fixed on.
    """

    share: float
    threshold: float
    above: bool
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class Answer:
    """What an archive answers. label: the entity with most votes, None where the vote abstains, and why (`reason`).

    vote: entity -> patients, largest first; tally: the same with similarities. manifest: what answered.
    abstained: None, or one of ABSTENTIONS. shares: entity -> calibrated probability, largest first, of every entity of
    the archive; None where they are not calibrated. shares_note: what the shares rest on, or why there are none.
    prediction_set, malignant, likeness: None without a calibration for them. unlike: whether the query is unlike the
    archive's films. nearest_malignant: the patient of the malignant film nearest to the query, that film first; rank 0
    where they are not among the cases, None where none may answer, as malignant_note says. remarks: of the sentences in
    reason, warnings, shares_note and malignant_note that have a code, to be said in another language.
    """

    cases: tuple[SimilarCase, ...]
    vote: dict[str, int]
    tally: tuple[Ballot, ...]
    label: str | None
    reason: str | None
    rule: str
    warnings: tuple[str, ...]
    manifest: dict[str, object]
    abstained: str | None = None
    shares: dict[str, float] | None = None
    shares_note: str | None = None
    prediction_set: PredictionSet | None = None
    likeness: Likeness | None = None
    unlike: bool = False
    malignant: MalignantShare | None = None
    nearest_malignant: SimilarCase | None = None
    malignant_note: str | None = None
    remarks: tuple[Remark, ...] = ()


def count_votes(cases: Sequence[SimilarCase]) -> tuple[Ballot, ...]:
    """The ballots of cases with a known entity, winner first, under `TIE_RULE`. cases: nearest first."""
    sums: dict[str, tuple[int, float]] = {}
    for case in cases:
        if case.entity is not None:
            patients, similarity = sums.get(case.entity, (0, 0.0))
            sums[case.entity] = patients + 1, similarity + case.similarity
    cast = sum(patients for patients, _ in sums.values())
    ballots = [Ballot(entity, n, n / cast, total, wilson(n, cast)) for entity, (n, total) in sums.items()]
    # entities stand in the order of their nearest patients, and sorting keeps it among equals
    return tuple(sorted(ballots, key=lambda b: (-b.patients, -b.similarity)))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score, which also holds for few votes. of: at least 1."""
    share, z = hits / of, _Z * _Z / of
    middle, half = share + z / 2, _Z * sqrt(share * (1 - share) / of + z / (4 * of))
    return max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))
