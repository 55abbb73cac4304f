"""The document as PDF: films, precedents and vote on the first page, then notes, decision and model card."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from api.report.content import Figure, Note, Report
from api.report.sheet import PAGE, Sheet, clipped, save, wide, wrapped

LEFT, RIGHT = 42.0, PAGE[0] - 42.0
ACROSS = RIGHT - LEFT
TOP, BOTTOM = 74.0, PAGE[1] - 46.0
PAGES = 3
"""Most pages; notes are shortened to fit, and say so."""
GAP, LINE, HEAD = 10.0, 12.0, 20.0
INK, QUIET, LOUD, RULE, BAR, SPAN = "#14181d", "#4a545f", "#8a1c12", "#c9cfd6", "#35618e", "#9dbbd9"
RATIO = 760 / 640
"""Height of a labelled film over its width."""
FACTS = (150.0, 105.0, ACROSS - 255.0)
"""Widths of the facts under the title."""
TOGETHER, DECIDED = 8, 6
"""Lines of a note that are not parted by a page, and of the decision at the top."""
SIZE = 9.0
"""Of a note's letters, in points."""
NAMED = 2
"""Lines of each fact under a film, before what was done."""
PARAGRAPHS = 3
"""Paragraphs under a film; the outcome is the last of them."""
COLUMN = (ACROSS - 2 * GAP) / 3
LOOKS = ((COLUMN, 5), (145.0, 5), (120.0, 5), (120.0, 4), (120.0, 3), (105.0, 3))
"""Points that a film is wide at most, and lines of each paragraph under it; the first with which films and precedents
take the fewest pages: with the last they fit one, whatever was written.
"""

Texts = Mapping[Note, list[str]]
"""The sections' texts in lines."""


def as_pdf(report: Report) -> bytes:
    """One to three A4 pages."""
    texts, look = _set(report)
    flow = _flow(report, texts, _most(report, texts, look), look)
    flow.furniture()
    return save(flow.pages, f"{report.running}: {report.title}")


def lines_that_fit(report: Report) -> int:
    """How many lines a section may have so that the document keeps to its pages; at least 1."""
    return _most(report, *_set(report))


def shortened(text: str, most: int, cut: str) -> str:
    """A section's text in at most so many lines, the last of them `cut` where it had more."""
    paragraphs = [wrapped(paragraph, ACROSS, SIZE) for paragraph in text.split("\n")]
    if sum(map(len, paragraphs)) <= most:
        return text
    kept, left = [], most - 1
    for lines in paragraphs:
        if left > 0:
            kept.append(" ".join(lines[:left]))
        left -= len(lines)
    return "\n".join([*kept, cut])


def _set(report: Report) -> tuple[Texts, tuple[float, int]]:
    """The sections' texts in lines, and how the films are laid out."""
    texts = {note: _lines(note, report) for note in (*report.notes, report.decision)}
    return texts, min(LOOKS, key=lambda look: len(_films(report, texts, look).pages))


def _most(report: Report, texts: Texts, look: tuple[float, int]) -> int:
    lines = range(1, max(map(len, texts.values())) + 1)  # that a section may have
    return max(1, bisect_left(lines, True, key=lambda most: len(_flow(report, texts, most, look).pages) > PAGES))


def _films(report: Report, texts: Texts, look: tuple[float, int]) -> "_Flow":
    """What comes before the vote."""
    flow = _Flow(report, texts, look)
    flow.title()
    flow.decision()
    flow.figures("films", report.films, report.films_note)
    flow.figures("precedents", report.past, report.past_note)
    return flow


def _flow(report: Report, texts: Texts, most: int, look: tuple[float, int]) -> "_Flow":
    flow = _films(report, texts, look)
    flow.vote()
    flow.notes(most)
    flow.card()
    return flow


def _lines(note: Note, report: Report) -> list[str]:
    return wrapped(note.text or report.heads["empty"], ACROSS, SIZE)


def _caption(figure: Figure, width: float, most: int) -> list[str]:
    """What stands under a film: one line each, then what was done and how it went, in at most `most` lines each."""
    found = [part for line in figure.lines for part in _within(line, width, NAMED, bold=True)]
    *done, outcome = figure.told or ("",)
    if len(done) >= PARAGRAPHS:
        done = [*done[: PARAGRAPHS - 2], f"{done[PARAGRAPHS - 2]} (+ {len(done) - PARAGRAPHS + 1})"]
    for paragraph in [*done, outcome]:
        found += _within(paragraph, width, most) if paragraph else []
    return found


