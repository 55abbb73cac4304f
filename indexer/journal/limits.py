"""How much people may write, and refusals that say so."""

import re
from datetime import date

from engine.errors import QueryError
from engine.said import Said

USER = 64
"""Characters of a user's name."""
TITLE = 120
"""Characters of a case's title."""
SECTION = 20_000
"""Characters of one section of a case's notes."""
NOTE = 2_000
"""Characters of a remark on a query."""
NAME = 120
"""Characters of an entity's name."""
CASE_FILMS = 24
"""Films of one case."""
PRECEDENTS = 24
"""Precedents of one case."""
PAGE = 1_000
"""Entries in one answer."""
SHOWN = 40
USER_NAME = Said("a_user", "the user's name")
_PSEUDONYM = re.compile(r"P[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEPT = "\n\t"


def text(name: str, value: str, most: int, *, needed: bool = False) -> str:
    """A text fit to be stored: no control characters but line ends and tabs, no more than `most` characters.

    Raises:
        QueryError: too long, or empty where something is needed.
    """
    plain = value.replace("\r\n", "\n").replace("\r", "\n")
    plain = "".join(c for c in plain if c in _KEPT or not (ord(c) < 32 or 127 <= ord(c) < 160 or _half(c)))
    if len(plain) > most:
        told = "{name} has {characters} characters, over the limit of {most}; shorten it"
        raise QueryError(Said("text_long", told, name=name, characters=len(plain), most=most))
    if needed and not plain.strip():
        told = "{name} is empty; write something, up to {most} characters"
        raise QueryError(Said("text_empty", told, name=name, most=most))
    return plain


def line(name: str, value: str, most: int, *, needed: bool = False) -> str:
    """`text` in one line, without blanks at its ends."""
    return text(name, " ".join(value.split()), most, needed=needed)


def pseudonym(value: str) -> str:
    """A patient's pseudonym.

    Raises:
        QueryError: anything else, such as a name.
    """
    if not _PSEUDONYM.fullmatch(value):
        told = "{value!r} is no pseudonym (P and 16 hex digits); take one from an answer"
        raise QueryError(Said("no_pseudonym", told, value=value[:SHOWN]))
    return value


def sha256(value: str) -> str:
    """The sha256 of a film's bytes, as 64 hex digits in lower case.

    Raises:
        QueryError: anything else.
    """
    if not _SHA256.fullmatch(value):
        told = "{value!r} is no sha256 of a film's bytes (64 hex digits); take it from the answer"
        raise QueryError(Said("no_sha256", told, value=value[:SHOWN]))
    return value


def day(value: str | None) -> str | None:
    """A day as ISO text; None stays.

    Raises:
        QueryError: no such day.
    """
    if value is None:
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise QueryError(Said("no_day", "{value!r} is no day; write it as 2026-11-30", value=value[:SHOWN])) from None


def page(limit: int) -> int:
    """How many entries may be asked for at once.

    Raises:
        QueryError: none, or too many.
    """
    if not 1 <= limit <= PAGE:
        told = "limit = {limit} is outside 1 to {most}; ask for a number within"
        raise QueryError(Said("limit_outside", told, limit=limit, most=PAGE))
    return limit


def _half(character: str) -> bool:
    """Half of a surrogate pair: no text that a file can hold."""
    return 0xD800 <= ord(character) <= 0xDFFF
