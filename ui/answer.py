"""The search page's second screen: what similar patients had, and their films beside the query's."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape

import streamlit as st

from api.schemas import Ballot, SearchAnswer
from ui.board.take import take
from ui.cases import cases, opened, own, own_line
from ui.conflicts import marker_conflicts, part_conflicts
from ui.explain import speaking
from ui.figures import figure
from ui.parts import complaint, heading, note, sentence
from ui.session import Place, Screen, Session
from ui.spoken import spoken
from ui.wording import (
    capital,
    commonness,
    entity_name,
    headline,
    joined,
    malignant_lines,
    percent,
    refers,
    set_line,
    share_line,
    tallied,
    tie_line,
    unlike_line,
)
from ui.words import say, term

CARD = 512
"""Long side of the query's pictures, in pixels."""


def screen(session: Session) -> None:
    """The answer; nothing is asked again."""
    answer = session.answer
    assert answer is not None
    st.button(say("answer.back"), key="to-ask", type="tertiary", on_click=lambda: session.show(Screen.ask))
    _title(session, answer)
    for conflict in (*marker_conflicts(session.asked, session.markers), *part_conflicts(answer.queries, session.told)):
        complaint(conflict)
    left, right = st.columns([1, 2], gap="large")
    with left:
        _queries(session, answer)
    with right:
        vote(session, answer)
        _malignant(session, answer)
        _remarks(answer)
    if answer.cases:
        cases(session, answer)
    note(asked_line(answer))


def _title(session: Session, answer: SearchAnswer) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="content"):
            heading(say("answer.title"))
        if answer.cases:
            with st.container(horizontal=True, width="content", gap="small"):
                st.button(say("answer.compare"), key="compare-all", on_click=lambda: compare_nearest(session))
                take(session, answer)


def compare_nearest(session: Session) -> None:
    """Lay the nearest patients beside the query."""
    session.compared = []
    session.go(Place.compare)


def vote(session: Session, answer: SearchAnswer, intervals: bool = False) -> None:
    """The vote as counts of patients, with the note that must stand beside it.

    intervals: whether bars show the share of the votes with its interval, in place of the calibrated share.
    """
    rows = "".join(_bar(session, ballot, answer, intervals) for ballot in answer.tally)
    said = _paragraphs(answer.reason and sentence(capital(spoken(answer.reason, answer.remarks))), tie_line(answer))
    unlike = unlike_line(answer)
    rests = sentence(capital(spoken(answer.shares_note, answer.remarks))) if answer.shares_note else ""
    heed = " cl-heed" if refers(answer) else ""
    warned = f'<p class="cl-unlike" role="status">{escape(unlike)}</p>' if unlike else ""
    st.html(
        f'<section class="cl-vote" aria-label="{escape(say("vote.label"))}"><h2 class="cl-h2">'
        f"{escape(headline(answer))}</h2>"
        f"{warned}{said}{f'<ul>{rows}</ul>' if rows else ''}{_paragraphs(set_line(answer))}"
        f'<p class="cl-safety{heed}"><strong>{escape(say("vote.safety"))}</strong></p>'
        f'<p class="cl-note">{escape(say("vote.counts", rule=term("rule", answer.rule)))} '
        f"{escape(rests)}</p></section>"
    )


def _paragraphs(*lines: str | None) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines if line)


def _malignant(session: Session, answer: SearchAnswer) -> None:
    """The malignant share and the nearest malignant case; its history can be opened where it is not among the cases."""
    st.html(f'<div id="case_0" class="cl-malignant">{_paragraphs(*malignant_lines(answer))}</div>')
    case = answer.nearest_malignant
    if case is not None and not case.rank:
        st.button(say("malignant.open"), key="open-0", on_click=lambda: opened(session, case))


def _bar(session: Session, ballot: Ballot, answer: SearchAnswer, intervals: bool) -> str:
    of = len(answer.cases)
    share = ballot.patients / of if answer.shares is None else answer.shares[ballot.entity]
    right = share_line(answer, ballot) or ""
    spread, said = "", None
    if intervals and ballot.interval is not None:
        low, high = ballot.interval
        share = ballot.share
        said = say("vote.interval", share=percent(share), low=f"{100 * low:.0f}", high=percent(high))
        spread = f'<i style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></i>'
    below = joined([tallied(answer, ballot), said, commonness(session.facts, ballot.entity)], ". ")
    return (
        f'<li><div class="cl-bar-words"><span>{escape(entity_name(ballot.entity))}</span>'
        f"<span>{escape(right)}</span></div>"
        f'<div class="cl-bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span>{spread}</div>'
        f'<div class="cl-bar-proof">{escape(sentence(below))}</div></li>'
    )


def _remarks(answer: SearchAnswer) -> None:
    for warning in answer.warnings:
        named = any(warning.startswith(facts.name) for facts in answer.queries)
        said = spoken(warning, answer.remarks)
        note(sentence(said if named else capital(said)), "caution")


def asked_line(answer: SearchAnswer) -> str:
    """What was asked, of which archive."""
    told = answer.manifest
    where = told.get("where")
    return joined(
        [
            say("answer.archive", title=told.get("archive"), version=told.get("version")),
            say("answer.held", patients=told.get("patients"), films=told.get("films"), stages=_stages(told)),
            say("answer.filter", where=where) if where else say("answer.no_filter"),
            say("answer.model", model=told.get("model"), fingerprint=told.get("model_fingerprint")),
        ],
        "; ",
    )


def _stages(told: Mapping[str, object]) -> str:
    """Films of which stages may answer."""
    return term("stages", str(told.get("stages")))


def _queries(session: Session, answer: SearchAnswer) -> None:
    films = st.container()
    tints = speaking(session, answer)
    figures = "".join(
        figure(replace(shown, tint=tint), escape(own_line(facts)))
        for number, (facts, tint) in enumerate(zip(answer.queries, tints, strict=True))
        if (shown := own(session, number, facts, CARD)) is not None
    )
    films.html(f'<div class="cl-queries cl-n{min(len(answer.queries), 3)}">{figures}</div>')
