"""The second screen: what similar patients had, and their films beside the query's."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from api.schemas import Ballot, QueryFacts, SearchAnswer, SimilarCase, SimilarFilm
from ui import backend
from ui.explain import agreement, speaking
from ui.figures import Shown, figure
from ui.parts import fact_list, heading, note, sentence, trouble
from ui.session import Screen, Session
from ui.wording import (
    SAFETY,
    UNKNOWN,
    age,
    count,
    day,
    film_line,
    headline,
    joined,
    malignant_lines,
    place,
    proof,
    proofs,
    set_line,
    sex,
    side,
    tallied,
    tie_line,
)  # fmt: skip

CARD, THUMB, FINE = 512, 256, 1280
"""Long sides of pictures asked for, in pixels; `FINE` where a small part is enlarged."""
WHOLE, CLOSE = "Whole film", "Lesion close-up"


def screen(session: Session) -> None:
    """The answer; nothing is asked again."""
    answer = session.answer
    assert answer is not None
    st.button("‹ Films and lesion", key="to-ask", type="tertiary", on_click=lambda: session.show(Screen.ask))
    heading("What similar patients had")
    left, right = st.columns([1, 2], gap="large")
    with left:
        _queries(session, answer)
    with right:
        vote(answer)
        _malignant(session, answer)
        _remarks(answer)
    if not answer.cases:
        return
    zoomed = _cases_title(len(answer.cases))
    for case in answer.cases:
        _card(session, answer, case, zoomed)
    note(asked_line(answer))


def vote(answer: SearchAnswer) -> None:
    """The vote as counts of patients, with the note that must stand beside it."""
    rows = "".join(_bar(ballot, answer) for ballot in answer.tally)
    tie = tie_line(answer)
    said = _paragraphs(answer.reason and sentence(answer.reason), tie)
    rests = sentence(answer.shares_note[:1].upper() + answer.shares_note[1:]) if answer.shares_note else ""
    st.html(
        f'<section class="cl-vote" aria-label="Vote of the similar patients"><h2 class="cl-h2">'
        f"{escape(headline(answer))}</h2>{said}{f'<ul>{rows}</ul>' if rows else ''}"
        f"{_paragraphs(set_line(answer))}"
        f'<p class="cl-safety"><strong>{escape(SAFETY)}</strong></p>'
        f'<p class="cl-note">Counts of similar past patients, not a diagnosis of this film. '
        f"Rule: {escape(answer.rule)}. {escape(rests)}</p></section>"
    )


def _paragraphs(*lines: str | None) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines if line)


def _malignant(session: Session, answer: SearchAnswer) -> None:
    """The malignant share and the nearest malignant case; its history can be opened where it is not among the cases."""
    st.html(f'<div id="case_0" class="cl-malignant">{_paragraphs(*malignant_lines(answer))}</div>')
    case = answer.nearest_malignant
    if case is not None and not case.rank and st.button("Open history of the nearest malignant case", key="open-0"):
        _open(session, case)


def _bar(ballot: Ballot, answer: SearchAnswer) -> str:
    of = len(answer.cases)
    share = ballot.patients / of if answer.shares is None else answer.shares[ballot.entity]
    return (
        f'<li><div class="cl-bar-words"><span>{escape(ballot.entity)}</span>'
        f"<span>{escape(tallied(answer, ballot))}</span></div>"
        f'<div class="cl-bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span></div>'
        f'<div class="cl-bar-proof">{escape(proofs(answer.cases, ballot.entity))}</div></li>'
    )


def _remarks(answer: SearchAnswer) -> None:
    for warning in answer.warnings:
        named = any(warning.startswith(facts.name) for facts in answer.queries)
        note(sentence(warning if named else warning[:1].upper() + warning[1:]), "caution")


def asked_line(answer: SearchAnswer) -> str:
    """What was asked, of which archive."""
    told = answer.manifest
    where = told.get("where")
    return joined(
        [
            f"Archive: {told.get('archive')}, version {told.get('version')}",
            f"{told.get('patients')} patients, {told.get('films')} films ({told.get('stages')})",
            f"filter: {where}" if where else "no filter",
            f"model {told.get('model')} {told.get('model_fingerprint')}",
        ],
        "; ",
    )


def _queries(session: Session, answer: SearchAnswer) -> None:
    films = st.container()
    tints = speaking(session, answer)
    figures = "".join(
        figure(replace(shown, tint=tint), escape(joined(["Your film", film_line(facts.view, facts.side)])))
        for number, (facts, tint) in enumerate(zip(answer.queries, tints, strict=True))
        if (shown := _own(session, number, facts, CARD)) is not None
    )
    films.html(f'<div class="cl-queries cl-n{min(len(answer.queries), 3)}">{figures}</div>')


def _own(session: Session, number: int, facts: QueryFacts, size: int) -> Shown | None:
    film = session.asked[number]
    picture = _picture(lambda: backend.own_picture(session, film, size))
    box = None if facts.region_origin == "whole" else facts.region
    alt = f"Your film {number + 1}, {film_line(facts.view, facts.side) or 'view and side not known'}"
    return None if picture is None else Shown(picture, facts.rows, facts.columns, alt, box)


def _picture(fetch: Callable[[], bytes]) -> bytes | None:
    """A picture; None, with a sentence on the screen, where it cannot be had."""
    try:
        return fetch()
    except (ApiProblem, ApiUnreachable) as error:
        trouble(error)
        return None


def _cases_title(cases: int) -> bool:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="cases"):
        with st.container(width="content"):
            heading(count(cases, "similar patient"), level=2)
        shown = st.segmented_control(
            "Films shown as",
            [WHOLE, CLOSE],
            default=WHOLE,
            required=True,
            key="zoom",
            label_visibility="collapsed",
            persist_state="session",
        )
    return shown == CLOSE


def beside(queries: Sequence[QueryFacts], film: SimilarFilm) -> int:
    """Which film of the query to show beside an archived one: the first of the same view, else the first."""
    return next((i for i, facts in enumerate(queries) if facts.view and facts.view == film.view), 0)


def _card(session: Session, answer: SearchAnswer, case: SimilarCase, zoomed: bool) -> None:
    with st.container(border=True, key=anchor(case)):
        st.html(f'<span id="{anchor(case)}"></span>')
        films, facts = st.columns([1.9, 1], gap="medium")
        with films:
            _pair(session, answer, case, zoomed)
        with facts:
            _facts(session, case)
        if len(case.films) > 1:
            _more(session, case, zoomed)


def _pair(session: Session, answer: SearchAnswer, case: SimilarCase, zoomed: bool) -> None:
    """The query's film of the same view, and the patient's film most like it; on wish, where they agree."""
    best, size = case.films[0], FINE if zoomed else CARD
    number = beside(answer.queries, best)
    asked = answer.queries[number]
    films = st.container()
    tints = agreement(session, answer, case, number)
    pictures = _own(session, number, asked, size), archived(session, best, case, size)
    left, right = (film and replace(film, tint=tint) for film, tint in zip(pictures, tints, strict=True))
    mine = joined(["Your film", film_line(asked.view, asked.side)])
    theirs = joined([f"Patient {case.rank}", film_line(best.view, best.side)])
    shown = [figure(film, escape(words), zoomed) for film, words in ((left, mine), (right, theirs)) if film is not None]
    films.html(f'<div class="cl-pair">{"".join(shown)}</div>')


def anchor(case: SimilarCase) -> str:
    """The id of a case's card."""
    return f"case_{case.rank}"


