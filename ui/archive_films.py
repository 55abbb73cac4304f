"""Films of the archive to look at: one chosen on the map, and pairs that are one exposure."""

from html import escape

import streamlit as st

from api.schemas import ArchivedFilm, ArchiveFacts, ArchiveMap, NearPair
from ui import backend
from ui.figures import Shown, figure
from ui.map import film_map
from ui.marks import on_film, past_key, side_mark
from ui.parts import fact_list, heading, note, trouble
from ui.session import Place, Session
from ui.shell import choose_language
from ui.wording import age, day, entity_name, film_line, joined, percent, place, proof, sex, unknown
from ui.words import counted, decimal, say, term, whole

SIZE = 640
"""Long side of a picture in pixels."""
PAIRS = 4
"""Pairs of near-duplicates on the screen at once."""


@st.fragment
def looking(session: Session, version: int) -> None:
    """The map, and beside it the film that was chosen: only this part is drawn anew for another film."""
    choose_language()  # a fragment runs without the page around it
    heading(say("map.title"), level=2)
    try:
        found = backend.archive_map(version)
    except backend.Trouble as error:
        trouble(error)
        return
    note(about(found))

    def choose(film: int) -> None:
        session.looked = film

    left, right = st.columns([1.9, 1], gap="large")
    with left:
        film_map(found, session.looked, "archive-map", choose)
    with right, st.container(key="looked"):
        if session.looked is None:
            note(say("map.nothing"))
        else:
            _looked(session, session.looked)


def about(found: ArchiveMap) -> str:
    """How the map was made, how many films it shows, and what nearness on it is worth."""
    shown, films = len(found.points), found.films
    of = say("map.all", films=counted("film", films)) if shown == films else say(
        "map.some", shown=whole(shown), films=counted("film", films)
    )  # fmt: skip
    return f"{of} {say('map.how', share=percent(sum(found.explained)))}"


def _looked(session: Session, number: int) -> None:
    try:
        film = backend.client().film(number)
        shown = _shown(film, backend.archive_picture(session, number, SIZE))
    except backend.Trouble as error:
        trouble(error)
        return
    st.html(
        f'<h3 class="cl-h3">{escape(entity_name(film.entity))}</h3>'
        f'<p class="cl-proof">{escape(proof(film.proof))}</p>'
        f'<div class="cl-looked">{figure(shown)}</div>'
    )
    st.html(fact_list(facts_of(film)))
    if st.button(say("case.open"), key="open-looked", width="stretch"):
        _open(session, film.patient)
    note(say("patient.audit"))


def facts_of(film: ArchivedFilm) -> list[tuple[str, str]]:
    """What is known of a film, as names and values."""
    return [
        (say("archive.number"), str(film.film)),
        (say("archive.patient"), film.patient),
        (say("fact.recorded"), term("malignancy", film.malignancy) if film.malignancy else unknown()),
        (say("fact.site"), place(film.site, film.side)),
        (say("fact.film"), film_line(film.view, film.side) or unknown()),
        (say("fact.date"), day(film.taken)),
        (say("fact.age"), age(film.age)),
        (say("fact.sex"), sex(film.sex)),
        *([(say("fact.centre"), film.centre)] if film.centre else []),
    ]


def _open(session: Session, patient: str) -> None:
    """Fetch a past patient's history, which is noted, and turn to its page; where it cannot be had, say why."""
    try:
        session.history = backend.client().patient(patient)
    except backend.Trouble as error:
        trouble(error)
    else:
        session.opened, session.came = None, Place.archive
        session.go(Place.patient)
        st.rerun()


def _shown(film: ArchivedFilm, picture: bytes) -> Shown:
    known = film_line(film.view, film.side, film.taken) or say("film.unknown")
    return Shown(
        picture, film.rows, film.columns, say("archive.film_alt", number=film.film, film=known),
        None if film.region_origin == "whole" else film.region, side=side_mark(film.side),
        key=on_film(past_key(film.patient, film.film), film.taken), spacing_mm=film.spacing_mm,
    )  # fmt: skip


@st.fragment
def near(session: Session, facts: ArchiveFacts) -> None:
    """Pairs of films that are one exposure, likest first, some at a time."""
    choose_language()
    heading(say("near.title"), level=2)
    counts = facts.near_duplicates
    if not counts.films:
        note(say("near.none"))
        return
    note(say("near.some", films=counted("film", counts.films), groups=counted("group", counts.groups)))
    first = int(st.session_state.get("near-first", 0))
    try:
        pairs = backend.client().near_duplicates(first, PAIRS + 1).pairs
        backend.fetch_ahead(session, [film for pair in pairs[:PAIRS] for film in (pair.film, pair.other)], SIZE)
        shown = "".join(_pair(session, pair) for pair in pairs[:PAIRS])
    except backend.Trouble as error:
        trouble(error)
        return
    st.html(f'<div class="cl-nears">{shown}</div>')
    with st.container(horizontal=True, gap="small"):
        st.button(say("near.back"), key="near-back", disabled=not first, on_click=_turn, args=(first - PAIRS,))
        more = len(pairs) > PAIRS
        st.button(say("near.on"), key="near-on", disabled=not more, on_click=_turn, args=(first + PAIRS,))


def _turn(first: int) -> None:
    st.session_state["near-first"] = max(0, first)


def _pair(session: Session, pair: NearPair) -> str:
    """Both films as HTML, how like they are, and whether their patients are one."""
    drawn = []
    for number in (pair.film, pair.other):
        film = backend.client().film(number)
        shown = _shown(film, backend.archive_picture(session, number, SIZE))
        drawn.append(figure(shown, escape(joined([entity_name(film.entity), day(film.taken) if film.taken else None]))))
    same = say("near.same_patient" if pair.patient == pair.other_patient else "near.two_patients")
    told = f"{say('near.likeness', likeness=decimal(pair.likeness))} {same}"
    return (
        f'<div class="cl-near"><div class="cl-pair">{"".join(drawn)}</div><p class="cl-note">{escape(told)}</p></div>'
    )
