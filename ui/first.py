"""The first answer: asked for as soon as a film is there, and anew whenever the question changes; words and bars."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from api.client import ApiProblem, File
from api.schemas import Ballot, SearchAnswer
from ui import backend, proposals
from ui.criteria import refused, usual
from ui.parts import trouble
from ui.question import Question
from ui.session import Asked, QueryFilm, Session
from ui.told import Told
from ui.wording import (
    entity_name,
    headline,
    joined,
    malignant_lines,
    refers,
    share_line,
    tallied,
    tie_line,
    unlike_line,
    why_line,
)
from ui.words import say

PATIENCE_S = 0.25
"""How long the script waits before it looks whether the visitor did something."""


def ahead(session: Session, arrived: Mapping[str, File]) -> None:
    """Ask about films that have just arrived, before they are looked at. arrived: files by their keys."""
    facts = session.facts
    if facts is None or not arrived:
        return
    films = {film.key: film.file for film in session.films} | dict(arrived)
    regions = (*(proposals.roi(session, film) for film in session.films), *[None] * len(arrived))
    last = session.question or Question((), (), usual(facts), Told(), facts.version)
    _ask(session, replace(last, films=tuple(films), regions=regions, version=facts.version), list(films.values()))


def _ask(session: Session, question: Question, files: Sequence[File]) -> Future[SearchAnswer]:
    session.first = Asked(question, backend.ask(files, question))
    return session.first.answer


def answer_to(session: Session, question: Question, films: Sequence[QueryFilm]) -> Future[SearchAnswer]:
    """The answer, on its way or there; asked for where it was not, or where it failed."""
    first = session.first
    failed = first is None or (first.answer.done() and first.answer.exception() is not None)
    if first is not None and first.question == question and not failed:
        return first.answer
    return _ask(session, question, [film.file for film in films])


def show(session: Session, question: Question, place: DeltaGenerator) -> None:
    """The answer, or what is wrong, in its place; films are drawn before it is waited for."""
    answer = answer_to(session, question, session.films)
    try:
        while not answer.done():
            place.html(f'<p class="cl-note" role="status">{escape(say("first.asking"))}</p>')
            _wait(answer)
        found = answer.result()
    except ApiProblem as error:
        with place.container():
            refused(error, question.criteria.where)
    except backend.Trouble as error:
        with place.container():
            trouble(error)
    else:
        place.html(section(found))
        if proposals.learn(session, found):
            st.rerun()  # the film was drawn without its proposed region


def _wait(answer: Future[SearchAnswer]) -> None:
    with suppress(TimeoutError):
        answer.exception(timeout=PATIENCE_S)


def section(answer: SearchAnswer) -> str:
    """The vote in short: what it is of, its bars, what must stand beside it."""
    unlike = unlike_line(answer)
    warned = f'<p class="cl-unlike">{escape(unlike)}</p>' if unlike else ""
    rows = "".join(_bar(answer, ballot) for ballot in answer.tally)
    lines = "".join(
        f"<p>{escape(line)}</p>" for line in (why_line(answer), tie_line(answer), *malignant_lines(answer)) if line
    )
    heed = " cl-heed" if refers(answer) else ""
    return (
        f'<section class="cl-vote cl-first" aria-label="{escape(say("first.label"))}">'
        f'<p class="cl-note">{escape(of(answer))}</p><h2 class="cl-h2">{escape(headline(answer))}</h2>{warned}'
        f"{f'<ul>{rows}</ul>' if rows else ''}{lines}"
        f'<p class="cl-safety{heed}"><strong>{escape(say("vote.safety"))}</strong></p></section>'
    )


def _bar(answer: SearchAnswer, ballot: Ballot) -> str:
    """An entity's votes: a bar of the calibrated share, or of the patients where there is none."""
    share = ballot.patients / len(answer.cases) if answer.shares is None else answer.shares[ballot.entity]
    return (
        f'<li><div class="cl-bar-words"><span>{escape(entity_name(ballot.entity))}</span></div>'
        f'<div class="cl-bar" aria-hidden="true"><span style="width:{100 * share:.1f}%"></span></div>'
        f'<div class="cl-bar-proof">{escape(joined([tallied(answer, ballot), share_line(answer, ballot)]))}</div></li>'
    )


def of(answer: SearchAnswer) -> str:
    """What was compared: the box, the proposed region or the whole film; of several films, their number."""
    if len(answer.queries) > 1:
        return say("first.several", films=len(answer.queries))
    return say(f"first.{answer.queries[0].region_origin}")