def archived(session: Session, film: SimilarFilm, case: SimilarCase, size: int) -> Shown | None:
    """A past patient's film with the region that was compared."""
    picture = _picture(lambda: backend.archive_picture(session, film.film, size))
    box = None if film.region_origin == "whole" else film.region
    alt = f"Film of similar patient {case.rank}, {film_line(film.view, film.side, film.taken) or 'nothing else known'}"
    return None if picture is None else Shown(picture, film.rows, film.columns, alt, box)


def _facts(session: Session, case: SimilarCase) -> None:
    best = case.films[0]
    st.html(
        f'<div class="cl-case"><span class="cl-rank">Patient {case.rank}</span>'
        f'<h3 class="cl-h3">{escape(case.entity or "entity not known")}</h3>'
        f'<p class="cl-proof">{escape(proof(case.proof))}</p></div>'
        + fact_list(
            [
                ("Similarity", f"{case.similarity:.2f}"),
                ("Recorded as", case.malignancy or UNKNOWN),
                ("Site", place(case.site, case.side)),
                ("Age then", age(case.age)),
                ("Sex", sex(case.sex)),
                ("Film", joined([f"{best.view} view" if best.view else None, side(best.side)]) or UNKNOWN),
                ("Date", day(best.taken)),
                *([("Centre", case.centre)] if case.centre else []),
                *([("Outcome", case.outcome)] if case.outcome else []),
            ]
        )
    )
    if st.button("Open history", key=f"open-{case.rank}", width="stretch"):
        _open(session, case)


def _open(session: Session, case: SimilarCase) -> None:
    try:
        session.history = backend.client().patient(case.patient)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.opened = case
        session.show(Screen.history)
        st.rerun()


def _more(session: Session, case: SimilarCase, zoomed: bool) -> None:
    rest = case.films[1:]
    figures = "".join(
        figure(
            shown,
            escape(joined([film_line(film.view, film.side, film.taken), f"similarity {film.similarity:.2f}"])),
            zoomed,
        )
        for film in rest
        if (shown := archived(session, film, case, FINE if zoomed else THUMB)) is not None
    )
    st.html(
        f'<details class="cl-more" open><summary>{count(len(rest), "more film")} of patient {case.rank}</summary>'
        f'<div class="cl-strip">{figures}</div></details>'
    )
