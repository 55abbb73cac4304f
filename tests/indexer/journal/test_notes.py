"""Audit, feedback and the board's cases: what is kept, what is refused, and several people at once."""

import csv
import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import NotFound, QueryError, StaleWrite
from indexer import journal as kept
from indexer.journal import FeedbackKind, FilmVector, HeldFilm, Journal, Neighbour, NewAnswer, NewFilm, Section, limits

NASTY = [
    "'; DROP TABLE cases; --",
    '"><script>alert(1)</script>',
    "a\x00b\x1b[31m",
    "=1+1",
    "Größe 片 🦴",
    "%s {0} $x$",
]
NEAR = Neighbour(17, "a" * 64, "P" + "1" * 16, "osteosarcoma")


def film(sha256: str = "b" * 64, **more: Any) -> NewFilm:
    facts: dict[str, Any] = {
        "png": b"\x89PNG", "rows": 120, "columns": 90, "region": (1, 2, 30, 40), "region_origin": "drawn", "side": "L",
        "view": None, "body_part": None, "taken": None, "spacing_mm": None, "identity": "film bbbbbbbb",
    }  # fmt: skip
    return NewFilm(sha256, **facts | more)


def test_the_audit_log_comes_newest_first_and_in_pages(journal: Journal, patient: str, other: str) -> None:
    for n in range(5):
        kept.opened(journal, f"user {n % 2}", patient if n < 3 else other)
    log = kept.audit_log(journal)
    assert [entry.entry for entry in log] == [5, 4, 3, 2, 1]
    assert log[0].at.endswith("+00:00") and log[0].what == "opened patient"
    assert [entry.entry for entry in kept.audit_log(journal, patient=patient, who="user 0")] == [3, 1]
    assert [entry.entry for entry in kept.audit_log(journal, before=4, limit=2)] == [3, 2]
    for limit in (0, -1, 1001):
        with pytest.raises(QueryError, match=f"limit = {limit} is outside 1 to 1000"):
            kept.audit_log(journal, limit=limit)


@pytest.mark.parametrize("name", ["Erika Mustermann", "P0123", "P0123456789ABCDEF", "", "P" + "0" * 17])
def test_only_pseudonyms_are_noted(journal: Journal, name: str) -> None:
    with pytest.raises(QueryError, match="is no pseudonym"):
        kept.opened(journal, "a", name)
    if name:
        with pytest.raises(QueryError, match="is no pseudonym"):
            kept.make_case(journal, "a", "t", patient=name)


def test_pairs_are_the_last_word_of_each_user(journal: Journal) -> None:
    query = "c" * 64
    kept.judge(journal, "anna", query, FeedbackKind.similar, NEAR)
    kept.judge(journal, "ben", query, FeedbackKind.similar, NEAR)
    kept.judge(journal, "anna", query, FeedbackKind.not_similar, NEAR, "other zone")
    kept.turned_out(journal, "anna", query, "enchondroma")
    kept.turned_out(journal, "anna", query, "osteosarcoma", "histology")
    pairs = kept.training_pairs(journal)
    assert [(pair.who, pair.similar) for pair in pairs] == [("ben", True), ("anna", False)]
    assert {(pair.query_entity, pair.film_entity, pair.film) for pair in pairs} == {
        ("osteosarcoma", "osteosarcoma", 17)
    }
    assert [entry.kind.value for entry in kept.feedback_given(journal, query=query, limit=2)] == ["histology"] * 2
    assert kept.feedback_given(journal, query="d" * 64) == ()
    lines = [json.loads(line) for line in kept.as_json_lines(pairs).splitlines()]
    table = list(csv.DictReader(io.StringIO(kept.as_csv(pairs))))
    assert [line["similar"] for line in lines] == [True, False]
    assert [row["similar"] for row in table] == ["true", "false"]
    assert [row["film_sha256"] for row in table] == ["a" * 64] * 2


@pytest.mark.parametrize("who", ["=cmd|' /C calc'!A0", "+1", "-1", "@x"])
def test_no_cell_is_a_formula(journal: Journal, who: str) -> None:
    kept.judge(journal, who, "c" * 64, FeedbackKind.similar, NEAR)
    (row,) = csv.DictReader(io.StringIO(kept.as_csv(kept.training_pairs(journal))))
    assert row["who"] == f"'{who}"


def test_refusals_of_feedback(journal: Journal) -> None:
    with pytest.raises(QueryError, match="the note has 2001 characters, over the limit of 2000; shorten it"):
        kept.judge(journal, "a", "c" * 64, FeedbackKind.similar, NEAR, "x" * 2001)
    with pytest.raises(QueryError, match="no sha256"):
        kept.judge(journal, "a", "../c", FeedbackKind.similar, NEAR)
    with pytest.raises(QueryError, match="histology is said of a query"):
        kept.judge(journal, "a", "c" * 64, FeedbackKind.histology, NEAR)
    with pytest.raises(QueryError, match="the entity is empty; write something, up to 120 characters"):
        kept.turned_out(journal, "a", "c" * 64, "  ")
    with pytest.raises(QueryError, match="the user's name has 65 characters, over the limit of 64"):
        kept.turned_out(journal, "u" * 65, "c" * 64, "osteosarcoma")
    assert kept.feedback_given(journal) == ()


