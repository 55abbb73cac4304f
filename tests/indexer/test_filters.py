"""The filter language, run through DuckDB, against a plain three-valued oracle."""

import contextlib
import operator
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.catalogue import FILTER_COLUMNS
from indexer.conditions import Sql, write_sql
from indexer.filters import DEEPEST, LONGEST, MOST_LITERALS, ColumnType, FilterError, parse_filter

COLUMNS = {
    "age": ColumnType.number,
    "centre": ColumnType.text,
    "Film": ColumnType.integer,
    "taken": ColumnType.date,
    "masked": ColumnType.boolean,
    "island": ColumnType.text,
}
Row = dict[str, object]
Truth = bool | None

# Small pools, so that random literals meet random rows; the odd ones are what quoting and binding could break.
POOLS: dict[str, list[object]] = {
    "age": [-1.5, 0.0, 5.0, 12.0, 12.5, 20.0, 1e300],
    "centre": [
        "",
        "a",
        "B",
        "it's",
        "''",
        "?",
        "x; drop table films --",
        '"age"',
        "Ä",
        "骨",
        "\n",
        "null",
        "\U0001f9b4",
    ],
    "Film": [-(2**63), -1, 0, 1, 2, 7, 2**53 + 1, 2**63 - 1],
    "taken": [date(1, 1, 1), date(2019, 12, 31), date(2020, 2, 29), date(2020, 3, 1), date(9999, 12, 31)],
    "masked": [True, False],
    "island": ["tibia", "Tibia", "fibula"],
}


# --- the oracle: a tree, its text, its truth on a row -------------------------------------------------------------


@dataclass(frozen=True)
class Compare:
    column: str
    sign: str
    value: object


@dataclass(frozen=True)
class Between:
    column: str
    low: object
    high: object


@dataclass(frozen=True)
class Within:
    column: str
    values: tuple[object, ...]
    negated: bool


@dataclass(frozen=True)
class Missing:
    column: str
    negated: bool


@dataclass(frozen=True)
class Not:
    part: "Node"


@dataclass(frozen=True)
class Joint:
    word: str
    parts: tuple["Node", ...]


Node = Compare | Between | Within | Missing | Not | Joint
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def invert(truth: Truth) -> Truth:
    return None if truth is None else not truth


def every(truths: list[Truth]) -> Truth:
    if False in truths:
        return False
    return None if None in truths else True


def some(truths: list[Truth]) -> Truth:
    return invert(every([invert(truth) for truth in truths]))


def compared(left: object, sign: str, right: object) -> Truth:
    return None if left is None else bool(SIGNS[sign](left, right))


def oracle(node: Node, row: Row) -> Truth:
    """SQL's three-valued truth of `node` on `row`, None for unknown."""
    match node:
        case Compare(column, sign, value):
            return compared(row[column], sign, value)
        case Between(column, low, high):
            return every([compared(row[column], ">=", low), compared(row[column], "<=", high)])
        case Within(column, values, negated):
            found = some([compared(row[column], "=", value) for value in values])
            return invert(found) if negated else found
        case Missing(column, negated):
            return (row[column] is None) is not negated
        case Not(part):
            return invert(oracle(part, row))
        case Joint(word, parts):
            return (every if word == "and" else some)([oracle(part, row) for part in parts])


