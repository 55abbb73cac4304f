"""Figures of an evaluation as lines for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from indexer.evaluation import entity_rows, rows
from indexer.evaluation.tables import BASELINES

SHORT = {long: name for name, long in BASELINES.items()}
"""One word for each baseline's full name, which the legend gives."""
LEGEND = "neighbours by images of this archive; " + "; ".join(f"{name}: {long}" for name, long in BASELINES.items())
CELL = 17
"""A blank and "56.7 (54.1–59.0)"."""
ENTITY, COUNT = 26, 9


def figures(found: Mapping[str, Any], group: str) -> Iterator[str]:
    """The lines of each measure of a group, then those of recall by entity. found: `Evaluation.to_dict()`."""
    header, *body = rows(found, group)
    for measure, lines in groupby(body, key=lambda line: line[0]):
        yield from _measure(measure, header[2:-1], list(lines))
        yield ""
    yield from _entities(entity_rows(found, group))


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
