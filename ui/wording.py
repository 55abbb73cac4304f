"""Words for the screen: counts, dates, sides. Nothing here may sound like a diagnosis of the film that was sent."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import api.words as api_words
from api.schemas import NO_CASE, TUMOURLESS, UNMARKED, Answer, ArchiveFacts, Ballot, SimilarCase
from ui.spoken import spoken
from ui.words import counted, decimal, language, say, term, whole

DATA_SET, HISTOLOGY, UNPROVEN = "reference label", "histology", "unknown"
"""Proofs: a diagnosis as published with a data set, whose own proof is not given film by film; and the surest."""
MALIGNANT = "malignant"


def unknown() -> str:
    """What is said in the place of what nobody knows."""
    return say("word.unknown")


def day(when: date | None) -> str:
    """A date such as 3 Apr 2019, in any locale; not known for None."""
    if when is None:
        return unknown()
    month = say("format.months").split(",")[when.month - 1]
    return say("format.day", day=when.day, month=month, year=when.year)


def side(code: str | None) -> str | None:
    """left, right, both sides or unpaired for a DICOM laterality; other text as it is, None for None."""
    return None if code is None else term("side", code)


def sex(code: str | None) -> str:
    """female or male; other text as it is."""
    return unknown() if code is None else term("sex", code)


def age(years: float | None) -> str:
    """An age as spoken: months below two years."""
    if years is None:
        return unknown()
    return counted("month", round(years * 12)) if years < 2 else counted("year", round(years))


def joined(parts: Iterable[str | None], between: str = ", ") -> str:
    """The parts that are known."""
    return between.join(part for part in parts if part)


def listed(parts: Sequence[str]) -> str:
    """Names in a sentence: a, b and c."""
    return f"{', '.join(parts[:-1])} {say('word.and')} {parts[-1]}" if len(parts) > 1 else "".join(parts)


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def entity_name(name: str | None) -> str:
    """An entity in the language spoken; in the archive's own words where it is not known here."""
    return api_words.entity_name(language(), name) if name else say("word.no_entity")


def site_name(site: str) -> str:
    """A site, or several that the archive joins by ';'."""
    return api_words.site_name(language(), site)


def place(site: str | None, code: str | None) -> str:
    """Site and side of a lesion: left femur."""
    if site and code:
        return say("format.place", side=side(code), site=site_name(site))
    return site_name(site) if site else side(code) or unknown()


def film_line(view: str | None, code: str | None, taken: date | None = None) -> str:
    """What is known of a film: frontal view, left, 3 Apr 2019; empty where nothing is."""
    return joined([view and view_name(view), side(code), day(taken) if taken else None])


def view_name(view: str) -> str:
    """frontal view."""
    return say("film.view", view=term("view", view))


def leaders(answer: Answer) -> list[str]:
    """Entities with the most votes, in the order of the tie rule; more than one where votes are tied."""
    return [ballot.entity for ballot in answer.tally if ballot.patients == answer.tally[0].patients]


def headline(answer: Answer) -> str:
    """What the similar patients had, as a count of them."""
    if answer.abstained is not None and (answer.tally or answer.abstained != NO_CASE):
        return say("vote.abstains", why=term("abstained", answer.abstained))
    if answer.label is None or not answer.tally:
        return say("vote.none")
    most, of = answer.tally[0].patients, len(answer.cases)
    if of == 1:
        return say("vote.one", entity=entity_name(answer.label))
    tied = leaders(answer)
    if len(tied) == 1:
        return say("vote.most", most=most, of=of, entity=entity_name(answer.label))
    others = [say("vote.tied", most=most, entity=entity_name(name)) for name in tied[1:]]
    return say("vote.tie", most=most, of=of, entities=joined([entity_name(tied[0]), *others]))


def why_line(answer: Answer) -> str | None:
    """Why the vote names nothing, where the headline's word for it does not tell what to do or to think."""
    if answer.abstained not in (UNMARKED, TUMOURLESS) or answer.reason is None:
        return None
    return f"{capital(spoken(answer.reason, answer.remarks))}."


def tie_line(answer: Answer) -> str | None:
    """Which entity the tie rule puts first and why, where votes are tied."""
    if answer.label is None or len(leaders(answer)) < 2:
        return None
    first, second = answer.tally[:2]
    by = "vote.by_similarity" if first.similarity > second.similarity else "vote.by_nearness"
    return say("vote.tie_rule", entity=entity_name(first.entity), by=say(by))


