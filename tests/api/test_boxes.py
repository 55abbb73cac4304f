import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.boxes import Box, format_box, parse_box
from engine.errors import RegionError

edges = st.integers(-(10**9) + 1, 10**9 - 1)


@given(st.tuples(edges, edges, edges, edges))
def test_a_box_survives_its_spelling(box: Box) -> None:
    assert parse_box(format_box(box)) == box


@given(st.tuples(edges, edges, edges, edges), st.lists(st.sampled_from(["", " ", "\t"]), min_size=8, max_size=8))
def test_blanks_do_not_matter(box: Box, blanks: list[str]) -> None:
    text = ",".join(f"{blanks[2 * n]}{edge}{blanks[2 * n + 1]}" for n, edge in enumerate(box))
    assert parse_box(text) == box


@given(st.text(max_size=40))
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    assume(re.fullmatch(r"[\s\d,-]*", text) is None)
    with pytest.raises(RegionError, match=r"is not x0,y0,x1,y1 in whole film pixels, e\.g\. 120,80,310,260"):
        parse_box(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "1;2;3;4",
        "1.0,2,3,4",
        "1e2,2,3,4",
        "1_0,2,3,4",
        "+1,2,3,4",
        "٣,1,2,4",
        "9" * 10 + ",1,2,3",
    ],
)
def test_what_int_would_take_and_a_box_must_not(text: str) -> None:
    with pytest.raises(RegionError):
        parse_box(text)


def test_a_long_text_is_cut_in_the_message() -> None:
    with pytest.raises(RegionError) as caught:
        parse_box("x" * 10_000)
    assert len(str(caught.value)) < 200


def test_no_box_is_no_text() -> None:
    assert format_box(None) == ""
