"""What the pages say, by key, in English and German. What the archive holds stays in its own words where no key is."""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import api.words as api_words
from api.words import LANGUAGES, read_words

__all__ = ["LANGUAGES", "catalogue", "counted", "decimal", "language", "say", "spoken_by", "term", "use", "whole"]
USUAL = "en"
_now: ContextVar[str] = ContextVar("language", default=USUAL)


def use(language: str) -> None:
    """Speak a language of `LANGUAGES` in this run of the script; another code means the usual one.

    Streamlit runs each visitor's script in a thread of its own, so that visitors do not change each other's language.
    """
    _now.set(language if language in LANGUAGES else USUAL)


def language() -> str:
    """The language spoken now."""
    return _now.get()


def spoken_by(locale: str | None) -> str:
    """The language for a browser's locale such as de-AT; the usual one where it is unknown."""
    code = (locale or "").split("-")[0].lower()
    return code if code in LANGUAGES else USUAL


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All wordings of a language by their dotted keys: the API's, and the pages' own."""
    return {**api_words.catalogue(language), **read_words(Path(__file__).with_name(language))}


def say(key: str, /, **values: object) -> str:
    """The wording of a key with its values in place.

    Raises:
        KeyError: no such key, or a value that the wording names is not given; a test holds both languages complete.
    """
    return catalogue(_now.get())[key].format(**values)


def counted(noun: str, number: int) -> str:
    """A number with its noun, `noun.NAME` or `noun.NAMEs`: 1 film, 3 films."""
    return f"{whole(number)} {say(f'noun.{noun}' if number == 1 else f'noun.{noun}s')}"


def term(group: str, value: str) -> str:
    """A value of the archive in the language spoken, as `group.value`; the value itself where it is not known here."""
    known = catalogue(_now.get())
    return known.get(f"{group}.{value}") or known.get(f"{group}.{value.lower()}", value)


def whole(number: int) -> str:
    """A whole number with the thousands set apart."""
    return api_words.whole(_now.get(), number)


def decimal(number: float, digits: int = 2) -> str:
    """A number with its decimals."""
    return api_words.decimal(_now.get(), number, digits)
