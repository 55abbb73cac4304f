"""The page without a browser, against the real API."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from api.schemas import NOTICE, Limits
from api.settings import settings
from ui.session import Screen, Session
from ui.upload import admit
from ui.words import catalogue

SAFETY = catalogue("en")["vote.safety"]
APP = Path(__file__).parents[2] / "ui" / "app.py"
Start = Callable[[str], AppTest]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Opens the page as a new visitor, talking to the API at an address."""

    def opened(address: str) -> AppTest:
        monkeypatch.setenv("CASELINK_API", address)
        settings.cache_clear()
        return AppTest.from_file(APP, default_timeout=30).run()

    yield opened
    settings.cache_clear()
    st.cache_resource.clear()


def said(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(str(each.proto.body) for each in page.html)


def visitor(page: AppTest) -> Session:
    found = page.session_state["caselink"]
    assert isinstance(found, Session)
    return found


def upload(page: AppTest, *paths: Path) -> AppTest:
    page.file_uploader[0].set_value([(path.name, path.read_bytes(), "application/octet-stream") for path in paths])
    return page.run()


def press(page: AppTest, key: str) -> AppTest:
    return page.button(key=key).click().run()


def test_every_screen_says_research_and_synthetic(start: Start, address: str, query_film: Path) -> None:
    page = start(address)
    screens = [said(page), said(upload(page, query_film)), said(press(page, "search")), said(press(page, "open-1"))]
    assert "Find similar past patients" in screens[0]
    assert "Mark the lesion" in screens[1]
    assert SAFETY in screens[2] and "similar patient" in screens[2]
    assert "History of patient 1" in screens[3]
    for screen in screens:
        assert NOTICE.split(". ")[0] in screen and "SYNTHETIC archive" in screen


def test_back_from_history_asks_nothing_again(start: Start, address: str, query_film: Path) -> None:
    page = press(upload(start(address), query_film), "search")
    before = visitor(page).answer
    press(press(page, "open-2"), "back-top")
    assert visitor(page).screen is Screen.answer
    assert visitor(page).answer is before


def test_header_identifiers_are_never_shown(start: Start, address: str, query_film: Path) -> None:
    header = pydicom.dcmread(query_film, stop_before_pixels=True)
    page = upload(start(address), query_film)
    seen = said(page) + said(press(page, "search"))
    assert str(header.PatientID) and str(header.PatientID) not in seen
    assert str(header.PatientName) not in seen
    assert str(header.StudyInstanceUID) not in seen


def test_visitors_share_nothing(start: Start, address: str, query_film: Path) -> None:
    first = upload(start(address), query_film)
    assert len(visitor(first).films) == 1
    second = start(address)
    assert visitor(second).films == []
    assert query_film.name not in said(second)


def test_typed_region_is_what_is_asked(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    for edge, value in zip(page.number_input[:4], (100, 120, 260, 300), strict=True):
        edge.set_value(value).run()
    press(page, "search")
    answer = visitor(page).answer
    assert answer is not None
    assert (answer.queries[0].region, answer.queries[0].region_origin) == ((100, 120, 260, 300), "drawn")


def test_region_off_the_film_is_refused_before_asking(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    for edge, value in zip(page.number_input[:4], (100, 120, 99999, 300), strict=True):
        edge.set_value(value).run()
    assert "99999" in said(page) and "does not fit" in said(page)
    assert page.button(key="search").disabled
    press(page, "clear")
    assert not page.button(key="search").disabled
    assert [edge.value for edge in page.number_input[:4]] == [None] * 4


def test_region_too_small_is_refused_before_asking(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    for edge, value in zip(page.number_input[:4], (100, 120, 101, 121), strict=True):
        edge.set_value(value).run()
    assert "1 x 1 pixels" in said(page) and "at least 8 pixels" in said(page)
    assert page.button(key="search").disabled


def test_choices_become_the_filter(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    page.slider(key="ages").set_value((5, 60)).run()
    sites = page.multiselect(key="site").options
    page.multiselect(key="site").set_value(sites[:2]).run()
    wanted = f"age between 5 and 60 and site in ('{sites[0]}', '{sites[1]}')"
    press(page, "search")
    answer = visitor(page).answer
    assert answer is not None and answer.manifest["where"] == wanted
    assert all(case.site in sites[:2] for case in answer.cases)


def test_filter_error_marks_its_place(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    page.checkbox(key="by-hand").check().run()
    page.text_area(key="filter").set_value("age > 5 and colour = 'x'").run()
    press(page, "search")
    assert "age &gt; 5 and <mark>colour</mark> = &#x27;x&#x27;" in said(page)
    assert visitor(page).screen is Screen.ask and len(visitor(page).films) == 1


def test_no_vote_gives_the_reason(start: Start, address: str, query_film: Path) -> None:
    page = upload(start(address), query_film)
    page.checkbox(key="by-hand").check().run()
    page.text_area(key="filter").set_value("age > 150").run()
    press(page, "search")
    assert "No vote" in said(page) and "widen the filter" in said(page) and SAFETY in said(page)


def test_unreadable_and_twin_files_are_named(start: Start, address: str, query_film: Path, tmp_path: Path) -> None:
    text, empty = tmp_path / "letter.txt", tmp_path / "empty.dcm"
    text.write_text("Dear colleague")
    empty.write_bytes(b"")
    page = upload(start(address), text, empty, query_film, query_film)
    assert len(visitor(page).films) == 1
    refusals = visitor(page).refusals
    assert len(refusals) == 3
    assert "letter.txt" in refusals[0] and "empty.dcm" in refusals[1] and "same file" in refusals[2]
    assert not any("\n" in refusal for refusal in refusals)
    press(page, "dismiss")
    assert visitor(page).refusals == []


@pytest.mark.parametrize(
    ("limits", "said"), [(Limits(1, 128), "at most 1 film;"), (Limits(12, 1), "over the limit of 1 MiB together")]
)
def test_more_than_may_be_sent_is_refused_unsent(
    start: Start, address: str, query_film: Path, limits: Limits, said: str
) -> None:
    left = visitor(upload(start(address), query_film))
    (refusal,) = admit(left, [("next.dcm", bytes(1 << 20))], limits)
    assert said in refusal and refusal.startswith("next.dcm")
    assert [film.name for film in left.films] == [query_film.name]


def test_start_over_forgets_everything(start: Start, address: str, query_film: Path) -> None:
    page = press(press(upload(start(address), query_film), "search"), "to-ask")
    press(page, "start-over")
    left = visitor(page)
    assert (left.films, left.answer, left.asked, list(left.pictures)) == ([], None, (), [])
    assert "Find similar past patients" in said(page)


def test_removing_a_film_keeps_the_answer(start: Start, address: str, query_film: Path) -> None:
    page = press(press(upload(start(address), query_film), "search"), "to-ask")
    press(page, "remove")
    assert visitor(page).films == []
    assert SAFETY in said(press(page, "to-answer"))


def test_films_stay_open_while_the_api_is_away(
    start: Start, address: str, query_film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upload(start(address), query_film)
    monkeypatch.setenv("CASELINK_API", "http://127.0.0.1:9")
    settings.cache_clear()
    seen = said(press(page, "search"))
    assert "cannot be reached" in seen and query_film.name in seen
    monkeypatch.setenv("CASELINK_API", address)
    settings.cache_clear()
    assert SAFETY in said(press(page, "search"))


def test_api_down_is_said_and_survived(start: Start) -> None:
    page = start("http://127.0.0.1:9")
    assert "cannot be reached" in said(page) and "caselink serve" in said(page)
    assert page.button(key="retry")


def test_where_they_agree_is_drawn_on_both_films_and_asked_once(start: Start, address: str, query_film: Path) -> None:
    page = press(upload(start(address), query_film), "search")
    assert 'class="cl-tint"' not in said(page)
    page.toggle(key="agree-2").set_value(True).run()
    films = said(page)
    assert films.count('class="cl-tint"') == 2
    assert "it agrees most with patient 2 in the" in films and "Map on the film of patient 2" in films
    assert "not where a lesion is" in films
    kept = dict(visitor(page).explained)
    assert len(kept) == 1
    page.slider(key="agree-strength-2").set_value(50).run()
    assert said(page).count("opacity:0.50") == 2
    assert visitor(page).explained == kept


def test_what_speaks_for_the_vote_is_drawn_on_ones_own_film(start: Start, address: str, query_film: Path) -> None:
    page = press(upload(start(address), query_film), "search")
    answer = visitor(page).answer
    assert answer is not None and answer.label is not None
    page.toggle(key="speaks").set_value(True).run()
    assert said(page).count('class="cl-tint"') == 1
    assert f"what adds most for {answer.label} lies in the" in said(page)
    assert "has no classifier" in said(page)
