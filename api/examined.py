"""What an archive and its evaluations look like, as it goes over HTTP. Importing it loads no heavy library."""

from dataclasses import dataclass
from typing import Any


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
    """A film on the map. x, y: -1..1 along the farther axis. entity, malignancy: None where unknown."""

    film: int
    x: float
    y: float
    entity: str | None
    malignancy: str | None


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
    """Files that are not films of their own. outcome: duplicate | left out. files: how many for this reason."""

    outcome: str
    reason: str
    files: int


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
class TwoRuns:
    """Two evaluations side by side. same_films: whether both asked as many films and patients in the same way; without
    it, their difference says little.
    """

    notice: str
    first: StoredRun
    second: StoredRun
    same_films: bool
