"""The same document as DOCX, for whoever must edit it: WordprocessingML in a zip, written with Python's own library."""

import zipfile
from collections.abc import Sequence
from io import BytesIO
from xml.etree import ElementTree as Xml

from api.report.content import Figure, Report

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WP = "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
PIC = "http://schemas.openxmlformats.org/drawingml/2006/picture"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml"
XML = "http://www.w3.org/XML/1998/namespace"
CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
DC = "http://purl.org/dc/elements/1.1/"
for _prefix, _uri in {"w": W, "r": R, "wp": WP, "a": A, "pic": PIC, "cp": CORE, "dc": DC}.items():
    Xml.register_namespace(_prefix, _uri)
EMU = 12_700
"""English metric units in a point."""
TWIPS = 20
"""Twentieths of a point."""
ACROSS = 511
RATIO = 760 / 640
EPOCH = (1980, 1, 1, 0, 0, 0)
LOUD, QUIET = "8A1C12", "4A545F"


def as_docx(report: Report) -> bytes:
    """The document for a word processor; the notice is its header, and so on every page."""
    body = _Body(report)
    files = {
        "[Content_Types].xml": _types(),
        "_rels/.rels": _relations({"rId1": ("officeDocument", "word/document.xml")}, core=True),
        "docProps/core.xml": _core(f"{report.running}: {report.title}"),
        "word/document.xml": _bytes(body.document()),
        "word/styles.xml": _styles(),
        "word/header1.xml": _bytes(_header(report)),
        "word/footer1.xml": _bytes(_footer(report)),
        "word/_rels/document.xml.rels": _relations(body.parts | {
            "rIdS": ("styles", "styles.xml"), "rIdH": ("header", "header1.xml"), "rIdF": ("footer", "footer1.xml"),
        }),
    }  # fmt: skip
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in (files | body.media).items():
            packed.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