def literal(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "'" + value.replace("'", "''") + "'"
        case date():
            return f"'{value.isoformat()}'"
        case _:
            return repr(value)


# How tightly each kind binds; a looser part inside a tighter whole needs parentheses.
STRENGTH = {"or": 0, "and": 1, "not": 2}


def strength(node: Node) -> int:
    match node:
        case Joint(word, _):
            return STRENGTH[word]
        case Not():
            return STRENGTH["not"]
        case _:
            return 3


def written(node: Node, rng: random.Random, outer: int = 0) -> str:
    """The node as filter text with the fewest parentheses SQL's precedence allows, now and then one pair more."""

    def said(word: str) -> str:
        return "".join(rng.choice((c.lower(), c.upper())) for c in word)

    def body() -> str:
        match node:
            case Compare(column, sign, value):
                gap = rng.choice(("", " ", "\n\t"))
                return f"{said(column)}{gap}{sign}{gap}{literal(value)}"
            case Between(column, low, high):
                return f"{said(column)} {said('between')} {literal(low)} {said('and')} {literal(high)}"
            case Within(column, values, negated):
                word = said("not in" if negated else "in")
                return f"{said(column)} {word} ({rng.choice((',', ' , ')).join(map(literal, values))})"
            case Missing(column, negated):
                return f"{said(column)} {said('is not null' if negated else 'is null')}"
            case Not(part):
                return f"{said('not')} {written(part, rng, STRENGTH['not'])}"
            case Joint(word, parts):
                # A part of the same word would be flattened, which changes no truth.
                return f" {said(word)} ".join(written(part, rng, STRENGTH[word]) for part in parts)

    return f"({body()})" if strength(node) < outer or rng.random() < 0.1 else body()


def leaves() -> st.SearchStrategy[Node]:
    def of(column: str) -> st.SearchStrategy[Node]:
        value = st.sampled_from(POOLS[column])
        signs = st.sampled_from(["=", "<>"] if column == "masked" else sorted(SIGNS))
        kinds: list[st.SearchStrategy[Node]] = [
            st.builds(Compare, st.just(column), signs, value),
            st.builds(Within, st.just(column), st.lists(value, min_size=1, max_size=4).map(tuple), st.booleans()),
            st.builds(Missing, st.just(column), st.booleans()),
        ]
        if column != "masked":
            kinds.append(st.builds(Between, st.just(column), value, value))
        return st.one_of(kinds)

    return st.sampled_from(sorted(COLUMNS)).flatmap(of)


def joined(parts: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.one_of(st.builds(Not, parts), st.builds(Joint, st.sampled_from(["and", "or"]), several))


STROKES = "' \" ( ) , = 1 - e9 not and or null ; -- \x00 \ud800"
NODES = st.recursive(leaves(), joined, max_leaves=10)
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | st.sampled_from(pool) for name, pool in POOLS.items()}),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            'CREATE TABLE films (n INTEGER, age DOUBLE, centre VARCHAR, "Film" BIGINT, taken DATE, masked BOOLEAN,'
            " island VARCHAR)"
        )
        yield connection


