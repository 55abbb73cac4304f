"""Words for the screen: counts, dates, sides. Nothing here may sound like a diagnosis of the film that was sent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from api.schemas import Answer, SimilarCase

SAFETY = "Does not exclude malignancy; refer by your local pathway."
UNKNOWN = "not known"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIDES = {"L": "left", "R": "right", "B": "both sides", "U": "unpaired"}
_SEXES = {"F": "female", "M": "male"}


def day(when: date | None) -> str:
    """A date such as 3 Apr 2019, in any locale; `UNKNOWN` for None."""
    return UNKNOWN if when is None else f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def side(code: str | None) -> str | None:
    """left, right, both sides or unpaired for a DICOM laterality; other text as it is, None for None."""
    return None if code is None else _SIDES.get(code, code)


def sex(code: str | None) -> str:
    """female or male; other text as it is."""
    return UNKNOWN if code is None else _SEXES.get(code, code)


def age(years: float | None) -> str:
    """An age as spoken: months below two years."""
    if years is None:
        return UNKNOWN
    return f"{round(years * 12)} months" if years < 2 else f"{years:.0f} years"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 film, 3 films."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def joined(parts: Iterable[str | None], between: str = ", ") -> str:
    """The parts that are known."""
    return between.join(part for part in parts if part)


def place(site: str | None, code: str | None) -> str:
    """Site and side of a lesion: left femur."""
    return joined([side(code), site], " ") or UNKNOWN


def film_line(view: str | None, code: str | None, taken: date | None = None) -> str:
    """What is known of a film: frontal view, left, 3 Apr 2019; empty where nothing is."""
    return joined([f"{view} view" if view else None, side(code), day(taken) if taken else None])


def leaders(answer: Answer) -> list[str]:
    """Entities with the most votes, in the order of the tie rule; more than one where votes are tied."""
    return [ballot.entity for ballot in answer.tally if ballot.patients == answer.tally[0].patients]


def headline(answer: Answer) -> str:
    """What the similar patients had, as a count of them."""
    if answer.label is None or not answer.tally:
        return "No vote"
    most, of = answer.tally[0].patients, len(answer.cases)
    if of == 1:
        return f"The one similar patient had {answer.label}"
    tied = leaders(answer)
    if len(tied) == 1:
        return f"{most} of {of} similar patients had {answer.label}"
    return f"A tie: {most} of {of} similar patients had {', '.join([tied[0], *(f'{most} had {e}' for e in tied[1:])])}"


def tie_line(answer: Answer) -> str | None:
    """Which entity the tie rule puts first and why, where votes are tied."""
    if len(leaders(answer)) < 2:
        return None
    first, second = answer.tally[:2]
    by = "larger summed similarity" if first.similarity > second.similarity else "nearer patient"
    return f"The tie rule puts {first.entity} first, by the {by}."


def proofs(cases: Sequence[SimilarCase], entity: str) -> str:
    """How the diagnoses of the cases with an entity were proven: 2 proven by histology, 1 by tumour board."""
    found = Counter(case.proof for case in cases if case.entity == entity)
    known = [(proof, n) for proof, n in found.most_common() if proof]
    parts = [f"{n} {'proven ' if i == 0 else ''}by {proof}" for i, (proof, n) in enumerate(known)]
    silent = sum(n for proof, n in found.items() if not proof)
    return joined([*parts, f"{silent} with no proof on record" if silent else None])


def proof(how: str | None) -> str:
    """How one diagnosis was proven."""
    return f"proven by {how}" if how else "no proof on record"