@pytest.mark.parametrize("text", NASTY)
def test_texts_are_texts(journal: Journal, text: str) -> None:
    made = kept.make_case(journal, text, text)
    written = kept.write_section(journal, text, made.case.case, Section.finding, text, 0)
    plain = "".join(c for c in text if c >= " ")
    assert (made.case.title, written.text, written.who) == (plain, plain, plain)
    assert len(kept.list_cases(journal)) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.text(max_size=300))
def test_any_text_comes_back_property(journal: Journal, text: str) -> None:
    case = kept.make_case(journal, "a", "t").case.case
    kept.write_section(journal, "a", case, Section.history, text, 0)
    found = kept.read_case(journal, case).sections[0].text
    assert found == limits.text("x", text, 300)
    assert set(text.replace("\r", "\n")) - set(found) <= {c for c in text if ord(c) < 32 or 127 <= ord(c) < 160}


def test_a_case_from_its_making_to_its_end(journal: Journal, patient: str) -> None:
    board = kept.make_case(journal, "anna", "  Knee,\n left ", "2026-11-30", patient)
    case = board.case.case
    assert (board.case.title, board.case.day, board.case.revision, board.case.decided) == (
        "Knee, left",
        "2026-11-30",
        1,
        False,
    )
    assert [text.section.value for text in board.sections] == [
        "history",
        "diagnosis",
        "question",
        "finding",
        "decision",
    ]
    said = NewAnswer('{"vote": {}}', ("b" * 64, "d" * 64))
    kept.add_films(journal, "ben", case, [film()])
    kept.add_films(
        journal, "ben", case, [film(spacing_mm=(0.1, 0.2)), film("d" * 64, spacing_mm=(0.1, 0.2))], ask=lambda _: said
    )
    kept.add_precedent(journal, "ben", case, 17, patient)
    kept.add_precedent(journal, "anna", case, 17, patient)
    held = kept.read_case(journal, case)
    assert [(one.region, one.spacing_mm) for one in held.films] == [
        ((1, 2, 30, 40), None),
        ((1, 2, 30, 40), (0.1, 0.2)),
    ]
    assert [one.who for one in held.precedents] == ["ben"]
    assert kept.film_picture(journal, case, held.films[0].film) == b"\x89PNG"
    answer = kept.held_answer(journal, case)
    assert answer is not None and answer.films == ("b" * 64, "d" * 64) and answer.answer == {"vote": {}}
    kept.remove_film(journal, "ben", case, held.films[1].film)
    assert kept.held_answer(journal, case) is None
    kept.remove_precedent(journal, case, 17)
    for gone in (lambda: kept.remove_precedent(journal, case, 17), lambda: kept.film_picture(journal, case, 99)):
        with pytest.raises(NotFound):
            gone()
    kept.remove_case(journal, case)
    for gone in (lambda: kept.read_case(journal, case), lambda: kept.remove_case(journal, case)):
        with pytest.raises(NotFound, match=f"the board has no case {case}"):
            gone()
    with journal.reading() as db:
        assert db.execute("SELECT count(*) AS n FROM case_films").fetchone()["n"] == 0


def test_an_agenda_has_its_order(journal: Journal) -> None:
    first, second = (kept.make_case(journal, "a", title, "2026-11-30").case for title in "xy")
    kept.make_case(journal, "a", "elsewhere", "2026-12-01")
    kept.change_case(journal, "a", first.case, 1, title="x", day="2026-11-30", position=9, patient=None)
    assert [one.title for one in kept.list_cases(journal, day="2026-11-30")] == ["y", "x"]
    assert second.position == 2
    with pytest.raises(QueryError, match="is no day; write it as 2026-11-30"):
        kept.list_cases(journal, day="30.11.2026")


def test_a_stale_write_gets_both_texts_and_can_merge(journal: Journal) -> None:
    case = kept.make_case(journal, "a", "t").case.case
    kept.write_section(journal, "anna", case, Section.history, "pain at night", 0)
    with pytest.raises(StaleWrite, match="at revision 1, written by anna; you read 0") as caught:
        kept.write_section(journal, "ben", case, Section.history, "swelling", 0)
    stale = caught.value
    assert (stale.current, stale.yours, stale.revision) == ("pain at night", "swelling", 1)
    merged = kept.write_section(
        journal, "ben", case, Section.history, f"{stale.current}; {stale.yours}", stale.revision
    )
    assert merged.revision == 2
    assert [one.text for one in kept.section_history(journal, case, Section.history)] == [
        "pain at night; swelling",
        "pain at night",
    ]
    with pytest.raises(StaleWrite, match="is at revision 1, you read 7"):
        kept.change_case(journal, "a", case, 7, title="u", day=None, position=1, patient=None)