def _within(text: str, width: float, most: int, bold: bool = False) -> list[str]:
    """The text in lines, the last of `most` with an ellipsis where it goes on."""
    lines = wrapped(text, width, 7.5, bold=bold)
    if len(lines) > most:
        lines = [*lines[: most - 1], clipped(" ".join(lines[most - 1 : most + 1]), width, 7.5, bold=bold)]
    return lines


class _Flow:
    """Where the next thing comes to stand. y: points from the page's top. widest, told: see `LOOKS`."""

    def __init__(self, report: Report, texts: Texts, look: tuple[float, int]) -> None:
        self.report, self.texts = report, texts
        self.widest, self.told = look
        self.pages = [Sheet()]
        self.y = TOP

    @property
    def sheet(self) -> Sheet:
        return self.pages[-1]

    def need(self, height: float) -> None:
        """Go on to the next page where a thing would not fit."""
        if self.y + height > BOTTOM:
            self.pages.append(Sheet())
            self.y = TOP

    def head(self, key: str, note: str = "") -> None:
        self.sheet.text(LEFT, self.y + 11, self.report.heads[key], 10.5, bold=True)
        if note:
            self.sheet.text(RIGHT, self.y + 11, note, 7.5, ink=QUIET, at="right")
        self.sheet.line(LEFT, self.y + 16, RIGHT, self.y + 16, ink=RULE)
        self.y += HEAD + 4

    def title(self) -> None:
        for line in wrapped(self.report.title, ACROSS, 17, bold=True)[:3]:
            self.sheet.text(LEFT, self.y + 16, line, 17, bold=True)
            self.y += 21
        self.y += 4
        x = LEFT
        for (label, value), width in zip(self.report.facts, FACTS, strict=True):
            self.sheet.text(x, self.y + 8, label, 7.5, ink=QUIET)
            self.sheet.text(x, self.y + 20, clipped(value, width - 8, 9), 9)
            x += width
        self.y += 34

    def figures(self, key: str, figures: Sequence[Figure], note: str) -> None:
        if not figures:
            return
        column = (ACROSS - GAP * 3) / 4 if len(figures) > 3 else COLUMN
        width = min(self.widest, column)
        height = width * RATIO
        captions = [_caption(figure, column, self.told) for figure in figures]
        lines = max(map(len, captions))
        self.need(HEAD + height + lines * 10 + GAP)
        self.head(key, note)
        for n, (figure, caption) in enumerate(zip(figures, captions, strict=True)):
            x = LEFT + n * (column + GAP)
            self.sheet.picture(x, self.y, width, height, figure.picture)
            for m, line in enumerate(caption):
                self.sheet.text(x, self.y + height + 10 + 10 * m, line, 7.5, bold=m == 0)
        self.y += height + lines * 10 + GAP

    def vote(self) -> None:
        said = [line for text in self.report.vote for line in wrapped(text, ACROSS, 8)]
        table = 16 + 15 * len(self.report.ballots) if self.report.ballots else 0
        self.need(HEAD + table + len(said) * 11 + 30)
        self.head("vote")
        if self.report.ballots:
            self._ballots()
        for line in said:
            self.sheet.text(LEFT, self.y + 8, line, 8, ink=QUIET)
            self.y += 11
        if self.report.caution:
            self.y += 3
            self.sheet.box(LEFT, self.y, ACROSS, 18, fill="#fbeceb", edge=LOUD)
            self.sheet.text(LEFT + 8, self.y + 12.5, self.report.caution, 9, bold=True, ink=LOUD)
            self.y += 20
        self.y += GAP

    def _ballots(self) -> None:
        heads = self.report.heads
        columns = (LEFT, LEFT + 170, LEFT + 235, LEFT + 345, RIGHT)
        for x, key in zip(columns[:3], ("entity", "patients", "interval"), strict=True):
            self.sheet.text(x, self.y + 8, heads[key], 7.5, ink=QUIET)
        if any(ballot.calibrated for ballot in self.report.ballots):
            self.sheet.text(RIGHT, self.y + 8, heads["calibrated"], 7.5, ink=QUIET, at="right")
        self.y += 13
        for ballot in self.report.ballots:
            base, start, width = self.y + 10, columns[3], 100.0
            self.sheet.text(columns[0], base, clipped(ballot.entity, 164, 9, bold=True), 9, bold=True)
            self.sheet.text(columns[1], base, ballot.patients, 9)
            self.sheet.text(columns[2], base, ballot.interval, 9)
            self.sheet.box(start, self.y + 3, width, 8, fill="#eef1f4")
            self.sheet.box(start, self.y + 3, width * ballot.share, 8, fill=SPAN)
            middle = self.y + 7
            self.sheet.line(start + width * ballot.low, middle, start + width * ballot.high, middle, ink=BAR, width=1.4)
            for edge in (ballot.low, ballot.high):
                x = start + width * edge
                self.sheet.line(x, middle - 2.5, x, middle + 2.5, ink=BAR, width=1.2)
            self.sheet.text(columns[4], base, ballot.calibrated, 9, at="right")
            self.y += 15
        self.y += 5

    def notes(self, most: int) -> None:
        """The five sections; of each no more than `most` lines, and the last of these says that there are more."""
        sections = [*self.report.notes]
        if len(self.texts[self.report.decision]) > DECIDED:
            sections.append(self.report.decision)
        self.need(HEAD + 4 * LINE)
        self.head("notes")
        for note in sections:
            lines = self.texts[note]
            if len(self.pages) > PAGES:
                return  # too long already
            shown = lines if len(lines) <= most else [*lines[: max(1, most - 1)], self.report.cut]
            self._note(note, shown)

    def decision(self) -> None:
        """What was decided, before all else; a long text stands whole among the notes."""
        note = self.report.decision
        lines = wrapped(note.text or self.report.heads["empty"], ACROSS - 20, 9.5)
        if len(lines) > DECIDED:
            lines = [*lines[: DECIDED - 1], clipped(" ".join(lines[DECIDED - 1 : DECIDED + 1]), ACROSS - 20, 9.5)]
        height = 22 + 13 * len(lines) + 16
        self.sheet.box(LEFT, self.y, ACROSS, height, fill="#eef2f6")
        self.sheet.box(LEFT, self.y, 3, height, fill=BAR)
        self.sheet.text(LEFT + 12, self.y + 15, note.heading, 10.5, bold=True)
        self.sheet.text(RIGHT - 10, self.y + 15, note.said, 7.5, ink=QUIET, at="right")
        for n, line in enumerate(lines):
            self.sheet.text(LEFT + 12, self.y + 30 + 13 * n, line, 9.5, ink=INK if note.text else QUIET)
        self.sheet.text(LEFT + 12, self.y + height - 8, self.report.decided, 8, bold=True)
        self.y += height + GAP

    def _note(self, note: Note, lines: Sequence[str]) -> None:
        self.need(LINE * (1 + min(len(lines), TOGETHER)) + 2)
        self.sheet.text(LEFT, self.y + 9, note.heading, 9, bold=True)
        self.sheet.text(LEFT + wide(note.heading, 9, bold=True) + 8, self.y + 9, note.said, 7.5, ink=QUIET)
        self.y += LINE + 2
        for line in lines:
            self.need(LINE)
            self.sheet.text(LEFT, self.y + 9, line, 9, ink=INK if note.text else QUIET)
            self.y += LINE
        self.y += 6

    def _card_height(self) -> float:
        lines = sum(len(wrapped(value, ACROSS - 110, 8)) for _, value in self.report.card)
        return HEAD + 4 + lines * 11 + GAP

    def card(self) -> None:
        self.need(self._card_height())
        self.head("card")
        for label, value in self.report.card:
            self.sheet.text(LEFT, self.y + 8, label, 8, ink=QUIET)
            for line in wrapped(value, ACROSS - 110, 8):
                self.sheet.text(LEFT + 110, self.y + 8, line, 8)
                self.y += 11

    def furniture(self) -> None:
        """What stands on every page: the notice above, case and page below."""
        for number, sheet in enumerate(self.pages, 1):
            sheet.box(LEFT, 30, ACROSS, 24, fill="#fff4dc", edge="#8a5a00")
            size = next(size for size in (8.5, 8, 7.5, 7, 6.5, 6) if size == 6 or self._fits(size))
            sheet.text(PAGE[0] / 2, 45, self.report.notice, size, bold=True, ink="#5c3c00", at="center")
            sheet.line(LEFT, BOTTOM + 14, RIGHT, BOTTOM + 14, ink=RULE)
            sheet.text(
                LEFT, BOTTOM + 26, clipped(f"{self.report.running} · {self.report.title}", 360, 7.5), 7.5, ink=QUIET
            )
            page = self.report.heads["page"].format(page=number, pages=len(self.pages))
            sheet.text(RIGHT, BOTTOM + 26, f"caselink · {page}", 7.5, ink=QUIET, at="right")

    def _fits(self, size: float) -> bool:
        return wide(self.report.notice, size, bold=True) <= ACROSS - 12
