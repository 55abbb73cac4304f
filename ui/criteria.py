"""Which past patients may answer: choices that make a filter, which is shown and may be edited as text."""

from datetime import date
from html import escape

import streamlit as st

from api.client import ApiProblem
from api.schemas import ArchiveFacts
from ui.filters import OLDEST, Choices, filter_text, marked
from ui.parts import trouble
from ui.question import Criteria
from ui.wording import sex as sex_word
from ui.wording import site_name
from ui.words import say, term

MOST_PATIENTS = 20
USUAL = 5
ANY = "any"
LISTED = ("site", "entity", "centre", "proof")
"""Columns of which several values may be chosen."""
EARLIEST = date(1900, 1, 1)
LATEST = date(2200, 1, 1)
"""For the calendars alone; without a bound of their own they reach ten years."""


def criteria(facts: ArchiveFacts) -> Criteria:
    """The choices on the screen."""
    by_hand = bool(st.session_state.get("by-hand"))
    text = filter_text(_choices(facts, by_hand))
    shown = st.session_state.get("filter") if by_hand else text
    said = f"<code>{escape(shown)}</code>" if shown else escape(say("filter.none"))
    st.html(f'<p class="cl-note">{escape(say("filter.is"))} {said}</p>')
    with st.expander(say("filter.advanced")):
        where = _text(text, facts)
        all_stages = st.checkbox(say("filter.all_stages"), key="all-stages", persist_state="session")
        include_self = st.checkbox(say("filter.include_self"), key="include-self", persist_state="session")
    return Criteria(int(st.session_state["k"]), where.strip() or None, include_self, all_stages)


def _choices(facts: ArchiveFacts, off: bool) -> Choices:
    ages = st.slider(
        say("filter.age"),
        0,
        OLDEST,
        (0, OLDEST),
        key="ages",
        format=say("filter.age_format"),
        disabled=off,
        persist_state="session",
    )
    left, right = st.columns([1.35, 1], gap="small")
    with left:
        sex = _sex(offered(facts, "sex"), off)
    with right:
        _how_many(facts)
    sites, entities, centres, proofs = _lists(facts, off)
    since, until = _days(facts, off)
    return Choices(ages[0], ages[1], sex, sites, entities, centres, proofs, since, until)


def _lists(facts: ArchiveFacts, off: bool) -> list[tuple[str, ...]]:
    """What was chosen of each of `LISTED`, two beside each other; nothing of a column with less than two values."""
    there = [column for column in LISTED if len(offered(facts, column)) > 1]
    chosen: dict[str, tuple[str, ...]] = {}
    for start in range(0, len(there), 2):
        for place, column in zip(st.columns(2, gap="small"), there[start : start + 2], strict=False):
            with place:
                chosen[column] = _several(facts, column, off)
    return [chosen.get(column, ()) for column in LISTED]


def usual(facts: ArchiveFacts) -> Criteria:
    """What is asked while nobody chose anything."""
    return Criteria(max(1, min(USUAL, facts.patients)))


def _how_many(facts: ArchiveFacts) -> None:
    st.number_input(
        say("filter.k"),
        min_value=1,
        max_value=max(1, min(MOST_PATIENTS, facts.patients)),
        value=usual(facts).k,
        key="k",
        persist_state="session",
    )


def _sex(sexes: list[str], off: bool) -> str | None:
    if not sexes:
        return None
    chosen = st.segmented_control(
        say("filter.sex"),
        [ANY, *sexes],
        default=ANY,
        required=True,
        format_func=lambda code: say("filter.any") if code == ANY else sex_word(code),
        key="sex",
        disabled=off,
        persist_state="session",
    )
    return chosen if chosen in sexes else None


def _several(facts: ArchiveFacts, column: str, off: bool) -> tuple[str, ...]:
    chosen = st.multiselect(
        say(f"filter.{column}"),
        offered(facts, column),
        key=column,
        format_func=site_name if column == "site" else lambda value: term(f"{column}_name", value),
        placeholder=say("filter.any"),
        disabled=off,
        persist_state="session",
    )
    return tuple(chosen)


def _days(facts: ArchiveFacts, off: bool) -> tuple[date | None, date | None]:
    """The first and the last day on which a film may have been taken; a pair the wrong way round is turned."""
    if not offered(facts, "taken"):
        return None, None
    days = [
        column.date_input(
            say(f"filter.{name}"),
            value=None,
            min_value=EARLIEST,
            max_value=LATEST,
            format="DD.MM.YYYY",
            key=name,
            disabled=off,
            persist_state="session",
        )
        for column, name in zip(st.columns(2, gap="small"), ("since", "until"), strict=True)
    ]
    since, until = (day if isinstance(day, date) else None for day in days)
    return (until, since) if since and until and since > until else (since, until)


def offered(facts: ArchiveFacts, column: str) -> list[str]:
    """The known values of a filter column, commonest first; none where the archive has no such column."""
    return [each.value for found in facts.columns if found.name == column for each in found.values if each.value]


def _text(made: str, facts: ArchiveFacts) -> str:
    """The filter that counts: the one made, or the one typed."""
    by_hand = st.checkbox(
        say("filter.by_hand"),
        key="by-hand",
        persist_state="session",
        on_change=lambda: st.session_state.update({"filter": made}),
    )
    if not by_hand:
        return made
    columns = ", ".join(column.name for column in facts.columns)
    typed = st.text_area(say("filter.text"), key="filter", persist_state="session", placeholder=say("filter.example"))
    st.html(f'<p class="cl-note">{escape(say("filter.grammar", columns=columns))}</p>')
    return str(typed)


def refused(error: ApiProblem, where: str | None) -> None:
    """Say what the API refused; in a filter, mark the place."""
    trouble(error)
    if where is not None and error.position is not None:
        before, piece, after = (escape(part) for part in marked(where, error.position))
        st.html(f'<p class="cl-marked"><code>{before}<mark>{piece or "&nbsp;"}</mark>{after}</code></p>')
