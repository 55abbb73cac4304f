"""The similar patients of an answer: one row each, their best film beside the query's."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from api.client import ApiProblem, ApiUnreachable
from api.schemas import QueryFacts, SearchAnswer, SimilarCase, SimilarFilm
from ui import backend
from ui.conflicts import case_conflicts
from ui.explain import agreement
from ui.figures import Shown, figure
from ui.judge import judge, remember
from ui.marks import on_film, own_key, past_key, side_mark
from ui.parts import complaint, fact_list, heading, trouble
from ui.scale import seen_together
from ui.session import TOP, Place, Session
from ui.wording import age, day, entity_name, film_line, joined, place, proof, sex, side, unknown, view_name
from ui.words import counted, decimal, say, term

CARD, THUMB, FINE = 512, 256, 1280
"""Long sides of pictures asked for, in pixels; `FINE` where a small part is enlarged."""
CLOSE, WHOLE = "close", "whole"


def cases(session: Session, answer: SearchAnswer) -> None:
    """All rows."""
    zoomed = _title(len(answer.cases))
    remember(session, answer)
    backend.fetch_ahead(session, [case.films[0].film for case in answer.cases], FINE if zoomed else CARD)
    for case in answer.cases:
        _card(session, answer, case, zoomed)


def _title(number: int) -> bool:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="cases"):
        with st.container(width="content"):
            heading(counted("similar_patient", number), level=2)
        shown = st.segmented_control(
            say("case.shown_as"),
            [CLOSE, WHOLE],
            default=CLOSE,
            required=True,
            format_func=lambda how: say(f"case.{how}"),
            key="zoom",
            label_visibility="collapsed",
            persist_state="session",
        )
    return shown == CLOSE


def own(session: Session, number: int, facts: QueryFacts, size: int) -> Shown | None:
    """A film of the query with the region that was compared. size: long side of the picture in pixels."""
    film = session.asked[number]
    picture = _picture(lambda: backend.own_picture(session, film, size))
    if picture is None:
        return None
    box = None if facts.region_origin == "whole" else facts.region
    known = film_line(facts.view, facts.side, facts.taken) or say("film.unknown")
    alt = say("film.own_alt", number=number + 1, film=known)
    key = on_film(own_key(film), facts.taken)
    return Shown(
        picture, facts.rows, facts.columns, alt, box, side=side_mark(facts.side), key=key, spacing_mm=facts.spacing_mm,
    )  # fmt: skip


def own_line(facts: QueryFacts) -> str:
    """What stands under a film of the query."""
    return joined([say("film.own"), film_line(facts.view, facts.side, facts.taken)])


def archived(session: Session, film: SimilarFilm, case: SimilarCase, size: int) -> Shown | None:
    """A past patient's film with the region that was compared."""
    picture = _picture(lambda: backend.archive_picture(session, film.film, size))
    if picture is None:
        return None
    box = None if film.region_origin == "whole" else film.region
    known = film_line(film.view, film.side, film.taken) or say("film.unknown")
    alt = say("film.past_alt", rank=case.rank, film=known)
    return Shown(
        picture, film.rows, film.columns, alt, box, side=side_mark(film.side),
        key=on_film(past_key(case.patient, film.film), film.taken), spacing_mm=film.spacing_mm,
    )  # fmt: skip


def _picture(fetch: Callable[[], bytes]) -> bytes | None:
    """A picture; None, with a sentence on the screen, where it cannot be had."""
    try:
        return fetch()
    except (ApiProblem, ApiUnreachable) as error:
        trouble(error)
        return None


def beside(queries: Sequence[QueryFacts], film: SimilarFilm) -> int:
    """Which film of the query to show beside an archived one: the first of the same view, else the first."""
    return next((i for i, facts in enumerate(queries) if facts.view and facts.view == film.view), 0)


def anchor(case: SimilarCase) -> str:
    """The id of a case's card."""
    return f"case_{case.rank}"


def _card(session: Session, answer: SearchAnswer, case: SimilarCase, zoomed: bool) -> None:
    with st.container(border=True, key=anchor(case)):
        st.html(f'<span id="{anchor(case)}"></span>')
        films, facts = st.columns([1.9, 1], gap="medium")
        with films:
            _pair(session, answer, case, zoomed)
            if len(case.films) > 1:
                _more(session, case, zoomed)
        with facts:
            _facts(session, answer, case)


