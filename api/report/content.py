"""What the document of a case says, in its order and language, before it is laid out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from PIL import Image

from api.report.labelled import Film, label, labelled
from api.report.wording import capital, per_cent, proof_of, spelt_day, word
from api.schemas import BoardCase, CaseAnswer, SearchAnswer
from api.words import decimal, entity_name, site_name, spoken
from indexer.answer import wilson

FILMS, PRECEDENTS, ENTITIES, NAMED = 4, 4, 6, 5
"""Most films, precedents, entities of the vote, and entities of a prediction set that the document shows."""
CLAIMED = ("reference label",)
"""Ways to know an entity that prove nothing."""
Pair = tuple[str, str]


@dataclass(frozen=True)
class Past:
    """A precedent as the archive has it. film: None where it is gone or erased; the rest is of its lesion.

    done: therapy and surgery, each with its day, None where that is unknown, in their order.
    """

    film: Film | None
    patient: str
    entity: str | None
    proof: str | None
    site: str | None
    age: float | None
    outcome: str | None
    done: tuple[tuple[date | None, str], ...] = ()


@dataclass(frozen=True)
class Gathered:
    """All that a document is made of. films, past: of the case, in its order. card: of the archive's model. archive:
    title, version, films and patients of it. who: prints. at: when, ISO.
    """

    case: BoardCase
    films: tuple[Film, ...]
    past: tuple[Past, ...]
    card: Mapping[str, Any]
    archive: Mapping[str, Any]
    who: str
    at: str


@dataclass(frozen=True)
class Figure:
    """A labelled film and the lines under it. told: longer paragraphs, what was done and how it went.

    alt: what stands on the film, for those who cannot see it.
    """

    picture: Image.Image
    lines: tuple[str, ...]
    told: tuple[str, ...] = ()
    alt: str = ""


@dataclass(frozen=True)
class Ballot:
    """A row of the vote. low, share, high: 0..1, the share and its interval. calibrated: "" where there is none."""

    entity: str
    patients: str
    low: float
    share: float
    high: float
    interval: str
    calibrated: str


@dataclass(frozen=True)
class Note:
    """A section of the protocol. said: who wrote it and when, "" where nobody did."""

    heading: str
    text: str
    said: str


@dataclass(frozen=True)
class Report:
    """The document's content. heads: names of its parts by their keys in the wording. notice: stands on every page.
    vote: lines under the ballots. caution: None where none is due. decision: the section that stands first; notes: the
    others.
    """

    language: str
    heads: Mapping[str, str]
    notice: str
    running: str
    title: str
    facts: tuple[Pair, ...]
    films: tuple[Figure, ...]
    films_note: str
    past: tuple[Figure, ...]
    past_note: str
    ballots: tuple[Ballot, ...]
    vote: tuple[str, ...]
    caution: str | None
    decision: Note
    decided: str
    notes: tuple[Note, ...]
    card: tuple[Pair, ...]
    cut: str


def report_of(found: Gathered, language: str) -> Report:
    """The document's content in a language, `wording.LANGUAGES`."""
    head, case = found.case.case, found.case.case.case
    notice = word(language, "notice")
    if found.archive["synthetic"]:
        notice = f"{word(language, 'synthetic')}. {notice}"
    decision = found.case.decision
    decided = word(language, "undecided")
    if decision is not None:
        decided = word(language, "decided", day=_day(language, decision.dated), who=decision.who)
    films = tuple(
        Figure(labelled(film, language), (word(language, "film", n=n),), alt=label(film, language))
        for n, film in enumerate(found.films[:FILMS], 1)
    )
    past = tuple(_past(one, language) for one in found.past[:PRECEDENTS])
    region = word(language, "region") if films else ""
    *notes, decision_note = _notes(found, language)
    return Report(
        language,
        {key: word(language, key) for key in HEADS} | {"page": word(language, "page", page="{page}", pages="{pages}")},
        notice,
        f"{word(language, 'board')} · {word(language, 'case', case=case)}",
        head.title,
        tuple(_facts(found, language)),
        films,
        _joined(region, _more(len(found.films) - len(films), language)),
        past,
        _more(len(found.past) - len(past), language),
        tuple(_ballots(found.case.answer, language)),
        tuple(_vote(found, language)),
        word(language, "caution") if _cautious(found.case.answer) else None,
        decision_note,
        decided,
        tuple(notes),
        tuple(_card(found, language)),
        word(language, "cut", case=case),
    )


HEADS = ("films", "precedents", "vote", "notes", "card", "entity", "patients", "interval", "calibrated", "empty")


def _facts(found: Gathered, language: str) -> Iterator[Pair]:
    head = found.case.case
    yield word(language, "patient"), head.patient or "—"
    yield word(language, "day"), _day(language, head.day) if head.day else "—"
    yield word(language, "made"), f"{_moment(language, found.at)}, {word(language, 'made_by', who=found.who)}"


