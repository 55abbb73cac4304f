"""A parsed filter as a tree: what `parse_condition` gives and every engine's writer of expressions walks.

Truth is SQL's, of three values: a condition on a missing value is unknown, and only rows for which the whole is true
pass.
"""

from dataclasses import dataclass
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


def write_sql(condition: Condition, parameters: list[object], used: set[str]) -> str:
    """The condition as a DuckDB expression in which every literal is a `?`.

    Appends the literals to `parameters`, in the order of their placeholders, and adds to `used` the columns named.
    """
    match condition:
        case Joint(any_of, parts):
            return f"({(' OR ' if any_of else ' AND ').join(write_sql(part, parameters, used) for part in parts)})"
        case Negation(part):
            return f"(NOT {write_sql(part, parameters, used)})"
    used.add(condition.column)
    quoted = '"' + condition.column.replace('"', '""') + '"'
    match condition:
        case Missing(_, negated):
            return f"({quoted} IS {'NOT ' if negated else ''}NULL)"
        case Within(_, values, negated):
            parameters.extend(values)
            return f"({quoted} {'NOT IN' if negated else 'IN'} ({', '.join('?' * len(values))}))"
        case Between(_, low, high):
            parameters.extend((low, high))
            return f"({quoted} BETWEEN ? AND ?)"
        case Comparison(_, sign, value):
            parameters.append(value)
            return f"({quoted} {sign} ?)"