def _pair(session: Session, answer: SearchAnswer, case: SimilarCase, zoomed: bool) -> None:
    """The query's film of the same view, and the patient's film most like it; on wish, where they agree."""
    best, size = case.films[0], FINE if zoomed else CARD
    number = beside(answer.queries, best)
    asked = answer.queries[number]
    films = st.container()
    tints = agreement(session, answer, case, number)
    left, right = own(session, number, asked, size), archived(session, best, case, size)
    mine = own_line(asked)
    theirs = joined([say("film.past", rank=case.rank), film_line(best.view, best.side, best.taken)])
    if left is None or right is None:
        shown = [figure(film, escape(words), zoomed) for film, words in ((left, mine), (right, theirs)) if film]
        films.html(f'<div class="cl-pair">{"".join(shown)}</div>')
        return
    one, other, to_scale = seen_together(left.measured, right.measured, zoomed)
    films.html(
        f'<div class="cl-pair">{figure(replace(left, tint=tints[0]), escape(mine), seen=one)}'
        f"{figure(replace(right, tint=tints[1]), escape(theirs), seen=other)}</div>"
        f'<p class="cl-note cl-pair-note">{escape(scale_line(to_scale, zoomed))}</p>'
    )


def scale_line(to_scale: bool, zoomed: bool) -> str:
    """How large the two films of a pair are drawn."""
    if to_scale:
        return say("case.to_scale")
    return say("case.fitted_region") if zoomed else say("case.fitted_film")


def _facts(session: Session, answer: SearchAnswer, case: SimilarCase) -> None:
    best = case.films[0]
    st.html(
        f'<div class="cl-case"><span class="cl-rank">{escape(say("film.past", rank=case.rank))}</span>'
        f'<h3 class="cl-h3">{escape(entity_name(case.entity))}</h3>'
        f'<p class="cl-proof">{escape(proof(case.proof))}</p></div>'
        + fact_list(
            [
                (say("fact.similarity"), decimal(case.similarity)),
                (say("fact.recorded"), term("malignancy", case.malignancy) if case.malignancy else unknown()),
                (say("fact.site"), place(case.site, case.side)),
                (say("fact.age"), age(case.age)),
                (say("fact.sex"), sex(case.sex)),
                (say("fact.film"), joined([best.view and view_name(best.view), side(best.side)]) or unknown()),
                (say("fact.date"), day(best.taken)),
                *([(say("fact.centre"), case.centre)] if case.centre else []),
                (say("fact.outcome"), case.outcome or unknown()),
            ]
        )
    )
    conflict = case_conflicts(answer.queries[beside(answer.queries, best)], case)
    if conflict:
        complaint(conflict)
    with st.container(horizontal=True, gap="small"):
        st.button(say("case.open"), key=f"open-{case.rank}", width="stretch", on_click=lambda: opened(session, case))
        st.button(
            say("case.compare"), key=f"compare-{case.rank}", width="stretch", on_click=lambda: _compare(session, case)
        )
    judge(session, answer.queries[beside(answer.queries, best)].sha256, best.film)


def _compare(session: Session, case: SimilarCase) -> None:
    session.compared = [case.rank]
    session.go(Place.compare)


def opened(session: Session, case: SimilarCase) -> None:
    """Fetch a past patient's history and turn to its page; where it cannot be had, say why.

    For a button's `on_click`: the page that is left need not be drawn once more.
    """
    try:
        session.history = backend.client().patient(case.patient)
    except backend.Trouble as error:
        session.trouble, session.scroll_to = error, TOP
    else:
        session.opened, session.came = case, None
        session.go(Place.patient)


def _more(session: Session, case: SimilarCase, zoomed: bool) -> None:
    """The patient's other films, fetched when somebody wants them."""
    rest, size = case.films[1:], FINE if zoomed else THUMB
    more = say("case.more", films=counted("more_film", len(rest)), rank=case.rank)
    if not st.toggle(more, key=f"more-{case.rank}"):
        return
    backend.fetch_ahead(session, [film.film for film in rest], size)
    figures = "".join(
        figure(shown, escape(_caption(film)), zoomed)
        for film in rest
        if (shown := archived(session, film, case, size)) is not None
    )
    st.html(f'<div class="cl-strip">{figures}</div>')


def _caption(film: SimilarFilm) -> str:
    known = film_line(film.view, film.side, film.taken)
    return joined([known, say("case.similarity", similarity=decimal(film.similarity))])
