"""Filters as Milvus expressions: their text, and what passes inside Milvus Lite, against a three-valued oracle."""

import operator
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import QueryError
from indexer.conditions import Between, Comparison, Condition, Joint, Missing, Negation, Within
from indexer.filters import FilterError, parse_filter
from indexer.indexes import MilvusIndex
from indexer.indexes.milvus import unavailable
from indexer.indexes.milvus_filter import LONGEST_BYTES, SCALARS, milvus_expression, scalar_rows, written

Row = dict[str, object]
Truth = bool | None
needs_milvus = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

POOLS: dict[str, list[object]] = {
    "age": [-1.5, 0.0, 5.0, 12.5, 20.0, 1e300, 1e-7],
    "sex": ["F", "M"],
    "site": ["tibia", "Tibia", "", "it's", 'say "x"', "back\\slash", "tab\tline\n", "骨", "\U0001f9b4", "id in [1]"],
    "taken": [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2020, 2, 29), date(9999, 12, 31)],
}
SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


# --- the oracle ---------------------------------------------------------------------------------------------------


def invert(truth: Truth) -> Truth:
    return None if truth is None else not truth


def every(truths: list[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True


def compared(left: object, sign: str, right: object) -> Truth:
    return None if left is None else bool(SIGNS[sign](left, right))


def truth(condition: Condition, row: Row) -> Truth:
    """SQL's truth, None for unknown."""
    match condition:
        case Comparison(column, sign, value):
            return compared(row[column], sign, value)
        case Between(column, low, high):
            return every([compared(row[column], ">=", low), compared(row[column], "<=", high)])
        case Within(column, values, negated):
            found = None if row[column] is None else row[column] in values
            return invert(found) if negated else found
        case Missing(column, negated):
            return (row[column] is None) is not negated
        case Negation(part):
            return invert(truth(part, row))
        case Joint(any_of, parts):
            truths = [truth(part, row) for part in parts]
            return invert(every([invert(one) for one in truths])) if any_of else every(truths)


def literal(value: object) -> str:
    if isinstance(value, str | date):
        return "'" + str(value).replace("'", "''") + "'"
    return repr(value)


def text(condition: Condition) -> str:
    """The condition in caselink's own language."""
    match condition:
        case Comparison(column, sign, value):
            return f"{column} {sign} {literal(value)}"
        case Between(column, low, high):
            return f"{column} between {literal(low)} and {literal(high)}"
        case Within(column, values, negated):
            return f"{column} {'not ' if negated else ''}in ({', '.join(map(literal, values))})"
        case Missing(column, negated):
            return f"{column} is {'not ' if negated else ''}null"
        case Negation(part):
            return f"not ({text(part)})"
        case Joint(any_of, parts):
            return f" {'or' if any_of else 'and'} ".join(f"({text(part)})" for part in parts)


def leaves() -> st.SearchStrategy[Condition]:
    def of(column: str) -> st.SearchStrategy[Condition]:
        name, value = st.just(column), st.sampled_from(POOLS[column])
        kinds: list[st.SearchStrategy[Condition]] = [
            st.builds(Comparison, name, st.sampled_from(sorted(SIGNS)), value),
            st.builds(Between, name, value, value),
            st.builds(Within, name, st.lists(value, min_size=1, max_size=4).map(tuple), st.booleans()),
            st.builds(Missing, name, st.booleans()),
        ]
        return st.one_of(kinds)

    return st.sampled_from(sorted(POOLS)).flatmap(of)


def joined(parts: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Negation, parts), st.builds(Joint, st.booleans(), several))


CONDITIONS = st.recursive(leaves(), joined, max_leaves=8)


def drawn_rows(n: int) -> list[Row]:
    """Rows of which about a third of the values is missing, the first of them all."""
    rng = np.random.default_rng(0)
    rows: list[Row] = [dict.fromkeys(POOLS)]
    for _ in range(n - 1):
        rows.append({k: None if rng.random() < 0.3 else pool[rng.integers(len(pool))] for k, pool in POOLS.items()})
    return rows


ROWS = drawn_rows(150)


@pytest.fixture(scope="module")
def index() -> Iterator[MilvusIndex]:
    made = MilvusIndex(2, index_type="FLAT")
    vectors = np.tile(np.array([[1, 0]], np.float32), (len(ROWS), 1))
    half = len(ROWS) // 2
    # half on disk, half in memory; a table and a plain mapping
    first = pa.table({name: [row[name] for row in ROWS[:half]] for name in POOLS})
    made.add(vectors[:half], np.arange(half, dtype=np.int64), first)
    made._table.connection.client.flush(made._table.name)
    rest = {name: [row[name] for row in ROWS[half:]] for name in POOLS}
    made.add(vectors[half:], np.arange(half, len(ROWS), dtype=np.int64), rest)
    yield made
    made.close()


def passing(index: MilvusIndex, where: str) -> set[int]:
    ids, near = index.search_where(np.array([[1, 0]], np.float32), len(ROWS), where)
    assert ((ids >= 0) == (near == 1)).all()
    return set(ids[ids >= 0].tolist())


@needs_milvus
@given(condition=CONDITIONS)
def test_what_passes_inside_milvus_is_what_sql_lets_pass(index: MilvusIndex, condition: Condition) -> None:
    expected = {number for number, row in enumerate(ROWS) if truth(condition, row)}
    assert passing(index, text(condition)) == expected


@needs_milvus
def test_an_unknown_column_is_refused_before_milvus_sees_it(index: MilvusIndex) -> None:
    with pytest.raises(FilterError, match="unknown column 'film'"):
        index.search_where(np.array([[1, 0]], np.float32), 1, "film = 3")


@given(condition=CONDITIONS)
def test_a_tree_is_what_its_text_says(condition: Condition) -> None:
    parsed = parse_filter(text(condition), SCALARS)
    assert [truth(parsed, row) for row in ROWS] == [truth(condition, row) for row in ROWS]


@given(condition=CONDITIONS)
def test_no_negation_is_left_to_milvus(condition: Condition) -> None:
    bare = written(condition, True).replace("is not null", "").replace("not in", "")
    for value in POOLS["site"]:
        bare = bare.replace(str(value), "")
    assert "not" not in bare


@pytest.mark.parametrize(
    ("filter_", "expression"),
    [
        ("age = 5", "(age is not null and age == 5.0)"),
        ("not age < 5", "(age is not null and age >= 5.0)"),
        ("SEX <> 'F'", '(sex is not null and sex != "F")'),
        ("not (sex = 'F' and age is null)", '((sex is not null and sex != "F") or (age is not null))'),
        ("not not sex is null", "(sex is null)"),
        ("not site in ('a', 'b')", '(site is not null and site not in ["a", "b"])'),
        ("not site not in ('a')", '(site is not null and site in ["a"])'),
        ("taken >= '1970-01-02'", "(taken is not null and taken >= 1)"),
        ("taken between '1969-12-31' and '1970-02-01'", "(taken is not null and taken >= -1 and taken <= 31)"),
        ("not age between 1 and 2", "(age is not null and (age < 1.0 or age > 2.0))"),
        ("site = 'a\"b\\'", '(site is not null and site == "a\\"b\\\\")'),
    ],
)
def test_each_condition_as_milvus_writes_it(filter_: str, expression: str) -> None:
    assert milvus_expression(filter_) == expression


def test_rows_hold_what_is_known_and_no_more() -> None:
    columns = {"age": [3, None], "taken": [date(1970, 1, 3), datetime(1970, 1, 2, 23)], "sex": [None, "F"]}
    assert scalar_rows(columns, 2) == [{"age": 3.0, "taken": 2}, {"taken": 1, "sex": "F"}]
    assert scalar_rows({"taken": [-5]}, 1) == [{"taken": -5}]
    assert scalar_rows(pa.table(columns), 2) == scalar_rows(columns, 2)
    assert scalar_rows(None, 2) == [{}, {}]
    assert scalar_rows({"site": ["x" * LONGEST_BYTES]}, 1) == [{"site": "x" * LONGEST_BYTES}]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"colour": ["red"]}, "column 'colour' cannot lie beside vectors; leave it out"),
        ({"age": [1, 2]}, "column 'age' has 2 values for 1 vectors"),
        ({"age": ["5"]}, "'5' does not fit column 'age' \\(number\\)"),
        ({"age": [float("nan")]}, "nan does not fit column 'age'"),
        ({"age": [True]}, "True does not fit column 'age'"),
        ({"taken": [1.5]}, "1.5 does not fit column 'taken' \\(date\\)"),
        ({"sex": [1]}, "1 does not fit column 'sex' \\(text\\)"),
        ({"site": ["é" * LONGEST_BYTES]}, "a text of 2048 bytes in 'site' is over 1024"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: dict[str, list[object]], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        scalar_rows(columns, 1)
