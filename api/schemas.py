"""What goes over HTTP, for the API, its client and the page. Importing it loads no heavy library."""

from dataclasses import dataclass, field
from datetime import date

from api.examined import (
    ArchivedFilm,
    ArchiveMap,
    GroupCount,
    LeftOut,
    MapPoint,
    NearDuplicates,
    NearPair,
    NearPairs,
    OutcomeCount,
    OutOfArchive,
    RunDifference,
    RunFacts,
    RunList,
    StoredRun,
    TwoRuns,
    ValueCount,
    VersionFacts,
)
from api.explained import Explanation, FilmMap, ViewMap
from api.refused import Problem, ProblemKind, behind
from api.written import (
    Agenda,
    AuditEntry,
    AuditLog,
    CaseChange,
    CaseFilm,
    CaseList,
    CaseSummary,
    Decision,
    DecisionKept,
    DecisionMade,
    FeedbackEntry,
    FeedbackGiven,
    FeedbackKind,
    FeedbackList,
    KeptDraft,
    NewCase,
    NewPrecedent,
    NotRecorded,
    Precedent,
    Removed,
    SectionHistory,
    SectionText,
    SectionWritten,
)
from indexer.answer import (
    NO_CASE,
    NOTICE,
    TIE_RULE,
    TUMOURLESS,
    UNMARKED,
    Answer,
    Ballot,
    Likeness,
    MalignantShare,
    PredictionSet,
    SimilarCase,
    SimilarFilm,
)
from indexer.remarks import Remark

__all__ = [
    "NOTICE",
    "NO_CASE",
    "TIE_RULE",
    "TUMOURLESS",
    "UNMARKED",
    "Agenda",
    "Answer",
    "ArchiveFacts",
    "ArchiveMap",
    "ArchivedFilm",
    "AuditEntry",
    "AuditLog",
    "Ballot",
    "BoardCase",
    "CaseAnswer",
    "CaseChange",
    "CaseFilm",
    "CaseList",
    "CaseSummary",
    "ColumnFacts",
    "Decision",
    "DecisionKept",
    "DecisionMade",
    "EventFacts",
    "Explanation",
    "FeedbackEntry",
    "FeedbackGiven",
    "FeedbackKind",
    "FeedbackList",
    "FilmFacts",
    "FilmMap",
    "GroupCount",
    "Health",
    "KeptDraft",
    "LeftOut",
    "LesionFacts",
    "Likeness",
    "Limits",
    "MalignantShare",
    "MapPoint",
    "NearDuplicates",
    "NearPair",
    "NearPairs",
    "NewCase",
    "NewPrecedent",
    "NotRecorded",
    "OutOfArchive",
    "OutcomeCount",
    "PatientHistory",
    "Precedent",
    "PredictionSet",
    "Preview",
    "Problem",
    "ProblemKind",
    "ProposedRegion",
    "QueryFacts",
    "Ready",
    "Remark",
    "Removed",
    "RunDifference",
    "RunFacts",
    "RunList",
    "SearchAnswer",
    "SectionHistory",
    "SectionText",
    "SectionWritten",
    "SimilarCase",
    "SimilarFilm",
    "SourceFacts",
    "StoredRun",
    "TwoRuns",
    "ValueCount",
    "VersionFacts",
    "ViewMap",
    "behind",
]


@dataclass(frozen=True)
class QueryFacts:
    """A film of the query as it was understood; never its patient's identifier.

    rows, columns: of the full film, in pixels. region: (x0, y0, x1, y1) asked about, half-open, in those pixels, before
    the margin. region_origin: whole | drawn | segmented. confidence: 0..1 of the best proposed region, used or not;
    None where none was sought. spacing_mm: (row, column), calibrated. None where unknown. sha256: of the file's
    bytes, by which feedback calls the film. taken: the day that the header tells.
    """

    name: str
    rows: int
    columns: int
    region: tuple[int, int, int, int]
    region_origin: str
    side: str | None
    view: str | None
    body_part: str | None
    spacing_mm: tuple[float, float] | None
    warnings: tuple[str, ...]
    confidence: float | None = None
    sha256: str | None = None
    taken: date | None = None


@dataclass(frozen=True)
class ProposedRegion:
    """The region that a search without one would ask about, half-open, in pixels of the full film (rows, columns).

    region_origin: segmented | whole. confidence: 0..1 of the best proposal, used or not; None where the archive has no
    segmenter, and so no threshold.
    """

    notice: str
    rows: int
    columns: int
    region: tuple[int, int, int, int]
    region_origin: str
    confidence: float | None
    threshold: float | None


