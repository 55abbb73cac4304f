"""Filters as Milvus expressions: which scalar columns lie beside the vectors, and how conditions on them are written.

Milvus versions differ in what a comparison, `not in` and `not` make of a missing value: 3.2 of Milvus Lite lets it pass
`not in`, which SQL does not. So no `not` is written: negation is pushed down to the columns, and every comparison says
that there is a value. What passes is then the same whatever a version thinks of missing values.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, TypeAlias

import pyarrow as pa

from engine.errors import QueryError
from indexer.conditions import Between, Comparison, Condition, Joint, Literal, Missing, Negation, Within
from indexer.filters import ColumnType, parse_filter

SCALARS: dict[str, ColumnType] = {
    "age": ColumnType.number,
    "sex": ColumnType.text,
    "site": ColumnType.text,
    "entity": ColumnType.text,
    "centre": ColumnType.text,
    "view": ColumnType.text,
    "malignancy": ColumnType.text,
    "taken": ColumnType.date,
    "patient": ColumnType.text,
}
"""What may lie beside a vector, by the catalogue's names; a day is held as int64 days since 1970-01-01."""
LONGEST_BYTES = 1024
"""A text column's values, in UTF-8."""
EPOCH = date(1970, 1, 1)
Columns: TypeAlias = pa.Table | Mapping[str, Sequence[object]]

_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_SIGNS = {"=": "==", "<>": "!="}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def milvus_expression(text: str) -> str:
    """The Milvus expression true for the rows that pass the filter `text` over `SCALARS`.

    Raises:
        FilterError: as `parse_filter`.
    """
    return written(parse_filter(text, SCALARS), True)


def written(condition: Condition, wanted: bool) -> str:
    """The expression true where the condition is true (`wanted`) or false (not wanted), and never where unknown."""
    match condition:
        case Negation(part):
            return written(part, not wanted)
        case Joint(any_of, parts):
            return f"({(' or ' if any_of is wanted else ' and ').join(written(part, wanted) for part in parts)})"
        case Missing(column, negated):
            return f"({column} is {'not ' if negated is wanted else ''}null)"
        case Within(column, values, negated):
            word = "not in" if negated is wanted else "in"
            return _known(column, f"{column} {word} [{', '.join(map(_literal, values))}]")
        case Between(column, low, high) if wanted:
            return _known(column, f"{column} >= {_literal(low)} and {column} <= {_literal(high)}")
        case Between(column, low, high):
            return _known(column, f"({column} < {_literal(low)} or {column} > {_literal(high)})")
        case Comparison(column, sign, value):
            chosen = sign if wanted else _OPPOSITE[sign]
            return _known(column, f"{column} {_SIGNS.get(chosen, chosen)} {_literal(value)}")


def _known(column: str, rest: str) -> str:
    return f"({column} is not null and {rest})"


def _literal(value: Literal) -> str:
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(character, character) for character in value) + '"'
    return str(value.toordinal() - EPOCH.toordinal()) if isinstance(value, date) else repr(value)


def scalar_rows(columns: Columns | None, n: int) -> list[dict[str, object]]:
    """n rows of what is known, by name, without what is missing; columns: n values each, None = no columns.

    Ages are numbers, days `datetime.date` or whole days since 1970-01-01, all else text; None = missing.

    Raises:
        QueryError: an unknown column, another number of rows, or a value that its column does not hold.
    """
    given: dict[str, Sequence[Any]] = columns.to_pydict() if isinstance(columns, pa.Table) else dict(columns or {})
    for name, values in given.items():
        if name not in SCALARS:
            raise QueryError(f"column {name!r} cannot lie beside vectors; leave it out, {', '.join(SCALARS)} can")
        if len(values) != n:
            raise QueryError(f"column {name!r} has {len(values)} values for {n} vectors; give one each, None = missing")
    rows: list[dict[str, object]] = [{} for _ in range(n)]
    for name, values in given.items():
        for row, value in zip(rows, values, strict=True):
            if value is not None:
                row[name] = _held(name, value)
    return rows


def _held(name: str, value: Any) -> object:
    kind = SCALARS[name]
    if kind is ColumnType.text and isinstance(value, str):
        if len(value.encode()) <= LONGEST_BYTES:
            return value
        raise QueryError(f"a text of {len(value.encode())} bytes in {name!r} is over {LONGEST_BYTES}; shorten it")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is ColumnType.number and number and math.isfinite(value):
        return float(value)
    if kind is ColumnType.date and isinstance(value, date):
        return value.toordinal() - EPOCH.toordinal()
    if kind is ColumnType.date and type(value) is int:
        return value
    raise QueryError(f"{value!r:.40} does not fit column {name!r} ({kind}); give None where there is no value")