def _past(one: Past, language: str) -> Figure:
    how = proof_of(language, one.proof)
    proof = word(language, "proof", proof=how) if how and one.proof not in CLAIMED else capital(how)
    where = [
        one.site and site_name(language, one.site),
        None if one.age is None else word(language, "years", age=f"{one.age:.0f}"),
    ]
    lines = [
        entity_name(language, one.entity) if one.entity else "?",
        proof,
        " · ".join(part for part in where if part),
    ]
    if one.film is None:
        return Figure(Image.new("RGB", (640, 760), "#d7dbe0"), (one.patient, word(language, "gone")))
    done = [f"{word(language, 'done')}, {spelt_day(language, day)}: {what}" for day, what in one.done]
    told = (
        *(done or [word(language, "untreated")]),
        f"{word(language, 'outcome')}: {one.outcome or word(language, 'unknown')}",
    )
    return Figure(labelled(one.film, language), tuple(line for line in lines if line), told, label(one.film, language))


def _ballots(held: CaseAnswer | None, language: str) -> Iterator[Ballot]:
    if held is None:
        return
    answer = held.answer
    votes = sum(ballot.patients for ballot in answer.tally)
    for ballot in answer.tally[:ENTITIES]:
        low, high = wilson(ballot.patients, votes)
        share = (answer.shares or {}).get(ballot.entity)
        yield Ballot(
            entity_name(language, ballot.entity),
            word(language, "of", n=ballot.patients, all=votes),
            low,
            ballot.patients / votes,
            high,
            f"{per_cent(language, ballot.patients / votes)} ({low * 100:.0f}–{high * 100:.0f})",
            "" if share is None else per_cent(language, share),
        )


def _vote(found: Gathered, language: str) -> Iterator[str]:
    held = found.case.answer
    if held is None:
        yield word(language, "no_vote")
        return
    answer, shown = held.answer, len(found.case.films)
    yield word(language, "voted", n=len(answer.cases), at=_moment(language, held.at))
    rests = [str(place) for place, film in enumerate(found.case.films, 1) if film.sha256 in held.films]
    key = "fewer" if len(rests) < shown else "together" if shown > 1 else "rests"
    yield word(language, key, which=", ".join(rests), all=shown)
    if answer.label is None:
        reason = spoken(language, answer.reason, answer.remarks) if answer.reason else answer.abstained
        yield word(language, "abstained", reason=reason or "?")
    if answer.prediction_set is not None:
        named = [entity_name(language, entity) for entity in answer.prediction_set.entities]
        rest = f" + {len(named) - NAMED}" if len(named) > NAMED else ""
        said = {"coverage": f"{answer.prediction_set.coverage * 100:.0f}", "entities": ", ".join(named[:NAMED]) + rest}
        yield word(language, "set", **said)
    if answer.unlike:
        yield word(language, "unlike")
    near = answer.nearest_malignant
    if near is not None:
        who = entity_name(language, near.entity) if near.entity else "?"
        similarity = decimal(language, near.similarity)
        yield word(language, "malignant", entity=who, patient=near.patient, similarity=similarity)


def _cautious(held: CaseAnswer | None) -> bool:
    """Whether the document must say that malignancy is not excluded."""
    if held is None:
        return False
    answer: SearchAnswer = held.answer
    malignant = any(case.malignancy == "malignant" for case in answer.cases)
    above = answer.malignant is not None and answer.malignant.above
    return malignant or above or answer.unlike or answer.label is None


def _notes(found: Gathered, language: str) -> Iterator[Note]:
    for text in found.case.sections:
        said = word(language, "written", who=text.who, at=_moment(language, text.at)) if text.at else ""
        yield Note(word(language, text.section.value), text.text.strip(), said)


def _card(found: Gathered, language: str) -> Iterator[Pair]:
    asked = found.case.answer.answer.manifest if found.case.answer else {}
    title = asked.get("archive", found.archive["title"])
    told = {name: asked.get(name, found.archive[name]) for name in ("version", "films", "patients")}
    yield word(language, "archive"), word(language, "holds", title=title, **told)
    yield (
        word(language, "model"),
        f"{asked.get('model', found.card['name'])}, {word(language, 'numbers', n=found.card['dimension'])}",
    )
    yield word(language, "fingerprint"), str(asked.get("model_fingerprint", found.card.get("fingerprint", "—")))
    yield word(language, "trained"), str(found.card.get("trained_on") or "—")
    yield word(language, "licence"), str(found.card.get("licence") or "—")
    yield word(language, "index"), str(asked.get("index", found.archive["index"]))
    yield word(language, "filter"), str(asked.get("where") or "—")


def _more(n: int, language: str) -> str:
    return word(language, "more", n=n) if n > 0 else ""


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _day(language: str, day: str) -> str:
    return spelt_day(language, date.fromisoformat(day))


def _moment(language: str, at: str | None) -> str:
    if at is None:
        return ""
    moment = datetime.fromisoformat(at)
    return f"{spelt_day(language, moment.date())} {moment:%H:%M} UTC"
