"""The filter text is what the API's own parser reads back as the choices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.conditions import write_sql
from indexer.filters import ColumnType, parse_filter
from ui.filters import OLDEST, Choices, filter_text, marked, quoted

COLUMNS = {
    "age": ColumnType.number,
    "sex": ColumnType.text,
    "site": ColumnType.text,
    "entity": ColumnType.text,
    "centre": ColumnType.text,
}
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
LISTS = st.lists(WORDS, max_size=4, unique=True).map(tuple)
AGES = st.tuples(st.integers(0, OLDEST), st.integers(0, OLDEST)).map(sorted)


@given(AGES, st.sampled_from([None, "F", "M"]), LISTS, LISTS, LISTS)
def test_property_the_api_reads_back_what_was_chosen(
    ages: list[int], sex: str | None, sites: tuple[str, ...], entities: tuple[str, ...], centres: tuple[str, ...]
) -> None:
    text = filter_text(Choices(ages[0], ages[1], sex, sites, entities, centres))
    bounds = [age for age, free in zip(ages, (0, OLDEST), strict=True) if age != free]
    wanted = [*bounds, *([sex] if sex else []), *sites, *entities, *centres]
    if not wanted:
        assert text == ""
        return
    assert list(write_sql(parse_filter(text, COLUMNS)).parameters) == wanted


def test_nothing_chosen_is_no_filter() -> None:
    assert filter_text(Choices()) == ""


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (Choices(5, 20), "age between 5 and 20"),
        (Choices(5), "age >= 5"),
        (Choices(oldest=20), "age <= 20"),
        (Choices(sex="F", sites=("femur",)), "sex = 'F' and site = 'femur'"),
        (Choices(sites=("femur", "tibia")), "site in ('femur', 'tibia')"),
        (Choices(centres=("St John's",)), "centre = 'St John''s'"),
    ],
)
def test_texts(chosen: Choices, text: str) -> None:
    assert filter_text(chosen) == text


def test_quotes_cannot_break_out() -> None:
    hostile = "x' or age > 0 or site = 'y"
    assert write_sql(parse_filter(f"site = {quoted(hostile)}", COLUMNS)).parameters == (hostile,)


@pytest.mark.parametrize(("youngest", "oldest"), [(-1, 5), (6, 5), (0, OLDEST + 1)])
def test_impossible_ages(youngest: int, oldest: int) -> None:
    with pytest.raises(ValueError, match=str(oldest)):
        Choices(youngest, oldest)


@given(st.text(max_size=40), st.integers(-5, 50))
def test_property_marking_loses_nothing(text: str, position: int) -> None:
    before, piece, after = marked(text, position)
    assert before + piece + after == text
    assert not any(c.isspace() for c in piece[1:])


def test_marks_the_word_at_the_position() -> None:
    assert marked("age > 5 and colour = 'x'", 12) == ("age > 5 and ", "colour", " = 'x'")
    assert marked("age >", 5) == ("age >", "", "")
