"""The same document as DOCX, for whoever must edit it."""

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from io import BytesIO
from textwrap import shorten
from typing import Any

import docx
from docx.enum.table import WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from api.report.content import Figure, Note, Report
from api.report.pdf import lines_that_fit, shortened

PAGE_MM = (210, 297)
EDGE, ACROSS = Pt(42), Pt(511)
WIDEST = Pt(150)
FONT = "Arial"
INK, QUIET, LOUD, NOTICE = (RGBColor.from_string(ink) for ink in ("14181D", "4A545F", "8A1C12", "5C3C00"))
AMBER, PALE, RULE = "FFF4DC", "EEF2F6", "C9CFD6"
LABEL = Pt(110)
INSET = Pt(8)
ROOMY = 0.8
"""Lines of cut notes over those of the PDF: word processors need more room, each another."""
LONGEST = 80
"""Characters of a case's title in the foot."""
LOCALES = {"en": "en-GB", "de": "de-DE"}
EPOCH = (1980, 1, 1, 0, 0, 0)
Part = Any
"""A paragraph, run, cell or style of python-docx, which has no types of its own."""


def as_docx(report: Report) -> bytes:
    """The document for a word processor; the notice is its header, and so on every page."""
    report = _fitting(report)
    document = docx.Document()
    _set_up(document, report)
    document.add_paragraph(_plain(report.title), "Title")
    _table(document, [[label for label, _ in report.facts], [value for _, value in report.facts]], quiet_rows=1)
    _decision(document, report)
    for key, figures, note in (
        ("films", report.films, report.films_note),
        ("precedents", report.past, report.past_note),
    ):
        if figures:
            document.add_heading(_plain(report.heads[key]), 1)
            _figures(document, figures, report.heads[key])
            if note:
                _say(document, note, quiet=True)
    _vote(document, report)
    document.add_heading(_plain(report.heads["notes"]), 1)
    for section in report.notes:
        _note(document, section, report.heads["empty"])
    document.add_heading(_plain(report.heads["card"]), 1)
    _card(document, report)
    return _same_bytes(document)


def _fitting(report: Report) -> Report:
    """With its notes as short as those of the PDF, where these are cut to fit its pages."""
    most = lines_that_fit(report)
    notes = (*report.notes, report.decision)
    if all(shortened(note.text, most, report.cut) == note.text for note in notes):
        return report
    most = max(1, int(ROOMY * most))
    cut = [replace(note, text=shortened(note.text, most, report.cut)) for note in notes]
    return replace(report, notes=tuple(cut[:-1]), decision=cut[-1])


def _set_up(document: Part, report: Report) -> None:
    """Page, styles, the notice above and the page's number below."""
    section = document.sections[0]
    section.page_width, section.page_height = (Mm(side) for side in PAGE_MM)
    section.left_margin = section.right_margin = EDGE
    section.top_margin, section.bottom_margin = Pt(64), Pt(54)
    section.header_distance, section.footer_distance = Pt(28), Pt(26)
    for name, size, before in (("Normal", 9, 0), ("Title", 17, 0), ("Heading 1", 11, 12), ("Heading 2", 9, 6)):
        _style(document.styles[name], size, before, LOCALES[report.language])
    document.styles["Heading 1"].paragraph_format.space_after = Pt(4)
    facts = document.core_properties
    facts.title, facts.author, facts.comments = _plain(f"{report.running}: {report.title}"), "caselink", ""
    facts.language = LOCALES[report.language]
    notice = section.header.paragraphs[0]
    notice.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _run(notice, report.notice, 7.5, ink=NOTICE, bold=True)
    _shade(notice._p.get_or_add_pPr(), AMBER)
    foot = section.footer.paragraphs[0]
    foot.style = document.styles["Normal"]  # the style for feet has tabs of its own
    foot.paragraph_format.tab_stops.add_tab_stop(ACROSS, WD_TAB_ALIGNMENT.RIGHT)
    _run(foot, f"{shorten(f'{report.running} · {report.title}', LONGEST, placeholder='…')}\t", 7.5, ink=QUIET)
    start, between, end = report.heads["page"].replace("{page}", "\0").replace("{pages}", "\0").split("\0")
    _run(foot, f"caselink · {start}", 7.5, ink=QUIET)
    _field(foot, "PAGE")
    _run(foot, between, 7.5, ink=QUIET)
    _field(foot, "NUMPAGES")
    _run(foot, end, 7.5, ink=QUIET)