class _Body:
    """The document's body as it grows. media: pictures by their names in the package; parts: their relations."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.media: dict[str, bytes] = {}
        self.parts: dict[str, tuple[str, str]] = {}

    def document(self) -> Xml.Element:
        report, heads = self.report, self.report.heads
        root = Xml.Element(_w("document"))
        self.body = Xml.SubElement(root, _w("body"))
        self.body.append(_paragraph(report.title, style="Title"))
        self.body.append(_table([[_cell(label, quiet=True) for label, _ in report.facts],
                                 [_cell(value) for _, value in report.facts]]))  # fmt: skip
        for key, figures, note in (
            ("films", report.films, report.films_note),
            ("precedents", report.past, report.past_note),
        ):
            if figures:
                self.body.append(_paragraph(heads[key], style="Heading1"))
                self.body.append(self._figures(figures))
                self.body.append(_paragraph(note, quiet=True))
        self._vote()
        self.body.append(_paragraph(heads["notes"], style="Heading1"))
        for section in report.notes:
            self.body.append(_paragraph(section.heading, style="Heading2"))
            for line in (section.text or heads["empty"]).split("\n"):
                self.body.append(_paragraph(line, quiet=not section.text))
            if section.said:
                self.body.append(_paragraph(section.said, quiet=True))
        self.body.append(_paragraph(report.decided, bold=True))
        self.body.append(_paragraph(heads["card"], style="Heading1"))
        self.body.append(_table([[_cell(label, quiet=True), _cell(value)] for label, value in report.card], first=110))
        self.body.append(_page_setup())
        return root

    def _vote(self) -> None:
        report, heads = self.report, self.report.heads
        self.body.append(_paragraph(heads["vote"], style="Heading1"))
        if report.ballots:
            rows = [[_cell(heads[key], quiet=True) for key in ("entity", "patients", "interval", "calibrated")]]
            rows += [
                [_cell(one.entity, bold=True), _cell(one.patients), _cell(one.interval), _cell(one.calibrated)]
                for one in report.ballots
            ]
            self.body.append(_table(rows))
        for line in report.vote:
            self.body.append(_paragraph(line, quiet=True))
        if report.caution:
            self.body.append(_paragraph(report.caution, bold=True, ink=LOUD))

    def _figures(self, figures: Sequence[Figure]) -> Xml.Element:
        width = min(150.0, ACROSS / max(4 if len(figures) > 3 else 3, len(figures)) - 8)
        pictures = [[self._picture(figure, width)] for figure in figures]
        lines = [[_paragraph(line, bold=n == 0) for n, line in enumerate(figure.lines)] or [_paragraph("")]
                 for figure in figures]  # fmt: skip
        return _table([pictures, lines])

    def _picture(self, figure: Figure, width: float) -> Xml.Element:
        number = len(self.media) + 1
        data = BytesIO()
        figure.picture.save(data, "PNG")
        self.media[f"word/media/film{number}.png"] = data.getvalue()
        self.parts[f"rId{number}"] = ("image", f"media/film{number}.png")
        paragraph = Xml.Element(_w("p"))
        run = Xml.SubElement(paragraph, _w("r"))
        drawing = Xml.SubElement(run, _w("drawing"))
        said = " · ".join(figure.lines) or self.report.heads["films"]
        drawing.append(_inline(number, round(width * EMU), round(width * RATIO * EMU), said))
        return paragraph


def _w(name: str) -> str:
    return f"{{{W}}}{name}"


def _r(name: str) -> str:
    return f"{{{R}}}{name}"


def _wp(name: str) -> str:
    return f"{{{WP}}}{name}"


def _a(name: str) -> str:
    return f"{{{A}}}{name}"


def _pic(name: str) -> str:
    return f"{{{PIC}}}{name}"


def _inline(number: int, width: int, height: int, said: str) -> Xml.Element:
    """The picture of relation `rId<number>` in its line, width and height in EMU, with words for who cannot see it."""
    size = {"cx": str(width), "cy": str(height)}
    name = {"id": str(number), "name": f"film {number}"}
    inline = Xml.Element(_wp("inline"), {"distT": "0", "distB": "0", "distL": "0", "distR": "0"})
    Xml.SubElement(inline, _wp("extent"), size)
    Xml.SubElement(inline, _wp("docPr"), {**name, "descr": _plain(said)})
    graphic = Xml.SubElement(inline, _a("graphic"))
    picture = Xml.SubElement(Xml.SubElement(graphic, _a("graphicData"), {"uri": PIC}), _pic("pic"))
    facts = Xml.SubElement(picture, _pic("nvPicPr"))
    Xml.SubElement(facts, _pic("cNvPr"), name)
    Xml.SubElement(facts, _pic("cNvPicPr"))
    fill = Xml.SubElement(picture, _pic("blipFill"))
    Xml.SubElement(fill, _a("blip"), {_r("embed"): f"rId{number}"})
    Xml.SubElement(Xml.SubElement(fill, _a("stretch")), _a("fillRect"))
    shape = Xml.SubElement(picture, _pic("spPr"))
    frame = Xml.SubElement(shape, _a("xfrm"))
    Xml.SubElement(frame, _a("off"), {"x": "0", "y": "0"})
    Xml.SubElement(frame, _a("ext"), size)
    form = Xml.SubElement(shape, _a("prstGeom"), {"prst": "rect"})
    Xml.SubElement(form, _a("avLst"))
    return inline


def _paragraph(
    text: str,
    *,
    style: str | None = None,
    bold: bool = False,
    quiet: bool = False,
    ink: str | None = None,
    at: str = "",
) -> Xml.Element:
    found = Xml.Element(_w("p"))
    facts = Xml.SubElement(found, _w("pPr"))
    if style:
        _set(facts, "pStyle", style)
    if at:
        _set(facts, "jc", at)
    run = Xml.SubElement(found, _w("r"))
    look = Xml.SubElement(run, _w("rPr"))
    if bold:
        Xml.SubElement(look, _w("b"))
    if ink or quiet:
        _set(look, "color", ink or QUIET)
    if quiet:
        _set(look, "sz", "16")
    words = Xml.SubElement(run, _w("t"), {f"{{{XML}}}space": "preserve"})
    words.text = _plain(text)
    return found


def _plain(text: str) -> str:
    """The text without what XML cannot hold."""
    return "".join(c for c in text if c == "\t" or (c >= " " and c not in "\ufffe\uffff"))


def _cell(text: str, *, bold: bool = False, quiet: bool = False) -> list[Xml.Element]:
    return [_paragraph(text, bold=bold, quiet=quiet)]


def _table(rows: Sequence[Sequence[Sequence[Xml.Element]]], first: int | None = None) -> Xml.Element:
    """Rows of cells of paragraphs. first: points of the first column, None = columns of one width."""
    columns = len(rows[0])
    rest = (ACROSS - (first or 0)) // max(1, columns - (first is not None))
    widths = [rest] * columns if first is None else [first, *[rest] * (columns - 1)]
    table = Xml.Element(_w("tbl"))
    facts = Xml.SubElement(table, _w("tblPr"))
    Xml.SubElement(facts, _w("tblW"), {_w("w"): str(ACROSS * TWIPS), _w("type"): "dxa"})
    Xml.SubElement(facts, _w("tblLayout"), {_w("type"): "fixed"})
    grid = Xml.SubElement(table, _w("tblGrid"))
    for width in widths:
        Xml.SubElement(grid, _w("gridCol"), {_w("w"): str(width * TWIPS)})
    for row in rows:
        line = Xml.SubElement(table, _w("tr"))
        keep = Xml.SubElement(line, _w("trPr"))
        Xml.SubElement(keep, _w("cantSplit"))
        for width, cell in zip(widths, row, strict=True):
            place = Xml.SubElement(line, _w("tc"))
            look = Xml.SubElement(place, _w("tcPr"))
            Xml.SubElement(look, _w("tcW"), {_w("w"): str(width * TWIPS), _w("type"): "dxa"})
            place.extend(cell)
    return table


def _header(report: Report) -> Xml.Element:
    root = Xml.Element(_w("hdr"))
    root.append(_paragraph(report.notice, bold=True, ink="5C3C00", at="center"))
    return root


def _footer(report: Report) -> Xml.Element:
    root = Xml.Element(_w("ftr"))
    line = _paragraph(f"{report.running} · {report.title} · caselink · ", quiet=True)
    for code in ("PAGE", " / ", "NUMPAGES"):
        if code == " / ":
            words = Xml.SubElement(Xml.SubElement(line, _w("r")), _w("t"), {f"{{{XML}}}space": "preserve"})
        else:
            field = Xml.SubElement(line, _w("fldSimple"), {_w("instr"): code})
            words, code = Xml.SubElement(Xml.SubElement(field, _w("r")), _w("t")), "1"
        words.text = code
    root.append(line)
    return root


def _page_setup() -> Xml.Element:
    setup = Xml.Element(_w("sectPr"))
    for kind, relation in (("header", "rIdH"), ("footer", "rIdF")):
        Xml.SubElement(setup, _w(f"{kind}Reference"), {_w("type"): "default", _r("id"): relation})
    Xml.SubElement(setup, _w("pgSz"), {_w("w"): "11906", _w("h"): "16838"})
    edges = {
        "top": "1300",
        "bottom": "1000",
        "left": "840",
        "right": "840",
        "header": "560",
        "footer": "500",
        "gutter": "0",
    }
    Xml.SubElement(setup, _w("pgMar"), {_w(name): value for name, value in edges.items()})
    return setup


def _styles() -> bytes:
    root = Xml.Element(_w("styles"))
    for name, size, before in (("Normal", 18, 0), ("Title", 34, 0), ("Heading1", 22, 200), ("Heading2", 18, 120)):
        kind = {_w("type"): "paragraph", _w("styleId"): name}
        if name == "Normal":
            kind[_w("default")] = "1"
        style = Xml.SubElement(root, _w("style"), kind)
        _set(style, "name", {"Heading1": "heading 1", "Heading2": "heading 2"}.get(name, name))
        if name != "Normal":
            _set(style, "basedOn", "Normal")
        facts = Xml.SubElement(style, _w("pPr"))
        if name.startswith("Heading"):
            Xml.SubElement(facts, _w("keepNext"))
        Xml.SubElement(facts, _w("spacing"), {_w("before"): str(before), _w("after"): "40"})
        look = Xml.SubElement(style, _w("rPr"))
        Xml.SubElement(look, _w("rFonts"), {_w("ascii"): "Arial", _w("hAnsi"): "Arial", _w("cs"): "Arial"})
        if name != "Normal":
            Xml.SubElement(look, _w("b"))
        _set(look, "sz", str(size))
    return _bytes(root)


def _set(parent: Xml.Element, name: str, value: str) -> None:
    Xml.SubElement(parent, _w(name), {_w("val"): value})


def _types() -> bytes:
    root = Xml.Element("Types", {"xmlns": f"{PACKAGE}/content-types"})
    for end, kind in (("rels", "application/vnd.openxmlformats-package.relationships+xml"), ("png", "image/png")):
        Xml.SubElement(root, "Default", {"Extension": end, "ContentType": kind})
    Xml.SubElement(root, "Default", {"Extension": "xml", "ContentType": "application/xml"})
    parts = {"document": "document.main", "styles": "styles", "header1": "header", "footer1": "footer"}
    for part, kind in parts.items():
        Xml.SubElement(root, "Override", {"PartName": f"/word/{part}.xml", "ContentType": f"{MAIN}.{kind}+xml"})
    kind = "application/vnd.openxmlformats-package.core-properties+xml"
    Xml.SubElement(root, "Override", {"PartName": "/docProps/core.xml", "ContentType": kind})
    return _bytes(root)


def _relations(parts: dict[str, tuple[str, str]], *, core: bool = False) -> bytes:
    root = Xml.Element("Relationships", {"xmlns": f"{PACKAGE}/relationships"})
    for name, (kind, target) in parts.items():
        Xml.SubElement(root, "Relationship", {"Id": name, "Type": f"{R}/{kind}", "Target": target})
    if core:
        kind = f"{PACKAGE}/relationships/metadata/core-properties"
        Xml.SubElement(root, "Relationship", {"Id": "rIdC", "Type": kind, "Target": "docProps/core.xml"})
    return _bytes(root)


def _core(title: str) -> bytes:
    root = Xml.Element(f"{{{CORE}}}coreProperties")
    Xml.SubElement(root, f"{{{DC}}}title").text = _plain(title)
    Xml.SubElement(root, f"{{{DC}}}creator").text = "caselink"
    return _bytes(root)


def _bytes(root: Xml.Element) -> bytes:
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True))
