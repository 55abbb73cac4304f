"""What an archive and its evaluations look like, as it goes over HTTP. Importing it loads no heavy library."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from indexer.remarks import Remark


@dataclass(frozen=True)
class GroupCount:
    """A value of a column, None for unknown: its films, its patients, and those of them proven by histology."""

    value: str | None
    films: int
    patients: int
    histology: int


@dataclass(frozen=True)
class VersionFacts:
    """A version on disk, and when its catalogue was written, UTC, ISO."""

    version: int
    written: str


@dataclass(frozen=True)
class ValueCount:
    """A value of a filter column and its count of films; None for unknown."""

    value: str | None
    films: int


@dataclass(frozen=True)
class OutcomeCount:
    """How many files ended so: indexed | duplicate | left out."""

    outcome: str
    films: int


@dataclass(frozen=True)
class NearDuplicates:
    """How many films of the archive are one exposure with another film of it, in how many groups, of how many patients.

    Where the films of several patients are near-duplicates, their patients cast one vote together.
    """

    films: int
    groups: int
    patients: int


@dataclass(frozen=True)
class MapPoint:
    """A film on the map. x, y: -1..1 along the farther axis. patient: pseudonym. None where unknown."""

    film: int
    x: float
    y: float
    entity: str | None
    malignancy: str | None
    site: str | None
    side: str | None
    taken: date | None
    patient: str


@dataclass(frozen=True)
class ArchivedFilm:
    """A film of the archive with its lesion. patient: pseudonym. age: years when it was taken.

    region: (x0, y0, x1, y1) that was embedded, half-open, in pixels of the full film (rows, columns); region_origin:
    whole | mask | segmented. spacing_mm: (row, column). None where unknown.
    """

    notice: str
    synthetic: bool
    film: int
    patient: str
    entity: str | None
    malignancy: str | None
    proof: str | None
    site: str | None
    side: str | None
    view: str | None
    taken: date | None
    age: float | None
    sex: str | None
    centre: str | None
    stage: str | None
    rows: int
    columns: int
    region: tuple[int, int, int, int]
    region_origin: str
    spacing_mm: tuple[float, float] | None


@dataclass(frozen=True)
class ArchiveMap:
    """The films' vectors in two dimensions. films: of the archive; points: of those shown, in order of their numbers.

    explained: share of the vectors' variance along x and along y; what lies near here need not lie near in truth.
    """

    notice: str
    version: int
    method: str
    films: int
    explained: tuple[float, float]
    points: tuple[MapPoint, ...]


@dataclass(frozen=True)
class LeftOut:
    """Files that are not films of their own. outcome: duplicate | left out. files: how many for this reason.

    remark: the reason with its code, to be said in another language; None where the archive knows none.
    """

    outcome: str
    reason: str
    files: int
    remark: Remark | None = None


@dataclass(frozen=True)
class NearPair:
    """Two films that are one exposure, and their patients. likeness: of their detail, 0.6 to 1."""

    film: int
    other: int
    likeness: float
    patient: str
    other_patient: str


@dataclass(frozen=True)
class OutOfArchive:
    """What was left out, commonest reason first; `caselink report` names the files."""

    notice: str
    reasons: tuple[LeftOut, ...]


@dataclass(frozen=True)
class NearPairs:
    """Near-duplicates, likest first."""

    notice: str
    pairs: tuple[NearPair, ...]


@dataclass(frozen=True)
class RunFacts:
    """A stored evaluation. run: its name here. written: when, UTC, ISO. model, protocol, archive: None where unsaid.

    groups: names of the groups of films that it reports apart, such as centre=1.
    """

    run: str
    written: str
    model: str | None
    protocol: str | None
    archive: str | None
    synthetic: bool
    films: int
    patients: int
    groups: tuple[str, ...]


@dataclass(frozen=True)
class RunList:
    """The stored evaluations, newest first. Without a folder set there are none."""

    notice: str
    runs: tuple[RunFacts, ...]


@dataclass(frozen=True)
class StoredRun:
    """One evaluation as `caselink evaluate` or `validate` wrote it: its manifest, and figures by group."""

    notice: str
    facts: RunFacts
    evaluation: dict[str, Any]


@dataclass(frozen=True)
class RunDifference:
    """A figure of two evaluations. group: as in both, such as all. k: neighbours, None where it holds for any.

    difference: second minus first. low, high: its 95 % interval over the same resampled patients; None where neither
    evaluation was paired with the other.
    """

    group: str
    measure: str
    k: int | None
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class TwoRuns:
    """Two evaluations side by side. same_films: whether both asked as many films and patients in the same way; without
    it, their difference says little. differences: of every figure that both have.
    """

    notice: str
    first: StoredRun
    second: StoredRun
    same_films: bool
    differences: tuple[RunDifference, ...] = ()
