"""What answers, refusals and documents say, in English and German: sentences with a code, entities, sites, numbers.

Refusals have words in German alone: English ones are what the API says. What has no wording stays as it is.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from indexer.remarks import Remark

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""Code and own name of each language."""


def read_words(folder: Path) -> dict[str, str]:
    """All wordings of a language by their dotted keys, of every file in its folder."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.json")):
        groups = json.loads(path.read_text(encoding="utf-8"))
        found |= {f"{group}.{name}": text for group, texts in groups.items() for name, text in texts.items()}
    return found


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The wordings of a language of `LANGUAGES` by their keys."""
    return read_words(Path(__file__).with_name(language))


def term(language: str, group: str, value: str) -> str:
    """A value of the archive as `group.value`; the value itself where it is not known here."""
    known = catalogue(language)
    return known.get(f"{group}.{value}") or known.get(f"{group}.{value.lower()}", value)


def entity_name(language: str, entity: str) -> str:
    """An entity; in the archive's own words where it is not known here."""
    return term(language, "entity_name", entity)


def site_name(language: str, site: str) -> str:
    """A site, or several that the archive joins by ';'."""
    return ", ".join(term(language, "site_name", part.strip()) for part in site.split(";"))


def whole(language: str, number: int) -> str:
    """A whole number with the thousands set apart."""
    return f"{number:,}".replace(",", catalogue(language)["format.thousands"])


def decimal(language: str, number: float, digits: int = 2) -> str:
    """A number with its decimals."""
    return f"{number:.{digits}f}".replace(".", catalogue(language)["format.decimal"])


def spoken(language: str, sentence: str, remarks: Iterable[Remark]) -> str:
    """A sentence of an answer or film. remarks: that came with it."""
    found = next((one for one in remarks if one.text == sentence), None)
    return sentence if found is None else told(language, found)


def told(language: str, remark: Remark) -> str:
    """What lies behind a sentence, in a language."""
    words = catalogue(language)
    wording = words.get(f"remark.{remark.code}") or words.get(f"refusal.{remark.code}")
    if remark.parts:
        said = ", ".join(told(language, part) for part in remark.parts)
    elif wording is None or not remark.code:
        return remark.text
    else:
        try:
            said = wording.format(**{name: _shown(language, value) for name, value in remark.values.items()})
        except KeyError:  # an answer that was stored by another version brings other values
            return remark.text
    return said if remark.film is None else f"{remark.film}: {said}"


def _shown(language: str, value: str | int | float | Remark) -> str:
    if isinstance(value, Remark):
        return told(language, value)
    if isinstance(value, str):
        words = catalogue(language)
        return words.get(f"header.{value}") or words.get(f"entity_name.{value}") or value
    return whole(language, value) if isinstance(value, int) else decimal(language, value)
