"""Which past patients may answer: choices that make a filter, which is shown and may be edited as text."""

from dataclasses import dataclass
from html import escape

import streamlit as st

from api.client import ApiProblem
from api.schemas import ArchiveFacts
from ui.filters import OLDEST, Choices, filter_text, marked
from ui.parts import trouble
from ui.wording import sex as sex_word

MOST_PATIENTS = 20
USUAL = 5
ANY = "any"


@dataclass(frozen=True)
class Criteria:
    """What is asked beside the films. where: filter text, None for all."""

    k: int
    where: str | None
    include_self: bool
    all_stages: bool


def criteria(facts: ArchiveFacts) -> Criteria:
    """The choices on the screen."""
    by_hand = bool(st.session_state.get("by-hand"))
    text = filter_text(_choices(facts, by_hand))
    shown = st.session_state.get("filter") if by_hand else text
    said = f"<code>{escape(shown)}</code>" if shown else "none, every past patient may answer"
    st.html(f'<p class="cl-note">Filter: {said}</p>')
    with st.expander("Advanced"):
        where = _text(text, facts)
        all_stages = st.checkbox("Also films taken after treatment", key="all-stages", persist_state="session")
        include_self = st.checkbox(
            "Also this patient's own films, where the archive holds them", key="include-self", persist_state="session"
        )
    return Criteria(int(st.session_state["k"]), where.strip() or None, include_self, all_stages)


def _choices(facts: ArchiveFacts, off: bool) -> Choices:
    ages = st.slider(
        "Age when the film was taken",
        0,
        OLDEST,
        (0, OLDEST),
        key="ages",
        format="%d years",
        disabled=off,
        persist_state="session",
    )
    left, right = st.columns([1.35, 1], gap="small")
    with left:
        sex = _sex(offered(facts, "sex"), off)
    with right:
        _how_many(facts)
    left, right = st.columns(2, gap="small")
    with left:
        sites = _several(facts, "site", "Site", off)
    with right:
        entities = _several(facts, "entity", "Entity", off)
    return Choices(ages[0], ages[1], sex, sites, entities, _several(facts, "centre", "Centre", off))


def _how_many(facts: ArchiveFacts) -> None:
    st.number_input(
        "Patients to show",
        min_value=1,
        max_value=max(1, min(MOST_PATIENTS, facts.patients)),
        value=max(1, min(USUAL, facts.patients)),
        key="k",
        persist_state="session",
    )


def _sex(sexes: list[str], off: bool) -> str | None:
    if not sexes:
        return None
    chosen = st.segmented_control(
        "Sex",
        [ANY, *sexes],
        default=ANY,
        required=True,
        format_func=lambda code: code if code == ANY else sex_word(code),
        key="sex",
        disabled=off,
        persist_state="session",
    )
    return chosen if chosen in sexes else None


def _several(facts: ArchiveFacts, column: str, label: str, off: bool) -> tuple[str, ...]:
    values = offered(facts, column)
    if len(values) < 2:
        return ()
    chosen = st.multiselect(label, values, key=column, placeholder=ANY, disabled=off, persist_state="session")
    return tuple(chosen)


def offered(facts: ArchiveFacts, column: str) -> list[str]:
    """The known values of a filter column, commonest first; none where the archive has no such column."""
    return [each.value for found in facts.columns if found.name == column for each in found.values if each.value]


def _text(made: str, facts: ArchiveFacts) -> str:
    """The filter that counts: the one made, or the one typed."""
    by_hand = st.checkbox(
        "Edit the filter as text",
        key="by-hand",
        persist_state="session",
        on_change=lambda: st.session_state.update({"filter": made}),
    )
    if not by_hand:
        return made
    columns = ", ".join(column.name for column in facts.columns)
    typed = st.text_area(
        "Filter", key="filter", persist_state="session", placeholder="age between 5 and 20 and sex = 'F'"
    )
    st.html(
        f'<p class="cl-note">Columns: {escape(columns)}. Words: = &lt;&gt; &lt; &lt;= &gt; &gt;= between in is null '
        "and or not ( )</p>"
    )
    return str(typed)


def refused(error: ApiProblem, where: str | None) -> None:
    """Say what the API refused; in a filter, mark the place."""
    trouble(error)
    if where is not None and error.position is not None:
        before, piece, after = (escape(part) for part in marked(where, error.position))
        st.html(f'<p class="cl-marked"><code>{before}<mark>{piece or "&nbsp;"}</mark>{after}</code></p>')
