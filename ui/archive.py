"""The archive page: what is inside, a map of the films, near-duplicates, what was left out, versions, the model."""

import csv
import io
from html import escape

import streamlit as st

from api.schemas import ArchiveFacts, GroupCount, LeftOut
from ui import archive_card, archive_films, backend
from ui.parts import heading, note, trouble
from ui.session import Session
from ui.spoken import told
from ui.tables import bars, table
from ui.wording import capital, entity_name, joined, sex, site_name, unknown
from ui.words import counted, say, term, whole

GROUPS = ("site", "age", "sex", "proof", "centre")
MOST_BARS = 10
"""Values of a column that are drawn, the most frequent; how many more there are is said."""
LISTED = 200
"""Values that the API counts of a column, and reasons that it tells, at most."""


def screen(session: Session) -> None:
    """The page; while the API is gone, what was last known of the archive stays."""
    facts = session.facts
    if facts is None:
        heading(say("archive.title"), say("ask.no_archive"))
    else:
        heading(say("archive.title"), facts.title)
    if session.failure is not None:
        trouble(session.failure)
        st.button(say("word.retry"), key="retry")
    if facts is None:
        return
    st.html(tiles(facts))
    if facts.films:
        archive_films.looking(session, facts.version)
        _inside(facts)
        archive_films.near(session, facts)
    else:
        note(say("ask.empty_archive"), "caution")
    _left_out(facts)
    archive_card.versions(facts)
    archive_card.model(facts)
    archive_card.sources(facts)


def tiles(facts: ArchiveFacts) -> str:
    """The counts at a glance, as an HTML list."""
    proven = sum(each.histology for each in facts.counts.get("proof", ()))
    counts = {"patients": facts.patients, "films": facts.films}
    counts |= {name: len(_known(facts, column)) for name, column in (("entities", "entity"), ("sites", "site"))}
    counts |= {"centres": len(_known(facts, "centre")), "proven": proven}
    return (
        '<dl class="cl-tiles">'
        + "".join(
            f"<div><dt>{escape(say(f'archive.{name}'))}</dt><dd>{escape(_at_least(count))}</dd></div>"
            for name, count in counts.items()
        )
        + "</dl>"
    )


def _known(facts: ArchiveFacts, column: str) -> list[GroupCount]:
    return [each for each in facts.counts.get(column, ()) if each.value is not None]


def _at_least(count: int) -> str:
    return whole(count) if count != LISTED else say("archive.at_least", count=count)


def _inside(facts: ArchiveFacts) -> None:
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        heading(say("archive.by_entity"), level=2)
        st.html(entities(facts))
        if len(facts.counts.get("entity", ())) >= LISTED:
            note(say("archive.most_listed", count=LISTED))
    with right, st.container(key="inside"):
        for column in (name for name in GROUPS if _known(facts, name)):
            name, values = say(f"archive.{column}"), facts.counts[column]
            st.html(f'<h3 class="cl-h2">{escape(name)}</h3>{_bars(column, values)}')
    note(say("archive.counted"))


def entities(facts: ArchiveFacts) -> str:
    """A line for each entity: patients, films, and patients proven by histology."""
    header = [say(f"archive.{name}") for name in ("entity", "patients", "films", "proven")]
    rows = [
        [capital(entity_name(each.value)), whole(each.patients), whole(each.films), whole(each.histology)]
        for each in facts.counts.get("entity", ())
    ]
    return table(say("archive.by_entity"), header, rows)


def _bars(column: str, values: tuple[GroupCount, ...]) -> str:
    order = sorted(values, key=_decade) if column == "age" else list(values)
    drawn, rest = order[:MOST_BARS], order[MOST_BARS:]
    rows = [(value_name(column, each.value), each.patients) for each in drawn]
    more = f'<p class="cl-note">{escape(say("archive.more", count=len(rest)))}</p>' if rest else ""
    return bars(rows, [whole(each.patients) for each in drawn]) + more


def _decade(each: GroupCount) -> tuple[bool, int]:
    first = (each.value or "").split("–")[0]
    return (not first.isdigit(), int(first) if first.isdigit() else 0)


def value_name(column: str, value: str | None) -> str:
    """A value of a counted column in words."""
    if value is None:
        return capital(unknown())
    if column == "age":
        return say("archive.years", years=value)
    if column == "sex":
        return capital(sex(value))
    return capital(site_name(value) if column == "site" else term(f"{column}_name", value))


def _left_out(facts: ArchiveFacts) -> None:
    heading(say("archive.left_out"), level=2)
    try:
        reasons = backend.client().left_out().reasons
    except backend.Trouble as error:
        trouble(error)
        return
    ended = {each.outcome: each.films for each in facts.left_out}
    told = [counted("file", n) + " " + term("file_outcome", outcome) for outcome, n in ended.items()]
    note(capital(joined(told)) if told else say("archive.nothing_read"))
    if not reasons:
        note(say("archive.none_left_out"))
        return
    header = [say(f"archive.{name}") for name in ("outcome", "reason", "files")]
    rows = [[_outcome(each), capital(reason(each)), whole(each.files)] for each in reasons]
    st.html(table(say("archive.left_out"), header, rows, words=2))
    if len(reasons) >= LISTED:
        note(say("archive.more_reasons", count=LISTED))
    note(say("archive.not_named"))
    st.download_button(say("archive.download"), csv_of(reasons), "left-out.csv", "text/csv", key="left-out")


def reason(each: LeftOut) -> str:
    """Why files were left out, in the page's language; as the archive tells it where it knows no code."""
    return each.reason if each.remark is None else told(each.remark)


def _outcome(each: LeftOut) -> str:
    return term("left_out", each.outcome)


def csv_of(reasons: tuple[LeftOut, ...]) -> str:
    """What was left out as CSV, in the archive's own words."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(["outcome", "reason", "files"])
    writer.writerows([each.outcome, each.reason, each.files] for each in reasons)
    return target.getvalue()
