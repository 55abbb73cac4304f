"""The region that an archive proposes, as the page shows it, sends it, and lets it be overruled."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from api.client import ApiUnreachable
from api.schemas import ProposedRegion
from ui import proposals
from ui.session import QueryFilm, Session
from ui.words import say

DRAWN, NONE = say("propose.drawn"), say("propose.none")
FILM = QueryFilm("key", "film.png", b"", 80, 60, None, None, ())
BOX = (10, 20, 40, 50)


def proposed(origin: str, confidence: float) -> ProposedRegion:
    region = BOX if origin == "segmented" else (0, 0, 60, 80)
    return ProposedRegion("", 80, 60, region, origin, confidence, 0.4)


def session(found: ProposedRegion | None, *, segmenter: bool = True) -> Session:
    """A visitor with one film, of which the archive proposed `found` before; None = it was not asked."""
    facts: Any = SimpleNamespace(segmenter={"name": "s"} if segmenter else None)
    kept = {} if found is None else {FILM.key: found}
    return Session(films=[FILM], facts=facts, proposals=kept)


def test_a_proposed_region_is_shown_with_its_confidence_and_left_to_the_archive() -> None:
    visitor = session(proposed("segmented", 0.83))
    assert proposals.proposed_box(visitor, FILM) == BOX
    assert "proposed by a model, confidence 83\N{NO-BREAK SPACE}%" in proposals.said(visitor, FILM)
    assert proposals.roi(visitor, FILM) is None


def test_under_the_threshold_the_page_says_that_the_whole_film_is_compared() -> None:
    visitor = session(proposed("whole", 0.21))
    assert proposals.proposed_box(visitor, FILM) is None
    said = proposals.said(visitor, FILM)
    assert "best 21\N{NO-BREAK SPACE}%" in said and "whole film is compared" in said
    assert proposals.roi(visitor, FILM) is None


def test_a_drawn_box_always_wins() -> None:
    visitor = session(proposed("segmented", 0.99))
    visitor.boxes[FILM.key] = (1, 2, 30, 40)
    visitor.whole.add(FILM.key)
    assert proposals.proposed_box(visitor, FILM) is None
    assert proposals.said(visitor, FILM) == DRAWN
    assert proposals.roi(visitor, FILM) == (1, 2, 30, 40)


@pytest.mark.parametrize("facts", [True, False])
def test_an_archive_without_segmenter_is_not_asked(monkeypatch: pytest.MonkeyPatch, facts: bool) -> None:
    monkeypatch.setattr(proposals.backend, "client", lambda: pytest.fail("asked"))
    visitor = session(None, segmenter=False)
    if not facts:
        visitor.facts = None
    assert proposals.proposal(visitor, FILM) is None
    assert proposals.said(visitor, FILM) == NONE


def test_it_is_asked_once_and_silence_is_left_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def region(file: object) -> ProposedRegion:
        asked.append(file)
        if len(asked) == 1:
            raise ApiUnreachable("nobody there")
        return proposed("segmented", 0.7)

    monkeypatch.setattr(proposals.backend, "client", lambda: SimpleNamespace(region=region))
    visitor = session(None)
    assert proposals.said(visitor, FILM) == NONE
    assert [proposals.proposed_box(visitor, FILM) for _ in range(3)] == [BOX] * 3
    assert asked == [FILM.file] * 2


def test_the_region_can_be_waved_away_and_taken_back() -> None:
    def script() -> None:
        import streamlit as st

        from api.schemas import ProposedRegion
        from ui import proposals
        from ui.session import QueryFilm, Session

        film = QueryFilm("key", "film.png", b"", 80, 60, None, None, ())
        found = ProposedRegion("", 80, 60, (10, 20, 40, 50), "segmented", 0.7, 0.4)
        visitor = st.session_state.setdefault("visitor", Session(films=[film], proposals={"key": found}))
        visitor.facts = type("Facts", (), {"segmenter": {}})()
        proposals.whole_button(visitor, film)
        st.session_state["roi"] = proposals.roi(visitor, film)

    shown = AppTest.from_function(script, default_timeout=30).run()
    assert [button.label for button in shown.button] == ["Compare the whole film"]
    shown.button[0].click().run()
    assert not shown.exception
    assert shown.session_state["roi"] == proposals.WHOLE
    assert [button.label for button in shown.button] == ["Use the proposed region"]
    shown.button[0].click().run()
    assert shown.session_state["roi"] is None
    assert [button.label for button in shown.button] == ["Compare the whole film"]