def _style(style: Part, size: float, before: float, locale: str) -> None:
    style.font.name, style.font.size, style.font.color.rgb = FONT, Pt(size), INK
    style.font.bold, style.font.italic = style.name != "Normal", False
    form = style.paragraph_format
    form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(2), 1.0
    form.keep_with_next = style.name != "Normal"
    look = style.element.get_or_add_rPr()
    fonts = look.get_or_add_rFonts()
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)  # a theme's font would win over the name
    for old in style.element.findall(f".//{qn('w:pBdr')}"):
        old.getparent().remove(old)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), locale)
    for old in look.findall(qn("w:lang")):
        look.remove(old)
    look.append(language)


def _decision(document: Part, report: Report) -> None:
    """What was decided, before all else, on a ground of its own."""
    note = report.decision
    cell = _grid(document, 1, [ACROSS]).cell(0, 0)
    _shade(cell._tc.get_or_add_tcPr(), PALE)
    head = cell.paragraphs[0]
    head.paragraph_format.space_before = Pt(4)
    head.paragraph_format.keep_with_next = True
    _run(head, note.heading, 10.5, bold=True)
    if note.said:
        _run(head, f"   {note.said}", 7.5, ink=QUIET)
    for line in (note.text or report.heads["empty"]).split("\n"):
        _run(cell.add_paragraph(), line, 9.5, ink=INK if note.text else QUIET)
    last = cell.add_paragraph()
    last.paragraph_format.space_after = Pt(4)
    _run(last, report.decided, 8, bold=True)
    for paragraph in cell.paragraphs:
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = INSET


