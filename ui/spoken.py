"""Sentences of the API in the language of the page: by their codes where they have one, else as they are."""

from collections.abc import Iterable

from api.schemas import Remark
from ui.words import catalogue, decimal, language, whole


def spoken(sentence: str, remarks: Iterable[Remark]) -> str:
    """A sentence as the page says it. remarks: of the answer or film that it comes with."""
    found = next((one for one in remarks if one.text == sentence), None)
    return sentence if found is None else _said(found)


def _said(remark: Remark) -> str:
    wording = catalogue(language()).get(f"remark.{remark.code}")
    if remark.parts:
        said = ", ".join(_said(part) for part in remark.parts)
    elif wording is None or not remark.code:
        return remark.text
    else:
        said = wording.format(**{name: _shown(value) for name, value in remark.values.items()})
    return said if remark.film is None else f"{remark.film}: {said}"


def _shown(value: str | int | float) -> str:
    if isinstance(value, str):
        named = catalogue(language()).get(f"header.{value}")
        return value if named is None else named
    return whole(value) if isinstance(value, int) else decimal(value)
