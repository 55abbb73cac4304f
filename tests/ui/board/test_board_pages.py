"""The board as people use it in a real browser, over the real API: one member, two at once, and what goes wrong."""

import re
from datetime import date
from pathlib import Path

from playwright.sync_api import expect

from api.client import Client
from indexer.journal import PLACE, Journal
from tests.ui.board.hands import Open, add_film, board, click, opened, save, section, write
from tests.ui.browsing import DESK, PHONE, Server, draw, edges, eventually, scrolls_sideways, search, settle, upload


def test_from_a_new_case_to_the_document(visit: Open, page_url: str, ben: Client, query_film: Path) -> None:
    page = board(visit, page_url)
    expect(page.get_by_text("No case is on the agenda of")).to_be_visible()
    page.get_by_role("textbox", name="Title").fill("Distal femur, lytic")
    expect(page.get_by_text("Write no names").first).to_be_visible()
    click(page, "Make the case")
    expect(page.get_by_role("heading", name="Distal femur, lytic")).to_be_visible()
    expect(page.get_by_text("This case has no films yet")).to_be_visible()
    add_film(page, query_film)
    expect(page.locator(".cl-stage")).to_have_count(1)
    expect(page.get_by_text(re.compile("95.% interval")).first).to_be_visible()
    page.locator(".st-key-found").get_by_role("button", name="Keep", exact=True).first.click()
    expect(page.locator(".cl-stage")).to_have_count(2)
    card = page.locator(".st-key-precedents [class*='st-key-precedent-']")
    expect(card.get_by_text("What was done")).to_be_visible()
    expect(card.get_by_text("Outcome")).to_be_visible()
    assert page.locator("img:not([hidden], [alt]), img[alt='']").count() == 0
    write(page, "decision", "Open biopsy at the centre.")
    save(page, "decision")
    click(page, "Record as decided")
    expect(section(page, "decision").get_by_role("status")).to_be_visible()
    case = ben.cases().cases[0]
    held = ben.case(case.case)
    assert held.decision is not None and held.decision.text == "Open biopsy at the centre."
    assert (case.films, case.precedents, case.decided) == (1, 1, True)
    click(page, "Document")
    for name, start in (("PDF", b"%PDF-"), ("DOCX", b"PK\x03\x04")):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        assert download.value.suggested_filename == f"caselink-case-{case.case}.{name.lower()}"
        assert Path(download.value.path()).read_bytes().startswith(start)
    page.keyboard.press("Escape")
    settle(page)
    click(page, "Open history")
    expect(page.get_by_role("heading", name="History of a past patient")).to_be_visible()
    click(page, "‹ Back to the board")
    expect(page.get_by_role("heading", name="Distal femur, lytic")).to_be_visible()
    click(page, "‹ Agenda")
    page.get_by_text("Without a day", exact=True).click()
    expect(page.get_by_text("Decided", exact=True)).to_be_visible()