def _figures(document: Part, figures: Sequence[Figure], said: str) -> None:
    """The films in a row, and under each what is known; a row is not parted by a page."""
    columns = max(4 if len(figures) > 3 else 3, len(figures))
    width = min(WIDEST, ACROSS // columns - Pt(8))
    told = any(figure.lines or figure.told for figure in figures)
    table = _grid(document, 1 + told, [ACROSS // columns] * columns)
    for figure, picture, words in zip(figures, table.rows[0].cells, table.rows[-1].cells, strict=False):
        place = picture.paragraphs[0]
        place.paragraph_format.keep_with_next = told
        data = BytesIO()
        figure.picture.save(data, "PNG")
        drawn = place.add_run().add_picture(data, width=width)
        drawn._inline.docPr.set(
            "descr", _plain(": ".join([said, " · ".join(part for part in (figure.alt, *figure.lines) if part)]))
        )
        for side in "TBLR":
            drawn._inline.set(f"dist{side}", "0")  # else word processors differ in what they leave free
        lines = [(line, n == 0) for n, line in enumerate(figure.lines)] + [(line, False) for line in figure.told]
        for n, (line, bold) in enumerate(lines):
            paragraph = words.paragraphs[0] if n == 0 else words.add_paragraph()
            paragraph.paragraph_format.right_indent = INSET
            _run(paragraph, line, 8, bold=bold)


def _vote(document: Part, report: Report) -> None:
    document.add_heading(_plain(report.heads["vote"]), 1)
    if report.ballots:
        keys = ["entity", "patients", "interval"]
        if any(one.calibrated for one in report.ballots):
            keys.append("calibrated")
        rows = [[report.heads[key] for key in keys]]
        rows += [[getattr(one, key) for key in keys] for one in report.ballots]
        _table(document, rows, quiet_rows=1, bold_first=True, ruled=True)
    for line in report.vote:
        _say(document, line, quiet=True).keep_with_next = report.caution is not None
    if report.caution:
        _say(document, report.caution, ink=LOUD, bold=True)


def _note(document: Part, note: Note, empty: str) -> None:
    head = document.add_heading(_plain(note.heading), 2)
    if note.said:
        _run(head, f"   {note.said}", 7.5, ink=QUIET, bold=False)
    for line in (note.text or empty).split("\n"):
        _say(document, line, quiet=not note.text)


def _card(document: Part, report: Report) -> None:
    table = _grid(document, len(report.card), [LABEL, ACROSS - LABEL])
    for row, (label, value) in zip(table.rows, report.card, strict=True):
        _run(row.cells[0].paragraphs[0], label, 8, ink=QUIET)
        _run(row.cells[1].paragraphs[0], value, 8)
        if row is not table.rows[-1]:
            row.cells[0].paragraphs[0].paragraph_format.keep_with_next = True


def _table(
    document: Part, rows: Sequence[Sequence[str]], quiet_rows: int = 0, bold_first: bool = False, ruled: bool = False
) -> None:
    """Rows of words. quiet_rows: of headings. ruled: a thin line under each row, and what follows stays with them."""
    columns = len(rows[0])
    table = _grid(document, len(rows), [ACROSS // columns] * columns)
    for number, (row, words) in enumerate(zip(table.rows, rows, strict=True)):
        quiet = number < quiet_rows
        for place, (cell, text) in enumerate(zip(row.cells, words, strict=True)):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.keep_with_next = ruled or number < len(rows) - 1
            bold = bold_first and place == 0 and not quiet
            _run(paragraph, text, 7.5 if quiet else 9, ink=QUIET if quiet else INK, bold=bold)
            if ruled:
                _underline(cell)
            if number == len(rows) - 1:
                paragraph.paragraph_format.space_after = Pt(6)


def _grid(document: Part, rows: int, widths: Sequence[int]) -> Part:
    """A table of fixed columns whose rows are not parted by a page."""
    table = document.add_table(rows, len(widths))
    table.autofit, table.alignment = False, WD_TABLE_ALIGNMENT.LEFT
    margins = OxmlElement("w:tblCellMar")  # none, so that what stands in a table begins where other lines begin
    for side in ("left", "right"):
        _put(margins, f"w:{side}", {"w": "0", "type": "dxa"})
    table._tbl.tblPr.append(margins)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    for row in table.rows:
        row.height_rule = WD_ROW_HEIGHT_RULE.AUTO
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = width
    return table


def _say(document: Part, text: str, *, quiet: bool = False, ink: RGBColor = INK, bold: bool = False) -> Part:
    """A paragraph of its own; gives its format."""
    paragraph = document.add_paragraph()
    _run(paragraph, text, 8 if quiet else 9, ink=QUIET if quiet else ink, bold=bold)
    return paragraph.paragraph_format


def _run(paragraph: Part, text: str, size: float, *, ink: RGBColor = INK, bold: bool = False) -> None:
    run = paragraph.add_run(_plain(text))
    run.font.size, run.font.color.rgb, run.font.bold = Pt(size), ink, bold


def _plain(text: str) -> str:
    """The text without what XML cannot hold."""
    return "".join(c for c in text if c == "\t" or (c >= " " and c not in "\ufffe\uffff"))


def _field(paragraph: Part, code: str) -> None:
    """A number that the word processor fills in: PAGE or NUMPAGES."""
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), code)
    run = paragraph.add_run("1")
    run.font.size, run.font.color.rgb = Pt(7.5), QUIET
    field.append(run._r)
    paragraph._p.append(field)


def _shade(facts: Part, fill: str) -> None:
    """A ground of colour. facts: properties of a paragraph or a cell."""
    _put(facts, "w:shd", {"val": "clear", "color": "auto", "fill": fill})


def _underline(cell: Part) -> None:
    edges = OxmlElement("w:tcBorders")
    _put(edges, "w:bottom", {"val": "single", "sz": "4", "space": "0", "color": RULE})
    cell._tc.get_or_add_tcPr().append(edges)


def _put(parent: Part, name: str, values: dict[str, str]) -> None:
    element = OxmlElement(name)
    for key, value in values.items():
        element.set(qn(f"w:{key}"), value)
    parent.append(element)


def _same_bytes(document: Part) -> bytes:
    """The document packed without the time, so that the same case gives the same bytes."""
    packed, target = BytesIO(), BytesIO()
    document.save(packed)
    with zipfile.ZipFile(packed) as read, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written:
        for name in _sorted(read.namelist()):
            written.writestr(zipfile.ZipInfo(name, EPOCH), read.read(name), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _sorted(names: Iterable[str]) -> list[str]:
    """The list of contents first, as readers expect it."""
    return sorted(names, key=lambda name: (name != "[Content_Types].xml", name))
