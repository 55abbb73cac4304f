"""What a source of films says about them: lesions, events and films, before pseudonyms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from engine.facts import OLDEST, Facts, sites_of
from engine.radiograph import Header


class Proof(StrEnum):
    """How a diagnosis was proven."""

    histology = "histology"
    board = "tumour board"
    follow_up = "follow-up"
    reference = "reference label"  # as published with a data set; its own proof is not given film by film
    unknown = "unknown"


class EventKind(StrEnum):
    """Kinds of dated events behind a patient (002, 2.1 and Fig. 1.2)."""

    presentation = "presentation"
    radiology = "radiology"
    pathology = "pathology"
    laboratory = "laboratory"
    therapy = "therapy"
    surgery = "surgery"
    board = "board"
    follow_up = "follow-up"


@dataclass(frozen=True)
class Lesion:
    """A diagnosis belongs to a lesion: where it is, when and how it was proven. "" or None where unknown."""

    entity: str
    malignancy: str | None = None  # benign | intermediate | malignant | none
    site: str | None = None  # several joined by ';'
    side: str | None = None
    dated: date | None = None
    proof: Proof = Proof.unknown


@dataclass(frozen=True)
class Event:
    """One dated entry of a patient's history."""

    kind: EventKind
    text: str
    dated: date | None = None
    source: str | None = None


@dataclass(frozen=True)
class FilmRecord:
    """One file of a source and what its tables say; the file's own header fills what they leave open.

    file: path relative to the source, its name in every report. path: where it is; None where a table names a file
    that is not there. group: split group, kept on one side of every split; None = the patient. problem: why the
    film is left out unread; None = read it. boxes: lesion boxes (x0, y0, x1, y1) in film pixels. mask: a picture of
    the lesion, None where there is none.
    """

    file: str
    path: Path | None
    header: Header = field(default_factory=Header)
    lesion: Lesion | None = None
    site: str | None = None
    centre: str | None = None
    group: str | None = None
    mask: Path | None = None
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class History:
    """A patient's events and, where films do not carry them, lesions."""

    lesions: tuple[Lesion, ...] = ()
    events: tuple[Event, ...] = ()


def film_lesion(record: FilmRecord, lesions: Sequence[Lesion]) -> Lesion | None:
    """The lesion a film shows: its own, else the patient's only one, else the only one at the film's site.

    lesions: of the patient, where the film's record names none.
    """
    if record.lesion is not None:
        return record.lesion
    if len(lesions) <= 1:
        return lesions[0] if lesions else None
    here = [lesion for lesion in lesions if lesion.site == record.site and record.site]
    return here[0] if len(here) == 1 else None


def facts_of(record: FilmRecord, header: Header, histories: Mapping[str, History]) -> Facts:
    """What is known of a film's patient, as an embedding may carry it. header: the table's and the file's, merged."""
    lesion = film_lesion(record, histories.get(header.patient or "", History()).lesions)
    age = header.age if header.age is not None and 0 <= header.age <= OLDEST else None
    return Facts(age, header.sex, sites_of(record.site or (lesion.site if lesion else None)))
