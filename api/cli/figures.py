"""Figures of an evaluation as lines for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from indexer.evaluation import entity_rows, rows
from indexer.evaluation.tables import BASELINES, against, long_columns
from indexer.evaluation.vote_tables import (
    confidence_rows,
    coverage_rows,
    fold_rows,
    label_rows,
    malignancy_rows,
    merged_labels,
    paired_rows,
    set_rows,
    value_rows,
)

SHORT = {long: name for name, long in BASELINES.items()}
"""One word for each baseline's full name, which the legend gives."""
LEGEND = "neighbours by images of this archive; " + "; ".join(f"{name}: {long}" for name, long in BASELINES.items())
CELL = 17
"""A blank and "56.7 (54.1–59.0)"."""
ENTITY, COUNT = 26, 9
LABEL, WIDE = 40, 18
VALUE = 14
MOST_COLUMNS = 4
"""Numbers of neighbours that fit beside each other, the largest."""


def figures(found: Mapping[str, Any], group: str) -> Iterator[str]:
    """The lines of each measure of a group, then those of recall by entity. found: `Evaluation.to_dict()`."""
    header, *body = rows(found, group)
    for measure, lines in groupby(body, key=lambda line: line[0]):
        yield from _measure(measure, header[2:-1], list(lines))
        yield ""
    yield from _entities(entity_rows(found, group))
    malignant = [[title, *cells[-MOST_COLUMNS:]] for title, *cells in malignancy_rows(found, group)]
    for table in (label_rows(found, group), malignant):
        yield from _under(table)
    yield from _block(confidence_rows(found, group), LABEL, WIDE)
    yield from _block(set_rows(found, group), LABEL, WIDE)
    if compared := paired_rows(found, group, ["1", str(found["manifest"]["vote_k"])] if "paired" in found else ()):
        yield from ("", against(found), *_compared(compared))


def closing(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines that are of no one group: columns of many values, answering the surest only, folds."""
    for column in long_columns(found):
        header, *body = value_rows(found, column)
        yield ""
        yield _values(header)
        yield from (_values(line) for line in body)
    yield from _block(coverage_rows(found)[:1] + coverage_rows(found)[1::2], VALUE, VALUE)
    yield from _block(fold_rows(found), VALUE, 15)
    if merged := merged_labels(found):
        yield from ("", merged)


def _under(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table whose labels are too long to stand before their cells: they stand above them."""
    if not table:
        return
    (title, *header), *body = table
    yield ""
    yield _line(title, header, 10, CELL)
    for label, *cells in body:
        yield f"  {label}"
        yield _line("", [cell.replace("100.0", "100") for cell in cells], 10, CELL)


def _block(table: Sequence[Sequence[str]], label: int, cell: int) -> Iterator[str]:
    if table:
        yield ""
        yield from (_line(title, cells, label, cell) for title, *cells in table)


def _values(line: Sequence[str]) -> str:
    name, films, patients, *cells = line
    return _line(name, [films, patients], 11, 6) + "".join(cell.replace("100.0", "100").rjust(19) for cell in cells)


def _compared(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Figure; then this, other, difference and what its interval says, under it."""
    for title, this, other, difference, interval in table[1:]:
        yield title
        yield f"  {this.rjust(6)} and {other.rjust(6)}, {difference.rjust(23)}, {interval}"


def _measure(measure: str, ks: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    """lines: measure, what neighbours were chosen by, a cell for each k, and the figure that holds for any k."""
    without_k = not any(cell for line in lines for cell in line[2:-1])
    yield _line(measure, ["any k"] if without_k else ks, 10, CELL)
    for _, source, *cells, whole in lines:
        shown = [whole] if without_k else [cell or whole for cell in cells]
        yield _line(f"  {SHORT.get(source, source)}", [cell.replace("100.0", "100") for cell in shown], 10, CELL)


def _entities(content: Sequence[Sequence[str]]) -> Iterator[str]:
    header, *body = content
    yield _line("recall by entity", [name.removeprefix("recall, ") for name in header[1:]], ENTITY, COUNT)
    for name, *cells in body:
        yield _line(f"  {name}", cells, ENTITY, COUNT)


def _line(label: str, cells: Sequence[str], label_width: int, cell_width: int) -> str:
    """Cells right-justified in their columns; a label that is too long takes of the first cell's blanks."""
    text = label
    for number, cell in enumerate(cells, start=1):
        text += cell.rjust(max(len(cell) + 1, label_width + number * cell_width - len(text)))
    return text
