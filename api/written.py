"""What people write, as it goes over HTTP: audit, feedback, the board. Importing it loads no heavy library."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from indexer.journal import (
    AuditEntry,
    CaseFilm,
    CaseSummary,
    Decision,
    FeedbackEntry,
    FeedbackKind,
    KeptDraft,
    Precedent,
    Section,
    SectionText,
    limits,
)

LARGEST_ID = 2**63 - 1
DRAFT = r"^[0-9a-f]{32}$"
PSEUDONYM = r"^P[0-9a-f]{16}$"
SHA256 = r"^[0-9a-f]{64}$"


class NotRecorded(StrEnum):
    """Why the archive does not hold a decision: no patient named, none that it has, or it could not be written now."""

    no_patient = "no patient"
    unknown_patient = "unknown patient"
    not_written = "not written"


class Sent(BaseModel):
    """A JSON body: nothing but the fields that it names."""

    model_config = ConfigDict(extra="forbid")


def _text(description: str, default: Any = ..., **held: str | int) -> Any:
    """A text whose limits are told here and held by the journal, whose refusals people can read."""
    return Field(default, description=description, json_schema_extra=dict(held))


class FeedbackGiven(Sent):
    """Something said of an answer; `film` with similar and not similar, `entity` with histology."""

    kind: FeedbackKind = Field(description="similar | not similar | histology")
    query: str = _text("sha256 of the query film's bytes, as an answer's queries give it.", pattern=SHA256)
    film: int | None = Field(None, ge=0, le=LARGEST_ID, description="The neighbour's number; with histology none.")
    entity: str | None = _text("What the lesion turned out to be.", None, maxLength=limits.NAME)
    proof: str | None = _text("How that is known.", None, maxLength=limits.NAME)
    note: str = _text("A remark.", "", maxLength=limits.NOTE)


class NewCase(Sent):
    """A case to make."""

    title: str = _text("One line; no names.", maxLength=limits.TITLE)
    day: str | None = Field(None, description="Day of the board's meeting, as 2026-11-30.")
    patient: str | None = _text("Pseudonym, where known.", None, pattern=PSEUDONYM)


class CaseChange(NewCase):
    """A case's head as it should be. revision: of the head that its writer read."""

    revision: int = Field(ge=1, le=LARGEST_ID, description="Of the head that you read.")
    position: int = Field(ge=0, le=10_000, description="Place in the day's agenda.")


class SectionWritten(Sent):
    """A section's text. revision: of the text that its writer read, 0 for none. draft: what this saves, then gone."""

    text: str = _text("All of the section.", maxLength=limits.SECTION)
    revision: int = Field(ge=0, le=LARGEST_ID, description="Of the text that you read, 0 for none.")
    draft: str | None = Field(None, pattern=DRAFT, description="Your draft that this saves; it is gone then.")


class DraftTyped(Sent):
    """What is being typed into a section, not saved. revision: of the section's text that its writer has in view."""

    case: int = Field(ge=0, le=LARGEST_ID, description="The case's number.")
    section: Section = Field(description="history | diagnosis | question | finding | decision")
    text: str = Field(max_length=limits.SECTION, description="All of the draft.")
    revision: int = Field(ge=0, le=LARGEST_ID, description="Of the section's text that you read, 0 for none.")


class NewPrecedent(Sent):
    """An archived film to set beside a case's films."""

    film: int = Field(ge=0, le=LARGEST_ID, description="Number in the archive, as an answer gives it.")


class DecisionMade(Sent):
    """That the section `decision` is the board's decision of a day."""

    revision: int = Field(ge=1, le=LARGEST_ID, description="Of the section's text that you read.")
    dated: str = Field(description="Day of the decision, as 2026-11-30.")


@dataclass(frozen=True)
class AuditLog:
    """Who opened which past patient, newest first."""

    notice: str
    entries: tuple[AuditEntry, ...]


@dataclass(frozen=True)
class FeedbackList:
    """What was said of answers, newest first. It changes no answer by itself. you: under which name you are noted."""

    notice: str
    entries: tuple[FeedbackEntry, ...]
    you: str


@dataclass(frozen=True)
class CaseList:
    """Cases, newest first."""

    notice: str
    cases: tuple[CaseSummary, ...]


@dataclass(frozen=True)
class Agenda:
    """The cases of a day, in their order."""

    notice: str
    day: str
    cases: tuple[CaseSummary, ...]


@dataclass(frozen=True)
class SectionHistory:
    """All that a section ever said, the latest first."""

    notice: str
    texts: tuple[SectionText, ...]


@dataclass(frozen=True)
class DraftList:
    """What who asks has typed and not saved, the oldest first."""

    notice: str
    drafts: tuple[KeptDraft, ...]


@dataclass(frozen=True)
class DecisionKept:
    """A decision, and whether it stands in the archive as an event of the case's patient; else the reason why not.

    code: the reason in short, see `NotRecorded`.
    """

    notice: str
    decision: Decision
    recorded: bool
    reason: str | None
    code: NotRecorded | None = None


@dataclass(frozen=True)
class Removed:
    """That something is no longer there."""

    notice: str
    removed: str


__all__ = [
    "Agenda",
    "AuditEntry",
    "AuditLog",
    "CaseChange",
    "CaseFilm",
    "CaseList",
    "CaseSummary",
    "Decision",
    "DecisionKept",
    "DecisionMade",
    "DraftList",
    "DraftTyped",
    "FeedbackEntry",
    "FeedbackGiven",
    "FeedbackKind",
    "FeedbackList",
    "KeptDraft",
    "NewCase",
    "NewPrecedent",
    "NotRecorded",
    "Precedent",
    "Removed",
    "SectionHistory",
    "SectionText",
    "SectionWritten",
]
