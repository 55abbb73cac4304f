"""A reproduction as tables: for the screen, as Markdown, as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.training.recipe import Scale

NOT_RUN = "not run"


@dataclass(frozen=True)
class Table:
    """header and rows as text; a row of one cell is a heading over those that follow."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> Iterator[str]:
        """Lines of a Markdown table."""
        if self.title:
            yield from (f"### {self.title}", "")
        yield _piped(self.header)
        yield _piped(["---"] * len(self.header))
        for row in self.rows:
            cells = row if len(row) > 1 else (f"**{row[0]}**",)
            yield _piped([*cells, *[""] * (len(self.header) - len(cells))])

    def lines(self) -> Iterator[str]:
        """Lines for a terminal: columns aligned, the first to the left; words in a table of two columns too."""
        body = [row for row in (self.header, *self.rows) if len(row) > 1]
        widths = [max(len(row[column]) for row in body if column < len(row)) for column in range(len(self.header))]
        if self.title:
            yield self.title
        for row in (self.header, *self.rows):
            if len(row) == 1:
                yield from ("", row[0])
                continue
            cells = zip(row[1:], widths[1:], strict=False)
            rest = "".join(f"  {cell}" if len(self.header) == 2 else f"  {cell:>{width}}" for cell, width in cells)
            yield f"  {row[0]:<{widths[0]}}{rest}".rstrip()


@dataclass(frozen=True)
class Reproduction:
    """A paper's table, made with one's own films.

    row: r1, r2, r3 or r7. title: what it is, and the paper. tables: the first is the paper's. notes: what a reader must
    know, the start weights among it. figures: everything as plain data. pictures: file name -> PNG. why: it was not
    run; None where it was.
    """

    row: str
    title: str
    scale: Scale
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    synthetic: bool = False
    why: str | None = None

    @property
    def scales(self) -> Table:
        """Which scales stand in this run; one that was not run is never guessed from another."""
        rows = []
        for scale in Scale:
            mine = scale is self.scale
            state = NOT_RUN if not mine or self.why else "run"
            rows.append((scale.value, f"{state}: {self.why}" if mine and self.why else state))
        return Table("", ("scale", "state"), tuple(rows))

    def markdown(self) -> str:
        """The whole as Markdown."""
        parts = [f"## {self.title}", ""]
        if self.synthetic:
            parts += [f"**{SYNTHETIC}**", ""]
        for table in (*self.tables, self.scales):
            parts += [*table.markdown(), ""]
        return "\n".join([*parts, *(f"- {note}" for note in self.notes)]).rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The whole as plain data for JSON."""
        return {
            "row": self.row,
            "title": self.title,
            "scale": self.scale.value,
            "state": NOT_RUN if self.why else "run",
            "why": self.why,
            "synthetic": self.synthetic,
            "scales": {row[0]: row[1] for row in self.scales.rows},
            "notes": list(self.notes),
            "tables": [asdict(table) for table in self.tables],
            **self.figures,
        }


SYNTHETIC = "SYNTHETIC films: these figures say nothing about real ones."


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
