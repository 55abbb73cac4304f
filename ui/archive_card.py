"""What stands behind an archive: its versions, the card of its model, its sources."""

from datetime import datetime

import streamlit as st

from api.schemas import ArchiveFacts
from ui.parts import fact_list, heading, note
from ui.tables import table
from ui.wording import capital, day, joined, unknown
from ui.words import say, term


def versions(facts: ArchiveFacts) -> None:
    """The versions on disk; the newest is the one that answers."""
    heading(say("card.versions"), level=2)
    rows = [
        [str(each.version), moment(each.written), say("card.now") if each.version == facts.version else ""]
        for each in facts.versions
    ]
    st.html(table(say("card.versions"), [say("card.version"), say("card.written"), ""], rows, words=3))


def moment(iso: str) -> str:
    """A point of time such as 20 Nov 2026, 09:30 UTC; other text as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return say("card.moment", day=day(when.date()), time=f"{when:%H:%M}")


def model(facts: ArchiveFacts) -> None:
    """The card of the encoder that made the vectors."""
    heading(say("card.model"), say("card.model_is"), level=2)
    st.html(f'<div class="cl-card">{fact_list(card_lines(facts))}</div>')


def card_lines(facts: ArchiveFacts) -> list[tuple[str, str]]:
    """The model card as names and values; what it leaves out is not shown."""
    card = facts.model
    views, size, code = card.get("views"), card.get("size"), card.get("facts")
    seen = joined(term("model_view", str(view)) for view in views) if isinstance(views, list) else None
    beside = say("card.facts") if code else say("card.no_facts")
    told = {
        "name": card.get("name"),
        "trained_on": card.get("trained_on"),
        "weights": card.get("weights"),
        "licence": card.get("licence"),
        "paper": card.get("paper"),
        "sees": capital(joined([seen, None if size is None else say("card.pixels", size=size)])),
        "beside": beside,
        "dimension": card.get("dimension"),
        "runtime": card.get("runtime"),
        "fingerprint": card.get("fingerprint"),
        "file": card.get("sha256"),
        "index": facts.index,
        "segmenter": facts.segmenter or say("card.no_segmenter"),
    }
    return [(say(f"card.{name}"), str(value)) for name, value in told.items() if value not in (None, "")]


def sources(facts: ArchiveFacts) -> None:
    """Where the films come from."""
    heading(say("card.sources"), level=2)
    if not facts.sources:
        note(say("card.no_sources"))
        return
    header = [say(f"card.{name}") for name in ("source", "issuer", "layout", "roi")]
    rows = [
        [
            each.title,
            each.issuer or unknown(),
            each.layout,
            term("roi", each.roi) + (f", {say('card.synthetic')}" * each.synthetic),
        ]
        for each in facts.sources
    ]
    st.html(table(say("card.sources"), header, rows, words=4))
    note(say("card.notice"))