def percent(share: float) -> str:
    """A share in whole per cent, on one line; under one and over 99 where rounding would say none or all."""
    if 0 < share < 0.01:
        return say("format.under_one")
    return say("format.over_99") if 0.99 < share < 1 else f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def tallied(answer: Answer, ballot: Ballot) -> str:
    """The votes of one entity, and how they were proven: 3 of 5 similar patients, 2 proven by histology."""
    of = len(answer.cases)
    votes = say("vote.tallied" if of > 1 else "vote.tallied_one", patients=ballot.patients, of=of)
    return joined([votes, proofs(answer.cases, ballot.entity)])


def share_line(answer: Answer, ballot: Ballot) -> str | None:
    """The calibrated share of an entity, where there is one."""
    return None if answer.shares is None else say("vote.share", share=percent(answer.shares[ballot.entity]))


def commonness(facts: ArchiveFacts | None, entity: str) -> str | None:
    """How common an entity is among the archive's films; None where the archive's list does not reach so far."""
    values = [v for column in (facts.columns if facts else ()) if column.name == "entity" for v in column.values]
    films = next((each.films for each in values if each.value == entity), None)
    if facts is None or films is None:
        return None
    return say("vote.common", films=whole(films), of=whole(facts.films), share=percent(films / max(1, facts.films)))


def set_line(answer: Answer) -> str | None:
    """The prediction set as a sentence; None where there is none."""
    chosen = answer.prediction_set
    if chosen is None or answer.shares is None:
        return None
    names = joined(f"{entity_name(name)} ({percent(answer.shares[name])})" for name in chosen.entities)
    patients = counted("past_patient", chosen.patients)
    return say("vote.set", coverage=percent(chosen.coverage), entities=names, patients=patients)


def malignant_lines(answer: Answer) -> list[str]:
    """The nearest malignant case, always, and where the malignant share stands."""
    lines = []
    share = answer.malignant
    if share is not None:
        lines.append(
            say(
                "malignant.above" if share.above else "malignant.under",
                share=percent(share.share),
                threshold=percent(share.threshold),
                sensitivity=percent(share.sensitivity),
                specificity=percent(share.specificity),
            )
        )
    case = answer.nearest_malignant
    if case is None:
        return [*lines, say("malignant.none", why=_why_none(answer))]
    where = say("malignant.below", rank=case.rank) if case.rank else say("malignant.beyond")
    named = entity_name(case.entity)
    return [*lines, say("malignant.nearest", entity=named, similarity=decimal(case.similarity), where=where)]


def _why_none(answer: Answer) -> str:
    """Why no malignant case is named."""
    return spoken(answer.malignant_note, answer.remarks) if answer.malignant_note else unknown()


def unlike_line(answer: Answer) -> str | None:
    """That the query is unlike the archive's films, with the figures; None where it is not."""
    if not answer.unlike:
        return None
    like = answer.likeness
    if like is None:
        return say("vote.unlike")
    return say(
        "vote.unlike_by",
        similarity=decimal(like.similarity),
        threshold=decimal(like.threshold),
        quantile=percent(like.quantile),
    )


def refers(answer: Answer) -> bool:
    """Whether the answer must be read with care: a malignant case in it, no vote, or a film unlike the archive."""
    near = answer.nearest_malignant is not None or any(case.malignancy == MALIGNANT for case in answer.cases)
    return near or answer.abstained is not None or answer.label is None or answer.unlike


def proofs(cases: Sequence[SimilarCase], entity: str) -> str:
    """How the diagnoses of the cases with an entity were proven: 2 proven by histology, 1 by tumour board."""
    found = Counter(case.proof for case in cases if case.entity == entity)
    known = [(how, n) for how, n in found.most_common() if how and how != UNPROVEN]
    proven = [(how, n) for how, n in known if how != DATA_SET]
    parts = [say("proof.first" if i == 0 else "proof.next", n=n, how=by(how)) for i, (how, n) in enumerate(proven)]
    parts += [say("proof.labelled", n=n) for how, n in known if how == DATA_SET]
    silent = found.total() - sum(n for _, n in known)
    return joined([*parts, say("proof.silent", n=silent) if silent else None])


def by(how: str) -> str:
    """A way of proving in the middle of a sentence."""
    return term("proven_by", how)


def proof(how: str | None) -> str:
    """How one diagnosis was proven."""
    if how == DATA_SET:
        return say("proof.label")
    return say("proof.one", how=by(how)) if how and how != UNPROVEN else say("proof.none")
