"""Everything that is not in the filter language is refused where it stands, with a cure; any text is safe."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.errors import CaselinkError
from indexer.conditions import write_sql
from indexer.filters import DEEPEST, LONGEST, MOST_LITERALS, ColumnType, FilterError, parse_filter

COLUMNS = {
    "age": ColumnType.number,
    "centre": ColumnType.text,
    "Film": ColumnType.integer,
    "taken": ColumnType.date,
    "masked": ColumnType.boolean,
    "island": ColumnType.text,
}


def refusal(text: str) -> FilterError:
    with pytest.raises(FilterError) as caught:
        parse_filter(text, COLUMNS)
    error = caught.value
    assert 0 <= error.position < max(1, len(text))
    assert error.text == text and error.message == str(error)
    assert f"character {error.position + 1}" in error.message
    return error


REFUSED: list[tuple[str, int, str]] = [
    ("", 0, "leave the filter out"),
    (" \n\t", 0, "leave the filter out"),
    ("1; drop table films", 0, "left of the operator"),
    ("age = 1; drop table films", 7, "one condition"),
    ("age = 1 -- x", 8, "comments"),
    ("age = 1 /* x */", 8, "comments"),
    ('"age" = 1', 0, "bare"),
    ('centre = "a"', 9, "single quotes"),
    ("centre = ‘a’", 9, "straight single quotes"),
    ("`age` = 1", 0, "straight single quotes"),
    ("age = (select 1)", 6, "expected a literal"),
    ("age in (select age)", 8, "expected a literal"),
    ("select 1", 7, "expected an operator"),
    ("true", 0, "expected a column"),
    ("1 = 1", 0, "left of the operator"),
    ("5 < age", 0, "left of the operator"),
    ("age = film", 6, "literals only"),
    ("centre = a", 9, "single quotes"),
    ("lower(centre) = 'a'", 5, "expected an operator"),
    ("centre like 'a%'", 7, "expected an operator"),
    ("age + 1 = 2", 4, "no sums"),
    ("age = 1 + 1", 8, "no sums"),
    ("age = 2 * 2", 8, "no sums"),
    ("age = +1", 6, "without a sign"),
    ("age != 5", 4, "<>"),
    ("age == 5", 5, "expected a literal"),
    ("age < > 5", 6, "expected a literal"),
    ("age = null", 6, "is null"),
    ("age in (1, null)", 11, "is null"),
    ("age not between 1 and 2", 8, "not (COLUMN between"),
    ("age between 1 or 2", 14, "expected 'and'"),
    ("age is 5", 7, "'null'"),
    ("age in ()", 8, "expected a literal"),
    ("age in (1,)", 10, "expected a literal"),
    ("age in 1", 7, "'('"),
    ("age", 2, "stops too early"),
    ("age = ", 4, "stops too early"),
    ("not", 2, "stops too early"),
    ("(age = 1", 7, "expected ')'"),
    ("age = 1)", 7, "or the end"),
    ("age = 1 centre = 'a'", 8, "expected 'and' or 'or' or the end"),
    ("age = 5and centre = 'a'", 6, "a space after"),
    ("age = 5 andcentre = 'a'", 8, "'andcentre'"),
    ("age = 1.", 6, "write numbers"),
    ("age = 0x10", 6, "write numbers"),
    ("age = 1_000", 6, "write numbers"),
    ("age = .5", 6, "no part"),
    ("age = nan", 6, "expected a literal"),
    ("age = 1e999", 6, "below 1.8e308"),
    ("age = '5'", 6, "without quotes"),
    ("age = true", 6, "without quotes"),
    ("centre = 5", 9, "in single quotes"),
    ("centre in ('a', 5)", 16, "in single quotes"),
    ("film = 1.5", 7, "whole number"),
    ("film = 2.0", 7, "whole number"),
    ("film between 1 and 9223372036854775808", 19, "below 9223372036854775808"),
    ("taken = 2020", 8, "calendar"),
    ("taken = '2020-02-30'", 8, "calendar"),
    ("taken = '20200229'", 8, "calendar"),
    ("taken = '2020-W09-6'", 8, "calendar"),
    ("taken = '0000-01-01'", 8, "calendar"),
    ("taken = '٢٠٢٠-٠٢-٢٩'", 8, "calendar"),
    ("masked = 1", 9, "true or false"),
    ("masked = 'true'", 9, "true or false"),
    ("masked < true", 7, "no order"),
    ("masked between false and true", 7, "no order"),
    ("masked", 5, "stops too early"),
    ("centre = 'a", 9, "close the text"),
    ("centre = 'a''", 9, "close the text"),
    ("centre = 'a' or ''='", 16, "left of the operator"),
    ("centre = 'a\x00'", 11, "U+0000"),
    ("\x00", 0, "U+0000"),
    ("centre = '\ud800'", 10, "U+D800"),
    ("age = 5\xa0or age = 6", 7, "no part"),
    ("iſland is null", 1, "no part"),
    ("age iſ null", 4, "expected an operator"),
    ("аge = 1", 0, "no part"),
    ("age = ５", 6, "no part"),
    ("age = $1", 6, "no part"),
    ("age = ?", 6, "no part"),
    ("films.age = 1", 5, "no part"),
    ("age = 1::int", 7, "no part"),
]


@pytest.mark.parametrize(("text", "position", "cure"), REFUSED, ids=[ascii(text) for text, *_ in REFUSED])
def test_everything_else_is_refused_where_it_stands(text: str, position: int, cure: str) -> None:
    error = refusal(text)
    assert error.position == position
    assert cure in error.message
    assert isinstance(error, CaselinkError)


def test_an_unknown_column_names_the_near_one() -> None:
    error = refusal("age = 1 and agee = 1")
    assert error.message == (
        "unknown column 'agee' at character 13; the columns are age, centre, Film, taken, masked, island; "
        "did you mean 'age'?"
    )
    assert "did you mean" not in refusal("rowid = 1").message
    assert "did you mean 'Film'?" in refusal("FILMS = 1").message


def test_limits_are_refused_where_they_are_passed() -> None:
    many = "age in (" + ",".join(["1"] * (MOST_LITERALS + 1)) + ")"
    assert refusal(many).position == len(many) - 2
    assert refusal("(" * (DEEPEST + 1) + "age = 1" + ")" * (DEEPEST + 1)).position == DEEPEST
    assert refusal("not " * (DEEPEST + 1) + "age = 1").position == 4 * DEEPEST
    assert refusal("not(" * 26 + "age = 1" + ")" * 26).position == 4 * 25
    assert refusal("age = 1".ljust(LONGEST + 1)).position == LONGEST
    assert refusal("(" * LONGEST).position == LONGEST - 1
    assert refusal("(" * 995 + "age=1" + ")" * 995).position == DEEPEST
    assert refusal("x" * 10**6).position == LONGEST


# --- any text at all ------------------------------------------------------------------------------------------------

WORDS = (
    "age centre film taken masked island agee = <> < <= > >= between and or not in is null true false ( ) , ; -- "
    "5 -1 1.5 1e9 'a' 'it''s' ' '2020-02-29' ? \" select like + * /* \x00 \ud800 ‘ ５ ſ"
)
PIECES = st.sampled_from(WORDS.split(" "))
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(PIECES, max_size=20).map(" ".join),
    st.lists(PIECES, max_size=20).map("".join),
)


@settings(max_examples=max(400, settings().max_examples))
@given(text=TEXTS)
@example(text="(" * 1000)
@example(text="age=" + "9" * 1990)
@example(text="film=" + "9" * 1990)
@example(text="age=1e" + "9" * 1990)
@example(text="centre='" + "''" * 900)
def test_any_text_parses_or_is_refused(text: str) -> None:
    chosen = refused = None
    try:
        chosen = parse_filter(text, COLUMNS)
    except FilterError as error:
        refused = error
    if chosen:
        assert re.fullmatch(r'(?:"\w+"|[ (),?<>=]|AND|OR|NOT|BETWEEN|IN|IS|NULL)+', write_sql(chosen).expression)
    if refused:
        assert 0 <= refused.position < max(1, len(text))
        assert f"character {refused.position + 1}" in refused.message