def test_many_writers_lose_no_text(journal: Journal) -> None:
    case = kept.make_case(journal, "a", "t").case.case

    def add(word: str) -> None:
        text, revision = word, 0
        while True:
            try:
                kept.write_section(journal, word, case, Section.finding, text, revision)
            except StaleWrite as stale:
                text, revision = f"{stale.current} {word}", stale.revision
            else:
                return

    words = [f"word{n}" for n in range(12)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, words))
    found = kept.read_case(journal, case).sections[3]
    assert sorted(found.text.split()) == sorted(words)
    assert found.revision == len(words)


def test_a_decision_is_a_revision_of_its_text(journal: Journal) -> None:
    case = kept.make_case(journal, "a", "t").case.case
    with pytest.raises(QueryError, match="is empty; write the decision there first"):
        kept.decide(journal, "a", case, 0, "2026-11-30")
    kept.write_section(journal, "a", case, Section.decision, "biopsy", 0)
    with pytest.raises(StaleWrite, match="is at revision 1, you read 0"):
        kept.decide(journal, "a", case, 0, "2026-11-30")
    made = kept.decide(journal, "a", case, 1, "2026-11-30")
    assert kept.read_case(journal, case).decision == made
    kept.recorded(journal, case, 1, 7)
    kept.recorded(journal, case, 2, 8)
    found = kept.read_case(journal, case)
    assert found.decision is not None and found.decision.version == 7 and found.case.decided


def test_what_is_asked_gets_all_films_of_a_case_with_their_vectors(journal: Journal) -> None:
    case, other = (kept.make_case(journal, "a", "t").case.case for _ in range(2))
    vector = FilmVector(b"\x00\x00\x80?" * 4, "fingerprint", ("P" + "1" * 16,), 0.5, ("odd",))
    told: list[Sequence[HeldFilm]] = []

    def ask(held: Sequence[HeldFilm]) -> NewAnswer | None:
        told.append(held)
        return NewAnswer(f'{{"films": {len(held)}}}', tuple(film.sha256 for film, _ in held))

    kept.add_films(journal, "a", other, [film("9" * 64, asked=vector)], ask=ask)
    kept.add_films(journal, "a", case, [film("b" * 64)], ask=ask)
    kept.add_films(journal, "a", case, [film("a" * 64, asked=vector)], ask=ask)
    assert [[(film.sha256[0], by) for film, by in held] for held in told[1:]] == [
        [("b", None)],
        [("b", None), ("a", vector)],
    ]
    again = replace(vector, vector=b"\x00\x00\x00\x00" * 4)
    kept.add_films(journal, "b", case, [film("b" * 64, asked=again, region=(0, 0, 9, 9))], ask=ask)
    assert [(held.region, held.who, by) for held, by in told[3]] == [
        ((0, 0, 9, 9), "b", again),
        ((1, 2, 30, 40), "a", vector),
    ]
    kept.remove_film(journal, "c", case, kept.read_case(journal, case).films[0].film, ask)
    answer = kept.held_answer(journal, case)
    assert answer is not None and (answer.answer, answer.films, answer.who) == ({"films": 1}, ("a" * 64,), "c")


def test_a_refused_question_leaves_the_case_as_it_was(journal: Journal) -> None:
    case = kept.make_case(journal, "a", "t").case.case
    kept.add_films(journal, "a", case, [film()], ask=lambda _: NewAnswer("{}", ("b" * 64,)))
    before = kept.read_case(journal, case), kept.held_answer(journal, case)

    def refuse(held: Sequence[HeldFilm]) -> NewAnswer | None:
        raise QueryError("no")

    with pytest.raises(QueryError, match="no"):
        kept.add_films(journal, "a", case, [film("c" * 64)], "P" + "1" * 16, refuse)
    assert (kept.read_case(journal, case), kept.held_answer(journal, case)) == before


@pytest.mark.parametrize(("most", "add"), [("CASE_FILMS", "films"), ("PRECEDENTS", "precedents")])
def test_a_case_holds_no_more_than_it_may(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, most: str, add: str, patient: str
) -> None:
    monkeypatch.setattr(limits, most, 2)
    case = kept.make_case(journal, "a", "t").case.case
    with pytest.raises(QueryError, match=f"would hold 3 {add}, over the limit of 2; remove some"):
        for n in range(3):
            if add == "films":
                kept.add_films(journal, "a", case, [film(f"{n}" * 64)])
            else:
                kept.add_precedent(journal, "a", case, n, patient)
    assert len(getattr(kept.read_case(journal, case), add)) == 2


def test_limits_are_said(journal: Journal) -> None:
    with pytest.raises(QueryError, match="the title has 121 characters, over the limit of 120"):
        kept.make_case(journal, "a", "x" * 121)
    case = kept.make_case(journal, "a", "x" * 120).case.case
    with pytest.raises(QueryError, match="the section question has 20001 characters, over the limit of 20000"):
        kept.write_section(journal, "a", case, Section.question, "x" * 20_001, 0)
