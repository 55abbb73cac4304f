"""The filter text that the page's choices make, in the API's filter language."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

OLDEST = 100
"""Right end of the age scale; chosen, it means no upper limit."""


@dataclass(frozen=True)
class Choices:
    """What was chosen. youngest, oldest: years, both included; 0 and `OLDEST` set no limit. Empty texts choose all.

    since, until: days on which a film may have been taken, both included; None sets no limit.
    """

    youngest: int = 0
    oldest: int = OLDEST
    sex: str | None = None
    sites: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    centres: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.youngest <= self.oldest <= OLDEST:
            raise ValueError(f"ages {self.youngest} to {self.oldest} are not a range within 0 to {OLDEST}")
        if self.since and self.until and self.since > self.until:
            raise ValueError(f"{self.since} is after {self.until}; give the earlier day first")


def filter_text(chosen: Choices) -> str:
    """The choices as a filter, empty where they leave everything."""
    conditions = [
        _ages(chosen.youngest, chosen.oldest),
        _one_of("sex", [chosen.sex] if chosen.sex else []),
        _one_of("site", chosen.sites),
        _one_of("entity", chosen.entities),
        _one_of("centre", chosen.centres),
        _one_of("proof", chosen.proofs),
        _days(chosen.since, chosen.until),
    ]
    return " and ".join(condition for condition in conditions if condition)


def _ages(youngest: int, oldest: int) -> str:
    if youngest > 0 and oldest < OLDEST:
        return f"age between {youngest} and {oldest}"
    if youngest > 0:
        return f"age >= {youngest}"
    return f"age <= {oldest}" if oldest < OLDEST else ""


def _days(since: date | None, until: date | None) -> str:
    if since and until:
        return f"taken between '{since}' and '{until}'"
    if since:
        return f"taken >= '{since}'"
    return f"taken <= '{until}'" if until else ""


def _one_of(column: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f"{column} = {quoted(values[0])}"
    return f"{column} in ({', '.join(quoted(value) for value in values)})" if values else ""


def quoted(value: str) -> str:
    """A text as a literal of the filter language."""
    return "'" + value.replace("'", "''") + "'"


def marked(text: str, position: int) -> tuple[str, str, str]:
    """A refused filter as what comes before the offending piece, the piece, and what follows; joined, the text."""
    start = min(max(position, 0), len(text))
    end = start
    while end < len(text) and (end == start or not text[end].isspace()):
        end += 1
    return text[:start], text[start:end], text[end:]
