"""Words that pages and documents share: names, numbers, and sentences by their codes."""

import pytest

from api.words import LANGUAGES, catalogue, decimal, entity_name, site_name, spoken, told, whole
from indexer.remarks import Remark


def test_names_stay_as_they_are_where_no_wording_is_known() -> None:
    assert [entity_name(language, "Osteosarcoma") for language in LANGUAGES] == ["osteosarcoma", "Osteosarkom"]
    assert [entity_name(language, "Tumor X") for language in LANGUAGES] == ["Tumor X"] * 2
    assert site_name("de", "tibia; somewhere") == "Tibia, somewhere"


def test_numbers_are_set_as_a_language_sets_them() -> None:
    assert [(whole(each, 1234567), decimal(each, 1234.5, 1)) for each in LANGUAGES] == [
        ("1,234,567", "1234.5"),
        ("1.234.567", "1234,5"),
    ]


def test_a_sentence_is_said_by_its_code_with_names_in_it() -> None:
    tie = Remark("tie: ...", "tie", {"one": "osteosarcoma", "other": "Tumor X"})
    said = "Gleichstand: Osteosarkom und Tumor X haben gleich viele Stimmen und sind gleich ähnlich"
    assert told("de", tie) == spoken("de", tie.text, (tie,)) == said
    assert spoken("de", "another sentence", (tie,)) == "another sentence"


def test_sentences_within_sentences() -> None:
    few = Remark("only 2 of the 5 ..", "few_cases", {"cases": 2, "k": 5})
    joined = Remark("film.png: both", "", {}, "film.png", (few, few))
    words = catalogue("en")["remark.few_cases"].format(cases=2, k=5)
    assert told("en", joined) == f"film.png: {words}, {words}"


@pytest.mark.parametrize(
    "other", [Remark("as it was said", "few_cases", {"patients": 2}), Remark("as it was said", "of another version")]
)
def test_what_another_version_said_stays_as_it_was(other: Remark) -> None:
    assert [told(language, other) for language in LANGUAGES] == ["as it was said"] * 2
