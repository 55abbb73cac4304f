"""Both languages have every wording, every wording is used, and no page has text of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from ui import words

UI = Path(words.__file__).parents[1]
SOURCES = sorted(UI.rglob("*.py"))
SPEAKERS = {"say": "", "term": ".", "counted": "noun."}
VALUES = (
    "side.",
    "sex.",
    "view.",
    "stage.",
    "malignancy.",
    "abstained.",
    "rule.",
    "event.",
    "proven_by.",
    "proof_name.",
    "kind.",
    "remark.",
    "problem.",
    "header.",
    "stages.",
    "explained.",
    "entity_name.",
    "site_name.",
    "format.",
)
"""Wordings of what an archive holds, whose keys come with the data."""

SAID_BY_THE_API = "refusal."
"""Refusals are English as the API says them: test_spoken holds the other languages against the API's sources."""


def calls(path: Path) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in SPEAKERS and node.args:
                yield name, node.args[0]


CODE = {
    "feedback.py": ("tumour board",),
    "filters.py": ("age between", "taken between '"),
    "wording.py": ("reference label",),
}
"""Words of the filter language and values of the archive, which are not shown."""


def keys(name: str, told: ast.expr) -> Iterator[str]:
    """The pattern of the keys that a call may ask for."""
    if isinstance(told, ast.IfExp):
        yield from keys(name, told.body)
        yield from keys(name, told.orelse)
    elif isinstance(told, ast.Constant):
        text = str(told.value)
        yield {"say": re.escape(text), "counted": rf"noun\.{re.escape(text)}s?", "term": rf"{re.escape(text)}\..+"}[
            name
        ]
    elif isinstance(told, ast.JoinedStr):
        parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in told.values]
        yield "".join(parts) if name == "say" else "".join(parts) + r"\..+"


ASKED = {key for path in SOURCES for name, told in calls(path) for key in keys(name, told)}


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_have_every_key_with_the_same_values_in_it() -> None:
    english, german = (words.catalogue(code) for code in words.LANGUAGES)
    assert set(english) == {key for key in german if not key.startswith(SAID_BY_THE_API)}
    for key, text in english.items():
        assert text.strip() and german[key].strip(), key
        assert holes(text) == holes(german[key]), key


def test_every_key_that_a_page_asks_for_is_there() -> None:
    assert len(ASKED) > 150
    for pattern in ASKED:
        assert any(re.fullmatch(pattern, key) for key in words.catalogue("en")), pattern


def test_every_wording_is_used() -> None:
    by_name = {"vote.by_similarity", "vote.by_nearness"}
    spoken = [key for key in words.catalogue("en") if not key.startswith(VALUES) and key not in by_name]
    assert [key for key in spoken if not any(re.fullmatch(pattern, key) for pattern in ASKED)] == []


def test_no_german_wording_was_left_in_english() -> None:
    english, german = (words.catalogue(code) for code in words.LANGUAGES)
    same = {key for key, text in english.items() if text == german[key] and " " in text}
    assert same == {"filter.example", "film.past"}  # the filter language has no other, and a patient is a Patient
    for key in set(german) - same:
        said = re.sub(r"\{\w+\}|'[^']*'", "", german[key]).split("Wörter:")[0]
        assert not re.search(r"\b(the|and|patients|films?)\b", said), key


def texts(path: Path) -> Iterator[str]:
    """Strings of a file that are no docstrings and no errors for developers, without the tags of HTML."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    quiet = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            quiet.add(id(node.value))
        elif isinstance(node, ast.Raise) or (
            isinstance(node, ast.Call) and any("javascript" in (each.arg or "") for each in node.keywords)
        ):
            quiet |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet:
            yield re.sub(r"<[^>]*>|<[^>]*$|^[^<]*>|\S*[-_=:;{\[]\S*", " ", node.value)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(UI).as_posix())
def test_no_page_has_bare_text(path: Path) -> None:
    found = [text.strip() for text in texts(path) if re.search(r"[A-Za-zäöü]{2,},? [A-Za-zäöü]{2,}", text)]
    assert [text for text in found if text not in CODE.get(path.name, ())] == []


def test_bare_text_would_be_found(tmp_path: Path) -> None:
    page = tmp_path / "page.py"
    page.write_text('import streamlit as st\nst.html(f"<p class=\\"a b\\">No film yet {1}</p>")\n', encoding="utf-8")
    assert any("No film yet" in text for text in texts(page))


def test_unknown_languages_and_values() -> None:
    words.use("xx")
    assert words.language() == "en"
    assert [words.spoken_by(locale) for locale in ("de-AT", "de", "fr-FR", "", None)] == ["de", "de", "en", "en", "en"]
    assert words.term("event", "astrology") == "astrology"
    with pytest.raises(KeyError):
        words.say("no.such")
