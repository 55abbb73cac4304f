"""Words for the screen: counts, dates, sides. Nothing here may sound like a diagnosis of the film that was sent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from api.schemas import Answer, Ballot, SimilarCase

SAFETY = "Does not exclude malignancy; refer by your local pathway."
UNKNOWN = "not known"
DATA_SET, LABEL = "reference label", "label of the data set"
"""A diagnosis as published with a data set, whose proof is not given film by film; and what the screen says of it."""
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
    if answer.tally and answer.abstained is not None:
        return f"The vote abstains: {answer.abstained}"
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
    if answer.label is None or len(leaders(answer)) < 2:
        return None
    first, second = answer.tally[:2]
    by = "larger summed similarity" if first.similarity > second.similarity else "nearer patient"
    return f"The tie rule puts {first.entity} first, by the {by}."


def percent(share: float) -> str:
    """A share of 0..1 in whole per cent; under one and over 99 where rounding would say none or all."""
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def tallied(answer: Answer, ballot: Ballot) -> str:
    """The votes of one entity, and its calibrated share where there is one."""
    votes = f"{ballot.patients} of {count(len(answer.cases), 'patient')}"
    return votes if answer.shares is None else f"{votes}, calibrated share {percent(answer.shares[ballot.entity])}"


def set_line(answer: Answer) -> str | None:
    """The prediction set as a sentence; None where there is none."""
    chosen = answer.prediction_set
    if chosen is None or answer.shares is None:
        return None
    names = joined(f"{entity} ({percent(answer.shares[entity])})" for entity in chosen.entities)
    return (
        f"{percent(chosen.coverage)} prediction set: {names}. For {percent(chosen.coverage)} of "
        f"{count(chosen.patients, 'past patient')} the entity on record was in such a set."
    )


def malignant_lines(answer: Answer) -> list[str]:
    """The nearest malignant case, always, and where the malignant share stands."""
    lines = []
    share = answer.malignant
    if share is not None:
        side = "above" if share.above else "under"
        lines.append(
            f"Malignant share of the similar patients {percent(share.share)}, {side} the operating point of "
            f"{percent(share.threshold)} (sensitivity {percent(share.sensitivity)}, specificity "
            f"{percent(share.specificity)} on past patients)."
        )
    case = answer.nearest_malignant
    if case is None:
        return [*lines, f"Nearest malignant case: {answer.malignant_note or UNKNOWN}."]
    where = f"patient {case.rank} below" if case.rank else "beyond the patients below"
    entity = case.entity or "entity not known"
    return [*lines, f"Nearest malignant case: {entity}, similarity {case.similarity:.2f}, {where}."]


def proofs(cases: Sequence[SimilarCase], entity: str) -> str:
    """How the diagnoses of the cases with an entity were proven: 2 proven by histology, 1 by tumour board."""
    found = Counter(case.proof for case in cases if case.entity == entity)
    known = [(proof, n) for proof, n in found.most_common() if proof]
    proven = [(how, n) for how, n in known if how != DATA_SET]
    parts = [f"{n} {'proven ' if i == 0 else ''}by {how}" for i, (how, n) in enumerate(proven)]
    parts += [f"{n} by {LABEL}" for how, n in known if how == DATA_SET]
    silent = sum(n for proof, n in found.items() if not proof)
    return joined([*parts, f"{silent} with no proof on record" if silent else None])


def proof(how: str | None) -> str:
    """How one diagnosis was proven."""
    if how == DATA_SET:
        return LABEL
    return f"proven by {how}" if how else "no proof on record"
