"""What the API says in English is said in the page's language by its code, for every code that there is."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from api import explain
from api.client import ApiProblem, ApiUnreachable
from api.problems import all_kinds
from api.schemas import Remark
from engine.said import Said
from indexer.filters import ColumnType, FilterError, parse_filter
from ui.spoken import refusal, spoken
from ui.words import LANGUAGES, catalogue, use

ROOT = Path(__file__).parents[2]
SIZES = {"columns": 1200, "rows": 8, "least": 16}
FEW = Remark("only 2 of the 5 patients asked for may answer", "few_cases", {"cases": 2, "k": 5})


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    use(request.param)
    yield request.param
    use("en")


OWN_ENGLISH = {"said", "kind", "cure", "section"}
"""Values of refusals that other programs said in English, or that the German words do without."""


def written() -> Iterator[tuple[str, set[str]]]:
    """Every code in the sources, and the values that go with it."""
    for path in sorted(path for room in ("engine", "indexer", "api") for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said":
                code = node.args[0]
                values = {each.arg for each in node.keywords if each.arg}
                if isinstance(code, ast.Constant):
                    yield (
                        str(code.value),
                        values | ({"k", "patients"} if any(not k.arg for k in node.keywords) else set()),
                    )


def test_every_code_has_its_words_with_the_values_that_it_brings() -> None:
    codes = dict(written())
    remarks = {code for code in codes if f"remark.{code}" in catalogue("en")}
    assert len(remarks) > 25 and len(codes) - len(remarks) > 150
    for code in remarks:
        for name in LANGUAGES:
            assert holes(catalogue(name)[f"remark.{code}"]) == codes[code], (name, code)


def test_every_refusal_has_german_words_with_the_values_that_it_brings() -> None:
    codes = {code: values for code, values in written() if f"remark.{code}" not in catalogue("en")}
    german = {key.removeprefix("refusal."): text for key, text in catalogue("de").items() if key.startswith("refusal.")}
    assert set(german) == set(codes)
    for code, values in codes.items():
        assert values - OWN_ENGLISH <= holes(german[code]) <= values, code


def test_a_code_is_said_of_one_thing() -> None:
    """Two places may say the same thing, with the same values."""
    values: dict[str, set[str]] = {}
    for code, brought in written():
        assert values.setdefault(code, brought) == brought, code


def holes(text: str) -> set[str]:
    return {hole for _, hole, _, _ in Formatter().parse(text) if hole}


def test_explanations_are_told_in_both_languages() -> None:
    told = [text for name, text in vars(explain).items() if name.isupper() and isinstance(text, str) and " " in text]
    assert explain.RULE in told
    for text in told:
        if text not in {explain.BY_VOTE, explain.NOTICE}:  # only ever a beginning; the page has its own notice
            assert f"explained.{text}" in catalogue("de"), text


def test_kinds_of_problem_are_named_in_both_languages() -> None:
    for kind in all_kinds().values():
        assert f"problem.{kind.title}" in catalogue("de"), kind.title


def test_english_stays_as_the_api_says_it() -> None:
    use("en")
    assert spoken(FEW.text, [FEW]) == FEW.text
    near = Remark("a 0.71", "unlike", {"similarity": 0.714, "threshold": 0.8, "percent": 1})
    assert "similarity 0.71, under 0.80, where only 1 %" in spoken("a 0.71", [near])


def test_german_by_code_with_film_parts_and_numbers() -> None:
    use("de")
    film = Remark("a.dcm: its date is malformed and was left out", "malformed", {"name": "date"}, "a.dcm")
    assert spoken(film.text, [film]) == "a.dcm: die Angabe Datum ist fehlerhaft und blieb unbeachtet"
    parts = (FEW, Remark("without a filter, so with one they may be off", "shares_filtered"))
    both = Remark("two", "", {}, None, parts)
    said = spoken("two", [both])
    assert said.startswith("nur 2 der 5 ") and said.endswith("danebenliegen können")
    assert "0,71" in spoken("x", [Remark("x", "proposed", {"confidence": 0.71})])
    use("en")


def test_a_refusal_is_said_by_its_code_and_those_in_it() -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter("age = 'x'", {"age": ColumnType.number})
    refused = ApiProblem(422, "The filter cannot be understood", caught.value.said)
    assert refusal(refused) == str(caught.value)
    use("de")
    assert refusal(refused) == (
        "\"'x'\" passt nicht zur Spalte 'age', an Stelle 7; schreiben Sie eine Zahl ohne Anführungszeichen, wie 5 oder "
        "-0.5, unter 1.8e308"
    )
    film = ApiProblem(422, "A film", Said.of("a.dcm", Said("film_small", "{columns}x{rows}<{least}", **SIZES)))
    assert refusal(film) == "a.dcm: das Bild hat 1.200x8 Pixel; eine Aufnahme braucht auf jeder Seite mindestens 16"
    assert refusal(ApiUnreachable("nobody there")) == "nobody there"
    use("en")


def test_an_api_of_another_version_is_said_as_it_says_it(language: str) -> None:
    assert spoken("new", [Remark("new", "few_cases", {"found": 2})]) == "new"
    assert refusal(ApiProblem(404, "No", Said("no_case", "no case {number}", number=3))) == "no case 3"


def test_what_has_no_code_is_said_as_it_is(language: str) -> None:
    assert spoken("something new", [FEW]) == "something new"
    assert spoken("a.dcm: odd", [Remark("a.dcm: odd", "", {}, "a.dcm")]) == "a.dcm: odd"
    assert spoken("new", [Remark("new", "code_of_a_later_api", {})]) == "new"