def test_two_members_write_the_same_section_at_once(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("Both at once").case.case
    first, second = board(visit, page_url), board(visit, page_url)
    for page in (first, second):
        opened(page, "Both at once")
    write(first, "finding", "Lytic, geographic.")
    write(second, "finding", "No soft tissue part.")
    save(first, "finding")
    place = section(second, "finding")
    told = place.get_by_role("alert")
    expect(told).to_contain_text("Lytic, geographic.")
    expect(place.locator("textarea")).to_have_value("No soft tissue part.")
    assert ben.case(case).sections[3].text == "Lytic, geographic."
    settle(second)
    place.get_by_role("button", name="Put both together").click()
    expect(place.locator("textarea")).to_have_value("Lytic, geographic.\n\nNo soft tissue part.")
    settle(second)
    save(second, "finding")
    # the first member's page shows it by itself
    # (until then the other's draft stands above, since both are one member here)
    expect(section(first, "finding").locator(".cl-text").last).to_have_text(
        "Lytic, geographic.\n\nNo soft tissue part."
    )
    assert [text.text for text in ben.section_history(case, "finding").texts] == [
        "Lytic, geographic.\n\nNo soft tissue part.",
        "Lytic, geographic.",
    ]
    section(first, "finding").get_by_role("button", name="Earlier texts").first.click()
    expect(first.locator(".cl-earlier")).to_have_count(2)


def test_what_others_write_appears_and_leaves_what_is_typed(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("Typing").case.case
    page = board(visit, page_url)
    opened(page, "Typing")
    write(page, "question", "Biopsy from")
    area = section(page, "question").locator("textarea")
    ben.write_section(case, "history", "Pain at night.", 0)
    expect(section(page, "history").locator(".cl-text")).to_have_text("Pain at night.")
    expect(section(page, "history").get_by_text("ben, ")).to_be_visible()
    area.press_sequentially(" which side?")
    expect(area).to_be_focused()
    expect(area).to_have_value("Biopsy from which side?")
    save(page, "question")
    eventually(page, lambda: ben.case(case).sections[2].text == "Biopsy from which side?")


def test_mine_may_stand_in_place_of_theirs_which_stays_in_the_history(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("Instead").case.case
    page = board(visit, page_url)
    opened(page, "Instead")
    write(page, "diagnosis", "Osteosarcoma.")
    ben.write_section(case, "diagnosis", "Ewing sarcoma.", 0)
    expect(section(page, "diagnosis").get_by_role("alert")).to_contain_text("Ewing sarcoma.")
    settle(page)
    save(page, "diagnosis", "Save mine in its place")
    expect(section(page, "diagnosis").locator(".cl-text")).to_have_text("Osteosarcoma.")
    assert [text.text for text in ben.section_history(case, "diagnosis").texts] == ["Osteosarcoma.", "Ewing sarcoma."]


def test_a_dropped_api_loses_no_text(visit: Open, page_url: str, ben: Client, api: Server) -> None:
    case = ben.make_case("Cable pulled").case.case
    page = board(visit, page_url)
    opened(page, "Cable pulled")
    write(page, "history", "Fracture after a fall, ")
    api.stop()
    try:
        area = section(page, "history").locator("textarea")
        area.press_sequentially("two weeks ago.")
        save(page, "history")
        expect(page.get_by_text("Your text is still here")).to_be_visible()
        expect(area).to_have_value("Fracture after a fall, two weeks ago.")
        # another page and back
        page.get_by_role("link", name="Compare").click()
        settle(page)
        page.get_by_role("link", name="Board").click()
        expect(area).to_have_value("Fracture after a fall, two weeks ago.")
    finally:
        api.start()
    settle(page)
    save(page, "history")
    expect(section(page, "history").locator(".cl-text")).to_have_text("Fracture after a fall, two weeks ago.")
    assert ben.case(case).sections[0].text == "Fracture after a fall, two weeks ago."


def test_a_film_that_cannot_be_read_is_named_and_the_rest_goes_on(
    visit: Open, page_url: str, ben: Client, query_film: Path, tmp_path: Path
) -> None:
    case = ben.make_case("Broken file").case.case
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(query_film.read_bytes()[:2000])
    page = board(visit, page_url)
    opened(page, "Broken file")
    add_film(page, broken)
    expect(page.get_by_role("alert").filter(has_text="broken.dcm")).to_be_visible()
    assert ben.case(case).films == ()
    add_film(page, query_film)
    expect(page.locator(".cl-stage")).to_have_count(1)
    expect(page.get_by_role("alert").filter(has_text="broken.dcm")).to_have_count(0)
    click(page, "Take out")
    expect(page.get_by_text("This case has no films yet")).to_be_visible()
    assert ben.case(case).answer is None


def test_an_answer_goes_to_the_board_as_it_was_asked(visit: Open, page_url: str, ben: Client, query_film: Path) -> None:
    page = visit(DESK)
    upload(page, query_film)
    draw(page, (100, 120))
    box = tuple(int(edge) for edge in edges(page))
    search(page)
    click(page, "Take to the board")
    asked = page.get_by_role("dialog")
    asked.get_by_role("textbox", name="Title").fill("From the search")
    asked.get_by_role("button", name="Take to the board now").click()
    expect(page.get_by_role("heading", name="From the search")).to_be_visible()
    expect(page.locator(".cl-stage")).to_have_count(4)
    held = ben.case(ben.cases().cases[0].case)
    assert [(film.region, film.region_origin) for film in held.films] == [(box, "drawn")]
    assert held.answer is not None
    near = [case.films[0].film for case in held.answer.answer.cases]
    assert sorted(one.film for one in held.precedents) == sorted(near[:3])
    # once more, into the same case: nothing is there twice
    page.get_by_role("link", name="Search").click()
    settle(page)
    click(page, "Take to the board")
    asked.get_by_role("combobox").first.click()
    page.get_by_role("option", name=re.compile("From the search")).click()
    settle(page)
    asked.get_by_role("button", name="Take to the board now").click()
    expect(page.get_by_role("heading", name="From the search")).to_be_visible()
    settle(page)
    again = ben.case(held.case.case)
    assert (len(again.films), len(again.precedents), len(ben.cases().cases)) == (1, 3, 1)


def test_the_agenda_in_its_order_and_page_by_page(visit: Open, page_url: str, ben: Client) -> None:
    today = date.today()
    for name in ("one", "two", "three"):
        ben.make_case(f"case {name}", today)
    page = board(visit, page_url)
    titles = page.locator(".cl-agenda h3")
    expect(titles).to_have_text(["case one", "case two", "case three"])
    expect(page.get_by_role("button", name="Move up: case one").first).to_be_disabled()
    page.get_by_role("button", name="Move up: case three").first.click()
    expect(titles).to_have_text(["case one", "case three", "case two"])
    settle(page)
    page.get_by_role("button", name="Move down: case one").first.click()
    expect(titles).to_have_text(["case three", "case one", "case two"])
    assert [case.title for case in ben.agenda(today).cases] == ["case three", "case one", "case two"]
    for number in range(22):
        ben.make_case(f"undated {number}")
    page.get_by_text("Without a day", exact=True).click()
    expect(titles).to_have_count(20)
    click(page, "Older ›")
    expect(titles).to_have_text(["undated 1", "undated 0"])
    click(page, "‹ Newer")
    expect(titles.first).to_have_text("undated 21")


def test_a_case_is_changed_and_removed_after_asking_once_more(visit: Open, page_url: str, ben: Client) -> None:
    case = ben.make_case("To go").case.case
    page = board(visit, page_url)
    opened(page, "To go")
    click(page, "Change")
    page.get_by_role("textbox", name="Title").fill("Renamed")
    page.get_by_role("textbox", name="Patient's pseudonym, if known").fill("Erika Muster")
    page.locator("[data-testid=stFormSubmitButton] button").click()
    expect(page.get_by_role("alert").filter(has_text="Erika Muster")).to_be_visible()
    page.get_by_role("textbox", name="Patient's pseudonym, if known").fill("P" + "a" * 16)
    page.locator("[data-testid=stFormSubmitButton] button").click()
    expect(page.get_by_role("heading", name="Renamed")).to_be_visible()
    assert ben.case(case).case.patient == "P" + "a" * 16
    settle(page)
    click(page, "Remove")
    assert ben.case(case)
    click(page, "Remove the case for good")
    expect(page.get_by_role("heading", name="Tumour board")).to_be_visible()
    assert ben.cases().cases == ()


def test_a_phone_in_german_by_keyboard_and_in_the_dark(
    visit: Open, page_url: str, ben: Client, query_film: Path
) -> None:
    case = ben.make_case("Proximaler Humerus, zystisch, nach Fraktur").case.case
    held = ben.add_films(case, [(query_film.name, query_film.read_bytes())], k=3)
    assert held.answer is not None
    ben.add_precedent(case, held.answer.answer.cases[0].films[0].film)
    page = board(visit, page_url, PHONE, locale="de-DE")
    assert not scrolls_sideways(page)
    empty = page.locator("[role=spinbutton][data-placeholder][data-type=year]").first
    assert empty.evaluate("e => getComputedStyle(e, '::after').content") == '"JJJJ"'
    opened(page, "Proximaler Humerus", "Alle Fälle")
    expect(page.locator(".cl-stage")).to_have_count(2)
    settle(page)
    assert not scrolls_sideways(page)
    page.get_by_text("Dunkelraum", exact=True).click()
    settle(page)
    filters = "e => { let all = []; for (; e; e = e.parentElement) all.push(getComputedStyle(e).filter); return all; }"
    assert set(page.locator(".cl-stage").first.evaluate(filters)) == {"none"}
    assert "brightness(0.76)" in page.get_by_role("heading", name="Protokoll").evaluate(filters)
    place = section(page, "question")
    place.get_by_role("button", name="Schreiben").first.focus()
    page.keyboard.press("Enter")
    expect(place.locator("textarea")).to_be_visible()
    settle(page)
    place.locator("textarea").focus()
    page.keyboard.type("Biopsie?")
    page.keyboard.press("Tab")
    settle(page)
    place.get_by_role("button", name="Speichern").focus()
    page.keyboard.press("Enter")
    expect(place.locator(".cl-text")).to_have_text("Biopsie?")
    assert not scrolls_sideways(page)


def test_the_recorded_decision_is_found_in_the_patients_history(
    visit: Open, page_url: str, ben: Client, films: Path
) -> None:
    own = min((films / "films").rglob("*.dcm"))
    case = ben.make_case("One of the archive's own").case.case
    assert ben.add_films(case, [(own.name, own.read_bytes())], k=3).case.patient
    ben.write_section(case, "decision", "Curettage at the centre.", 0)
    page = board(visit, page_url)
    opened(page, "One of the archive's own")
    click(page, "Record as decided")
    expect(page.get_by_text("recorded in the patient's history")).to_be_visible()
    expect(page.get_by_role("button", name="Record again")).to_be_visible()
    click(page, "The patient's history")
    expect(page.locator(".cl-timeline").get_by_text("Curettage at the centre.")).to_be_visible()
    click(page, "‹ Back to the board")
    # the case's own film stays in the row of films when the language changes
    page.get_by_role("radio", name="DE").click()
    expect(page.get_by_role("heading", name="Protokoll")).to_be_visible()
    settle(page)
    expect(page.locator(".cl-stage")).to_have_count(1)


def test_the_vote_rests_on_all_films_of_a_case(
    visit: Open, page_url: str, ben: Client, archive: Path, query_film: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.png"
    case = ben.make_case("Two films").case.case
    held = ben.add_films(case, [(query_film.name, query_film.read_bytes())])
    second.write_bytes(ben.case_film(case, held.films[0].film, size=700, invert=True))
    page = board(visit, page_url)
    opened(page, "Two films")
    expect(page.get_by_text("This vote rests on")).to_have_count(0)
    add_film(page, second)
    expect(page.get_by_text("This vote rests on all films of the case together.")).to_be_visible()
    together = ben.case(case).answer
    assert together is not None and len(together.films) == 2
    # the first one as a journal of before has it
    with Journal(archive / PLACE).writing() as db:
        db.execute("DELETE FROM film_vectors WHERE film = ?", (held.films[0].film,))
    add_film(page, second)
    expect(page.get_by_text("This vote rests on film 2 of the case's 2 films; the others were kept")).to_be_visible()
    page.get_by_role("radio", name="DE").click()
    expect(page.get_by_text("Diese Stimmen beruhen auf Aufnahme 2 der 2 Aufnahmen des Falls")).to_be_visible()
    settle(page)
    add_film(page, query_film)
    expect(page.get_by_text("Diese Stimmen beruhen auf allen Aufnahmen des Falls zusammen.")).to_be_visible()
    again = ben.case(case).answer
    assert again is not None and again.answer.tally == together.answer.tally
    settle(page)
    page.get_by_role("button", name="Herausnehmen").nth(1).click()
    expect(page.get_by_text("Diese Stimmen beruhen")).to_have_count(0)
    settle(page)
    alone = ben.case(case).answer
    assert alone is not None and held.answer is not None and alone.answer.cases == held.answer.answer.cases
