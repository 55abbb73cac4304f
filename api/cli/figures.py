"""Figures of an evaluation as tables for a terminal of 80 columns."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from rich.table import Table

from indexer.evaluation import entity_rows, rows
from indexer.evaluation.tables import BASELINES

SHORT = {long: name for name, long in BASELINES.items()}
"""One word for each baseline's full name, which the legend gives."""
CELL = 16
"""Width of "56.7 (54.1–59.0)"."""
LEGEND = "neighbours by images of this archive; " + "; ".join(f"{name}: {long}" for name, long in BASELINES.items())


def figures(found: Mapping[str, Any], group: str) -> Iterator[Table]:
    """A table for each measure of a group, then recall by entity. found: `Evaluation.to_dict()`."""
    header, *body = rows(found, group)
    for measure, lines in groupby(body, key=lambda line: line[0]):
        yield _measure(measure, header[2:-1], [(SHORT.get(line[1], line[1]), line[2:-1], line[-1]) for line in lines])
    yield _entities(entity_rows(found, group))


def _measure(measure: str, ks: list[str], lines: list[tuple[str, list[str], str]]) -> Table:
    """lines: what neighbours were chosen by, the cells of each k, and the figure that holds for any k."""
    without_k = not any(any(cells) for _, cells, _ in lines)
    table = _table(measure)
    for name in ["any k"] if without_k else ks:
        table.add_column(name, justify="right", no_wrap=True, min_width=CELL)
    for source, cells, whole in lines:
        shown = [whole] if without_k else [cell or whole for cell in cells]
        table.add_row(f"  {source}", *(cell.replace(".0", "") if cell.startswith("100.0") else cell for cell in shown))
    return table


def _entities(content: list[list[str]]) -> Table:
    header, *body = content
    table = _table("recall by entity")
    for name in header[1:]:
        table.add_column(name.removeprefix("recall, "), justify="right", no_wrap=True)
    for name, *cells in body:
        table.add_row(f"  {name}", *cells)
    return table


def _table(title: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(title, justify="left", min_width=10, max_width=34)
    return table
