"""A parsed filter as a tree: what `parse_filter` gives and every engine's writer of expressions walks.

Truth is SQL's, of three values: a condition on a missing value is unknown, and only rows for which the whole is true
pass.
"""

from dataclasses import dataclass, replace
from datetime import date

Literal = str | float | int | date | bool


@dataclass(frozen=True)
class Comparison:
    """The column against a literal; sign: one of = <> < <= > >=."""

    column: str
    sign: str
    value: Literal


@dataclass(frozen=True)
class Between:
    """The column from `low` to `high`, both included; nothing where low is above high."""

    column: str
    low: Literal
    high: Literal


@dataclass(frozen=True)
class Within:
    """The column equal to one of one or more literals, or to none of them where negated."""

    column: str
    values: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True)
class Missing:
    """The column has no value, or has one where negated; never unknown."""

    column: str
    negated: bool


@dataclass(frozen=True)
class Negation:
    """True where its part is false; unknown where that is unknown."""

    part: "Condition"


@dataclass(frozen=True)
class Joint:
    """Two parts or more, of which one (`any_of`) or all must hold."""

    any_of: bool
    parts: tuple["Condition", ...]


Condition = Comparison | Between | Within | Missing | Negation | Joint


@dataclass(frozen=True)
class Sql:
    """A condition as DuckDB evaluates it.

    expression: boolean, every literal a `?`; safe to join with AND, OR, NOT as it stands. parameters: one value a `?`,
    in order. columns: those named.
    """

    expression: str
    parameters: tuple[Literal, ...]
    columns: frozenset[str]


def write_sql(condition: Condition) -> Sql:
    """The condition in SQL; nothing of the user's text reaches the expression but names of columns."""
    match condition:
        case Joint(any_of, parts):
            written = [write_sql(part) for part in parts]
            expression = (" OR " if any_of else " AND ").join(part.expression for part in written)
            parameters = tuple(value for part in written for value in part.parameters)
            return Sql(f"({expression})", parameters, frozenset().union(*(part.columns for part in written)))
        case Negation(part):
            inner = write_sql(part)
            return replace(inner, expression=f"(NOT {inner.expression})")
    quoted = '"' + condition.column.replace('"', '""') + '"'
    values: tuple[Literal, ...] = ()
    match condition:
        case Missing(_, negated):
            sql = f"({quoted} IS {'NOT ' if negated else ''}NULL)"
        case Within(_, values, negated):
            sql = f"({quoted} {'NOT IN' if negated else 'IN'} ({', '.join('?' * len(values))}))"
        case Between(_, low, high):
            sql, values = f"({quoted} BETWEEN ? AND ?)", (low, high)
        case Comparison(_, sign, value):
            sql, values = f"({quoted} {sign} ?)", (value,)
    return Sql(sql, values, frozenset({condition.column}))
