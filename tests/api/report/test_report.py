"""A case as a document: what stands on its pages, how many there are, and that any text fits."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from posixpath import normpath
from typing import Any
from xml.etree import ElementTree

import docx
import numpy as np
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter

from api.report import WRITERS, Gathered, Report, report_of
from api.report.content import Past
from api.report.labelled import BAND, HEIGHT, WIDTH, Film, labelled
from api.report.pdf import BOTTOM, PAGES, TOP, lines_that_fit, shortened
from api.report.sheet import UNKNOWN, Sheet, clipped, printable, wide, wrapped
from api.report.wording import _WORDS, word
from api.routes import examples
from api.routes.written_examples import CASE
from api.schemas import BoardCase, Remark
from api.words import LANGUAGES
from indexer.answer import wilson
from indexer.journal import limits

KEY = "P5a0c6e21b7d94f38"
SECTIONS = ("history", "diagnosis", "question", "finding", "decision")


def film(side: str | None = "L", **more: Any) -> Film:
    pixels = np.linspace(0, 1, 120 * 90, dtype=np.float32).reshape(120, 90)
    return Film(pixels, (1200, 900), more.get("region", (100, 200, 500, 700)), side, more.get("taken"), KEY)


def gathered(texts: dict[str, str] | None = None, films: int = 2, past: int = 3, **more: Any) -> Gathered:
    board = TypeAdapter(BoardCase).validate_python(CASE)
    sections = tuple(replace(one, text=(texts or {}).get(one.section.value, one.text)) for one in board.sections)
    board = replace(board, sections=sections, films=board.films * films, **more)
    near = Past(
        film("R"), examples.PATIENT, "osteosarcoma", "histology", "femur", 14.0, "no recurrence, " * 20,
        ((date(2019, 4, 3), "Wide resection"), (None, "Chemotherapy")),
    )  # fmt: skip
    card = examples.ARCHIVE["model"]
    at = "2026-11-20T10:05:00+00:00"
    return Gathered(
        board, (film(taken=date(2026, 11, 18)),) * films, (near,) * past, card, examples.ARCHIVE, "anna", at
    )


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Callable[[Report], list[list[str]]]:
    """The words on every page of the PDF, as they were drawn."""

    def drawn(report: Report) -> list[list[str]]:
        said: list[tuple[Sheet, str]] = []
        text = Sheet.text

        def note(self: Sheet, x: float, y: float, words: str, size: float, **look: Any) -> None:
            said.append((self, words))
            text(self, x, y, words, size, **look)

        with monkeypatch.context() as patch:
            patch.setattr(Sheet, "text", note)
            data = WRITERS["pdf"](report)
        count = len(re.findall(rb"/Type /Page\b", data))
        kept = list(dict.fromkeys(sheet for sheet, _ in said))[-count:]
        return [[words for sheet, words in said if sheet is one] for one in kept]

    return drawn


def words_of(data: bytes) -> str:
    """All words of a DOCX, its header and footer too; every part must be XML."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        names = packed.namelist()
        parts = {name: ElementTree.fromstring(packed.read(name)) for name in names if name.endswith((".xml", ".rels"))}
        for target in parts["word/_rels/document.xml.rels"]:
            assert normpath(f"word/{target.get('Target')}") in names
    return "\n".join(
        each.text or ""
        for name in parts
        if name.startswith("word/")
        for each in parts[name].iter()
        if each.tag.endswith("}t")
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_says_what_it_is_for(pages: Any, language: str) -> None:
    texts = {name: f"{name} " * 900 for name in SECTIONS}
    report = report_of(gathered(texts), language)
    found = pages(report)
    assert len(found) == PAGES
    for number, page in enumerate(found, 1):
        assert report.notice in page and word(language, "notice") in report.notice
        assert f"caselink · {word(language, 'page', page=number, pages=PAGES)}" in page
    data = WRITERS["docx"](report)
    assert report.notice in words_of(data)
    section = docx.Document(io.BytesIO(data)).sections[0]
    assert report.notice == section.header.paragraphs[0].text
    assert [field.get(qn("w:instr")) for field in section.footer._element.iter(qn("w:fldSimple"))] == [
        "PAGE",
        "NUMPAGES",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_surgeon_files_is_there(pages: Any, language: str) -> None:
    report = report_of(gathered(), language)
    on_paper = [line for page in pages(report) for line in page]
    written = words_of(WRITERS["docx"](report))
    for said in (
        *(
            CASE["case"]["title"],
            KEY,
            {"en": "osteosarcoma", "de": "Osteosarkom"}[language],
            "Pain at night for six weeks.",
            "Biopsy at the centre.",
            "0a1b2c3d4e5f",
        ),
        *(
            word(language, key)
            for key in ("films", "precedents", "vote", "notes", "card", "decision", "malignant_head")[:6]
        ),
        *(word(language, "of", n=1, all=1), report.decided),
    ):
        assert said in on_paper, said
        assert said in written, said
    low, high = wilson(1, 1)
    assert any(f"({low * 100:.0f}–{high * 100:.0f})" in line for line in on_paper)


def test_a_document_speaks_one_language() -> None:
    """Entities, sites and the reason for no vote are said in the document's language, not in the archive's."""
    why = Remark("tie: osteosarcoma and enchondroma have as many votes, equally similar", "tie")
    why = replace(why, values={"one": "osteosarcoma", "other": "enchondroma"})
    held = gathered(past=1)
    assert held.case.answer is not None
    answer = replace(held.case.answer.answer, label=None, abstained="tie", reason=why.text, remarks=(why,))
    case = replace(held.case, answer=replace(held.case.answer, answer=answer))
    said = words_of(WRITERS["docx"](report_of(replace(held, case=case), "de")))
    told = "Gleichstand: Osteosarkom und Enchondrom haben gleich viele Stimmen und sind gleich ähnlich"
    assert f"Die Stimmen nennen keine Entität: {told}." in said
    assert "Osteosarkom" in said and not any("osteosarcoma" in line for line in said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_each_precedent_what_was_done_and_how_it_went(pages: Any, language: str) -> None:
    report = report_of(gathered(past=1), language)
    day = {"en": "3 Apr 2019", "de": "03.04.2019"}[language]
    undated = word(language, "undated")
    assert report.past[0].told[:2] == (
        f"{word(language, 'done')}, {day}: Wide resection",
        f"{word(language, 'done')}, {undated}: Chemotherapy",
    )
    assert report.past[0].told[2].startswith(f"{word(language, 'outcome')}: no recurrence")
    for line in report.past[0].told[:2]:
        assert line in words_of(WRITERS["docx"](report))
    assert any("Wide resection" in line for line in pages(report)[0])
    bare = replace(gathered().past[0], done=(), outcome=None)
    told = report_of(replace(gathered(), past=(bare,)), language).past[0].told
    assert told == (
        word(language, "untreated"),
        f"{word(language, 'outcome')}: {word(language, 'unknown')}",
    )


def test_a_label_of_a_data_set_is_not_called_a_proof() -> None:
    for proof, english, german in (
        ("histology", "proven by histology", "gesichert durch Histologie"),
        ("reference label", "Label of the data set", "Angabe des Datensatzes"),
    ):
        past = (replace(gathered().past[0], proof=proof),)
        told = [report_of(replace(gathered(), past=past), language).past[0].lines[1] for language in LANGUAGES]
        assert told == [english, german]


@pytest.mark.parametrize(
    ("language", "counted", "said"),
    [
        ("en", [True], "The vote rests on film 1."),
        ("en", [True, True, True], "The vote rests on all films of the case together: 1, 2, 3."),
        (
            "en",
            [False, True, True],
            "The vote rests on film 2, 3 of the case's 3 films; the others were kept by an earlier version or for "
            "another encoder.",
        ),
        ("de", [True, True], "Die Stimmen beruhen auf allen Aufnahmen des Falls zusammen: 1, 2."),
    ],
)
def test_the_vote_says_on_which_films_it_rests(pages: Any, language: str, counted: list[bool], said: str) -> None:
    found = gathered(films=len(counted))
    films = tuple(
        one if rests else replace(one, sha256="0" * 64) for one, rests in zip(found.case.films, counted, strict=True)
    )
    report = report_of(replace(found, case=replace(found.case, films=films)), language)
    assert said in report.vote
    assert said in words_of(WRITERS["docx"](report))
    on_paper = [line for page in pages(report) for line in page]
    assert said in " ".join(on_paper)
    for number in range(1, len(counted) + 1):
        assert word(language, "film", n=number) in on_paper
        assert word(language, "film", n=number) in words_of(WRITERS["docx"](report))


def test_the_decision_stands_first(pages: Any) -> None:
    report = report_of(gathered({"decision": "Open biopsy."}), "en")
    first = pages(report)[0]
    assert first.index("Open biopsy.") < first.index(word("en", "films"))
    assert sum(page.count("Open biopsy.") for page in pages(report)) == 1
    long = report_of(gathered({"decision": "Open biopsy. " * 200}), "en")
    assert sum(page.count(word("en", "decision")) for page in pages(long)) == 2  # and whole among the notes
    assert pages(report_of(gathered({"decision": ""}), "en"))[0].count("(nothing written)") == 1


def test_the_docx_is_whole_for_a_word_processor() -> None:
    report = report_of(gathered({"decision": "Open biopsy."}), "de")
    document = docx.Document(io.BytesIO(WRITERS["docx"](report)))
    assert [each.text for each in document.paragraphs if each.style.name == "Heading 1"] == [
        report.heads[key] for key in ("films", "precedents", "vote", "notes", "card")
    ]
    assert all(document.styles[name].paragraph_format.keep_with_next for name in ("Heading 1", "Heading 2"))
    assert document.core_properties.language == "de-DE"
    decision, vote = document.tables[1], document.tables[4]
    assert "Open biopsy." in decision.cell(0, 0).text
    assert [cell.text for cell in vote.rows[1].cells][:3] == [
        getattr(report.ballots[0], key) for key in ("entity", "patients", "interval")
    ]
    said = [each.get("descr") for each in document.element.iter(qn("wp:docPr"))]
    assert len(said) == len(report.films) + len(report.past)
    assert all(KEY in text for text in said) and "18.11.2026" in said[0]
    assert all(row._tr.find(qn("w:trPr")).find(qn("w:cantSplit")) is not None
               for table in document.tables for row in table.rows)  # fmt: skip
    size = document.sections[0].page_width.mm, document.sections[0].page_height.mm
    assert size == pytest.approx((210, 297), abs=0.1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_vote_is_never_called_a_diagnosis(pages: Any, language: str) -> None:
    report = report_of(gathered(), language)
    own = {report.notice, word(language, "diagnosis")}
    for page in pages(report):
        assert not [line for line in page if re.search("diagnos", line, re.I) and line not in own]


def test_malignancy_is_not_excluded_where_that_is_due() -> None:
    def caution(**changed: Any) -> str | None:
        answer = replace(gathered().case.answer.answer, **changed)  # type: ignore[union-attr]
        held = replace(gathered().case.answer, answer=answer)  # type: ignore[type-var]
        return report_of(gathered(answer=held), "en").caution

    plain = {"unlike": False, "label": "osteochondroma"}
    malignant = replace(gathered().case.answer.answer.cases[0], malignancy="malignant")  # type: ignore[union-attr]
    assert caution(**plain) is None
    for changed in ({"unlike": True}, {"label": None, "reason": "tie"}, {"cases": (malignant,)}):
        assert caution(**plain | changed) == "Does not exclude malignancy; refer by your local pathway."


def test_a_bare_case() -> None:
    report = report_of(gathered(films=0, past=0, answer=None, decision=None), "en")
    assert (report.films, report.past, report.ballots, report.caution) == ((), (), (), None)
    assert report.vote == ("The archive was not asked.",)
    for write in WRITERS.values():
        assert write(report)


def test_what_is_not_shown_is_counted() -> None:
    report = report_of(gathered(films=6, past=9), "en")
    assert (len(report.films), len(report.past)) == (4, 4)
    assert report.films_note == "box: region compared; 2 more in the case" and report.past_note == "5 more in the case"
    gone = Past(None, KEY, None, None, None, None, None)
    assert report_of(replace(gathered(), past=(gone,)), "de").past[0].lines == (KEY, "nicht mehr im Archiv")


def test_both_languages_have_all_words_and_their_values() -> None:
    for key, (english, german) in _WORDS.items():
        assert english and german, key
        assert sorted(re.findall("{.+?}", english)) == sorted(re.findall("{.+?}", german)), key


def test_the_same_case_gives_the_same_bytes() -> None:
    report = report_of(gathered(), "en")
    for write in WRITERS.values():
        assert write(report) == write(report)


def test_labels_are_burnt_into_the_film() -> None:
    bare = labelled(replace(film(), region=(0, 0, 900, 1200)), "en")
    assert bare.size == (WIDTH, HEIGHT)
    left, right, boxed = (np.asarray(labelled(film(side), "en")) for side in ("L", "R", "L"))
    assert (left[:BAND] != right[:BAND]).any() and (left[BAND:] == right[BAND:]).all()
    assert (boxed[BAND:-BAND] != np.asarray(bare)[BAND:-BAND]).any()
    assert np.asarray(bare)[-BAND:].max() == 255
    assert isinstance(bare, Image.Image)


@pytest.mark.parametrize(("films", "past"), [(1, 1), (2, 3), (4, 5)])
def test_no_page_stays_half_empty_before_the_last(monkeypatch: pytest.MonkeyPatch, films: int, past: int) -> None:
    texts = {name: f"{name} and what the board said of it, " * 200 for name in SECTIONS}
    near = replace(
        gathered().past[0],
        outcome="no recurrence in five years, " * 30,
        done=((date(2019, 4, 3), "Resection, " * 30),) * 2,
    )
    found = replace(gathered(texts, films=films), past=(near,) * past)
    head = replace(found.case.case, title="Second opinion on a lytic lesion with a part beyond the bone " * 2)
    lowest: dict[Sheet, float] = {}
    text = Sheet.text

    def note(self: Sheet, x: float, y: float, words: str, size: float, **look: Any) -> None:
        if y < BOTTOM:
            lowest[self] = max(lowest.get(self, 0), y)
        text(self, x, y, words, size, **look)

    monkeypatch.setattr(Sheet, "text", note)
    monkeypatch.setattr("api.report.pdf.save", lambda pages, title: pages)
    pages = WRITERS["pdf"](report_of(replace(found, case=replace(found.case, case=head)), "en"))
    assert len(pages) == PAGES
    assert all(TOP + 0.75 * (BOTTOM - TOP) < lowest[page] <= BOTTOM for page in pages[:-1])  # type: ignore[index]


@given(st.text(max_size=400), st.floats(20, 400))
def test_any_text_is_wrapped_whole_property(text: str, width: float) -> None:
    lines = wrapped(text, width, 9)
    assert "".join("".join(lines).split()) == "".join(text.expandtabs(4).split())
    assert all(wide(line, 9) <= width or len(line) <= 1 for line in lines)
    assert wide(clipped(text, width, 9), 9) <= width


def test_characters_that_the_font_lacks_are_marked() -> None:
    assert printable("Größe $x^2$ 片🦴\x07") == f"Größe $x^2$ {UNKNOWN * 3}"


@settings(max_examples=6)
@given(st.lists(st.integers(0, limits.SECTION), min_size=5, max_size=5), st.sampled_from(["word ", "x", "a\n", "片 "]))
def test_any_notes_fit_three_pages_property(lengths: list[int], unit: str) -> None:
    texts = {name: (unit * length)[:length] for name, length in zip(SECTIONS, lengths, strict=True)}
    data = WRITERS["pdf"](report_of(gathered(texts, films=6, past=6), "de"))
    assert 1 <= len(re.findall(rb"/Type /Page\b", data)) <= PAGES


def test_both_formats_cut_notes_that_fill_more_than_the_pages() -> None:
    long = " ".join(f"word{n}" for n in range(2000))
    report = report_of(gathered(dict.fromkeys(SECTIONS, long)), "en")
    written = words_of(WRITERS["docx"](report))
    assert written.count(report.cut) == len(SECTIONS)
    assert "word0 word1 " in written and "word1999" not in written


def test_notes_that_fit_are_whole_in_both() -> None:
    said = "One line.\n\nAnother."
    assert [shortened(said, most, "[cut]") for most in (3, 2, 1)] == [said, "One line.\n[cut]", "[cut]"]
    report = report_of(gathered(dict.fromkeys(SECTIONS, said)), "en")
    assert lines_that_fit(report) >= 3 and report.cut not in words_of(WRITERS["docx"](report))


@pytest.mark.parametrize("text", ["$\\frac{1}{2", "<w:t>&amp;</w:t>", "]]>", "a\x0bb\ufffe", "{case}", "%PDF-1.4"])
def test_no_text_is_taken_for_markup(pages: Any, text: str) -> None:
    report = report_of(gathered({"finding": text}), "en")
    written = words_of(WRITERS["docx"](report))
    assert "".join(c for c in text if c >= " " and c != "\ufffe") in written
    assert any("caselink · page 1" in line for line in pages(report)[0])