def fill(db: duckdb.DuckDBPyConnection, rows: list[Row]) -> None:
    db.execute("DELETE FROM films")
    values = [value for n, row in enumerate(rows) for value in (n, *(row[name] for name in POOLS))]
    db.execute("INSERT INTO films VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows)), values)


def sql_of(text: str, columns: Mapping[str, ColumnType]) -> Sql:
    return write_sql(parse_filter(text, columns))


def truths(db: duckdb.DuckDBPyConnection, chosen: Sql) -> list[Truth]:
    asked = db.execute(f"SELECT {chosen.expression} FROM films ORDER BY n", list(chosen.parameters))
    return [truth for (truth,) in asked.fetchall()]


def numbers(db: duckdb.DuckDBPyConnection, condition: str, parameters: tuple[object, ...]) -> set[int]:
    return {n for (n,) in db.execute(f"SELECT n FROM films WHERE {condition}", list(parameters)).fetchall()}


# --- what is in the language ------------------------------------------------------------------------------------


def named(node: Node) -> set[str]:
    match node:
        case Not(part):
            return named(part)
        case Joint(_, parts):
            return set().union(*map(named, parts))
        case _:
            return {node.column}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(node=NODES, rows=ROWS, seed=st.integers(0, 2**32))
def test_any_filter_judges_as_the_oracle(db: duckdb.DuckDBPyConnection, node: Node, rows: list[Row], seed: int) -> None:
    fill(db, rows)
    chosen = sql_of(written(node, random.Random(seed)), COLUMNS)
    expected = [oracle(node, row) for row in rows]
    assert truths(db, chosen) == expected
    unknown = f"({chosen.expression}) IS NULL"
    assert numbers(db, unknown, chosen.parameters) == {n for n, t in enumerate(expected) if t is None}
    assert numbers(db, chosen.expression, chosen.parameters) == {n for n, t in enumerate(expected) if t}
    assert chosen.columns == named(node)


EXAMPLES: list[tuple[str, list[Truth]]] = [
    ("age = 5", [True, False, None]),
    ("age <> 5", [False, True, None]),
    ("age < 20", [True, False, None]),
    ("age <= 20", [True, True, None]),
    ("age > -1e0", [True, True, None]),
    ("age >= 5.5", [False, True, None]),
    ("age between 5 and 19.9", [True, False, None]),
    ("centre in ('B', 'it''s')", [False, True, None]),
    ("centre not in ('B', 'it''s')", [True, False, None]),
    ("Film in (1, -1)", [True, False, None]),
    ("film = 1", [True, False, None]),
    ("island is null", [False, False, True]),
    ("island is not null", [True, True, False]),
    ("taken < '2020-02-29'", [True, False, None]),
    ("taken between '2020-02-29' and '2020-03-01'", [False, True, None]),
    ("masked = true", [True, False, None]),
    ("masked <> TRUE", [False, True, None]),
    ("not age = 5", [False, True, None]),
    ("not not age = 5", [True, False, None]),
    ("age = 5 or age = 20 and centre = 'nowhere'", [True, False, None]),
    ("(age = 5 or age = 20) and centre = 'nowhere'", [False, False, None]),
    ("not age = 5 and centre = 'a'", [False, False, None]),
    ("not (age = 5 and centre = 'b')", [True, True, None]),
    ("age = 5 or island is null", [True, False, True]),
    ("age = 5 and island is not null", [True, False, False]),
    ("AGE=5 OR(AGE=20)", [True, True, None]),
]


@pytest.mark.parametrize(("text", "expected"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_each_operator(db: duckdb.DuckDBPyConnection, text: str, expected: list[Truth]) -> None:
    first = (5.0, "a", 1, date(2019, 12, 31), True, "tibia")
    second = (20.0, "it's", 2, date(2020, 2, 29), False, "fibula")
    fill(db, [dict(zip(POOLS, values, strict=True)) for values in (first, second, [None] * 6)])
    assert truths(db, sql_of(text, COLUMNS)) == expected


def test_literals_are_bound_with_their_types() -> None:
    text = "age = 5 and film = 7 and taken = '2020-02-29' and masked = false and centre = 'secret ''x'''"
    chosen = sql_of(text, COLUMNS)
    assert chosen.parameters == (5.0, 7, date(2020, 2, 29), False, "secret 'x'")
    assert [type(value) for value in chosen.parameters] == [float, int, date, bool, str]
    assert chosen.columns == {"age", "Film", "taken", "masked", "centre"}


@given(value=st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=60), number=st.integers(10**6, 10**12))
def test_no_literal_reaches_the_sql(value: str, number: int) -> None:
    chosen = sql_of(f"centre in ({literal(value)}, 'x') or film = {number} or age > {number}.5", COLUMNS)
    assert chosen.expression == '(("centre" IN (?, ?)) OR ("Film" = ?) OR ("age" > ?))'
    assert chosen.parameters == (value, "x", number, number + 0.5)


def test_sql_joins_as_it_stands(db: duckdb.DuckDBPyConnection) -> None:
    fill(db, [dict.fromkeys(POOLS) | {"age": 5.0}, dict.fromkeys(POOLS) | {"age": 20.0}])
    chosen = sql_of("age = 5 or age = 20", COLUMNS)
    assert numbers(db, f"NOT {chosen.expression} AND false", chosen.parameters) == set()
    assert numbers(db, f"n = 1 AND {chosen.expression}", chosen.parameters) == {1}


def test_column_names_are_quoted_identifiers() -> None:
    assert sql_of("ROWS = 1", {"rows": ColumnType.integer}).expression == '("rows" = ?)'
    both = {"Side": ColumnType.text, "side": ColumnType.text}
    assert sql_of("Side is null and side is null", both).columns == {"Side", "side"}


def test_the_catalogues_columns_can_be_named() -> None:
    text = " and ".join(f"{name} is not null" for name in FILTER_COLUMNS)
    assert sql_of(text, FILTER_COLUMNS).columns == set(FILTER_COLUMNS)


def test_limits_are_the_last_that_pass() -> None:
    assert len(sql_of("age in (" + ",".join(["1"] * MOST_LITERALS) + ")", COLUMNS).parameters) == MOST_LITERALS
    assert sql_of("(" * DEEPEST + "age = 1" + ")" * DEEPEST, COLUMNS).expression == '("age" = ?)'
    assert sql_of("not " * DEEPEST + "age = 1", COLUMNS).expression.count("NOT") == DEEPEST
    assert sql_of("age = 1".ljust(LONGEST), COLUMNS).parameters == (1.0,)
    flat = " or ".join(["age is null"] * 130)
    assert sql_of(flat, COLUMNS).expression.count(" OR ") == 129


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(node=NODES, seed=st.integers(0, 2**32), data=st.data())
def test_a_broken_filter_parses_or_is_refused_and_runs(
    db: duckdb.DuckDBPyConnection, node: Node, seed: int, data: st.DataObject
) -> None:
    rows = [dict.fromkeys(POOLS)]
    fill(db, rows)
    text = written(node, random.Random(seed))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    # Cuts and strokes near the language: DuckDB must run whatever still parses.
    chosen = None
    with contextlib.suppress(FilterError):
        chosen = sql_of(text[:start] + data.draw(st.sampled_from(["", " ", *STROKES.split()])) + text[end:], COLUMNS)
    if chosen:
        assert len(truths(db, chosen)) == len(rows)


@given(day=st.dates())
def test_any_day_is_read(day: date) -> None:
    assert sql_of(f"taken = '{day.isoformat()}'", COLUMNS).parameters == (day,)