@dataclass(frozen=True)
class SearchAnswer(Answer):
    """The answer as every door gives it, with the query's films in their order."""

    queries: tuple[QueryFacts, ...] = ()


@dataclass(frozen=True)
class CaseAnswer:
    """What the archive last answered on a case's films together. films: sha256 of those it rests on."""

    answer: SearchAnswer
    films: tuple[str, ...]
    at: str
    who: str


@dataclass(frozen=True)
class BoardCase:
    """A case of the tumour board with all that it holds. answer: None while there is none."""

    notice: str
    case: CaseSummary
    sections: tuple[SectionText, ...]
    films: tuple[CaseFilm, ...]
    precedents: tuple[Precedent, ...]
    decision: Decision | None
    answer: CaseAnswer | None


@dataclass(frozen=True)
class LesionFacts:
    """One lesion of a past patient: what it was, where, and how that was proven."""

    entity: str | None
    malignancy: str | None
    site: str | None
    side: str | None
    dated: date | None
    proof: str | None


@dataclass(frozen=True)
class EventFacts:
    """One dated entry of a past patient's history; undated ones come first."""

    dated: date | None
    kind: str
    text: str
    source: str | None


@dataclass(frozen=True)
class FilmFacts:
    """One film of a past patient. x0, y0, x1, y1: the region that was embedded, in pixels of the full film.

    spacing_row, spacing_column: millimetres per pixel, None where unknown. age: years when it was taken.
    """

    film: int
    study: str | None
    taken: date | None
    view: str | None
    side: str | None
    body_part: str | None
    site: str | None
    age: float | None
    stage: str | None
    rows: int
    columns: int
    spacing_row: float | None
    spacing_column: float | None
    x0: int
    y0: int
    x1: int
    y1: int
    region: str
    entity: str | None
    warnings: str | None


@dataclass(frozen=True)
class PatientHistory:
    """All that the archive holds of one past patient, under their pseudonym.

    outcome: the latest follow-up. audit: the entry of the audit log that this opening made.
    """

    notice: str
    synthetic: bool
    patient: str
    sex: str | None
    outcome: str | None
    lesions: tuple[LesionFacts, ...]
    events: tuple[EventFacts, ...]
    films: tuple[FilmFacts, ...]
    audit: AuditEntry | None = None


@dataclass(frozen=True)
class SourceFacts:
    """A source of films. roi: whole | mask | segment, what of each film was embedded."""

    layout: str
    issuer: str
    title: str
    roi: str
    synthetic: bool


@dataclass(frozen=True)
class ColumnFacts:
    """A column that a filter may name, with its commonest values. type: text | number | integer | date | boolean."""

    name: str
    type: str
    values: tuple[ValueCount, ...]


@dataclass(frozen=True)
class Limits:
    """What one query may send: films, and MiB of all of them together."""

    max_films: int
    max_upload_mib: int


@dataclass(frozen=True)
class ArchiveFacts:
    """What the archive holds, which model made its vectors, and what a filter may name.

    segmenter: fingerprint of what proposes the regions of new films; None where nothing does.
    counts: by entity, site, centre, sex, proof and age (decades such as 10–19). versions: those on disk, newest first.
    """

    notice: str
    synthetic: bool
    title: str
    version: int
    published: str
    films: int
    patients: int
    near_duplicates: NearDuplicates
    index: str
    model: dict[str, object]
    sources: tuple[SourceFacts, ...]
    columns: tuple[ColumnFacts, ...]
    left_out: tuple[OutcomeCount, ...]
    limits: Limits
    segmenter: str | None = None
    counts: dict[str, tuple[GroupCount, ...]] = field(default_factory=dict)
    versions: tuple[VersionFacts, ...] = ()


@dataclass(frozen=True)
class Health:
    """The process answers."""

    status: str
    notice: str


@dataclass(frozen=True)
class Ready:
    """The archive and its encoder are open and can be asked."""

    status: str
    notice: str
    synthetic: bool
    archive: str
    version: int
    films: int
    patients: int


@dataclass(frozen=True)
class Preview:
    """An uploaded film as a PNG for the screen. rows, columns: of the full film; regions are given in those pixels.

    spacing_mm: (row, column), calibrated. Of the header never an identifier; None where it does not say. remarks: codes
    of the warnings.
    """

    png: bytes
    rows: int
    columns: int
    side: str | None
    view: str | None
    warnings: tuple[str, ...]
    body_part: str | None = None
    taken: date | None = None
    spacing_mm: tuple[float, float] | None = None
    remarks: tuple[Remark, ...] = ()
