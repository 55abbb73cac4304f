"""Sentences of the API in the language of the page: by their codes where they have one, else as they are.

A refusal has its words in the page's other languages alone: English ones are what the API says.
"""

from collections.abc import Iterable

from api.client import ApiProblem, ApiUnreachable
from api.schemas import Remark, behind
from ui.words import catalogue, decimal, language, whole


def spoken(sentence: str, remarks: Iterable[Remark]) -> str:
    """A sentence as the page says it. remarks: of the answer or film that it comes with."""
    found = next((one for one in remarks if one.text == sentence), None)
    return sentence if found is None else told(found)


def refusal(error: ApiProblem | ApiUnreachable) -> str:
    """What was wrong, as the page says it."""
    return told(behind(error))


def told(remark: Remark) -> str:
    """What lies behind a sentence, as the page says it."""
    words = catalogue(language())
    wording = words.get(f"remark.{remark.code}") or words.get(f"refusal.{remark.code}")
    if remark.parts:
        said = ", ".join(told(part) for part in remark.parts)
    elif wording is None or not remark.code:
        return remark.text
    else:
        try:
            said = wording.format(**{name: _shown(value) for name, value in remark.values.items()})
        except KeyError:  # an API of another version brings other values
            return remark.text
    return said if remark.film is None else f"{remark.film}: {said}"


def _shown(value: str | int | float | Remark) -> str:
    if isinstance(value, Remark):
        return told(value)
    if isinstance(value, str):
        named = catalogue(language()).get(f"header.{value}")
        return value if named is None else named
    return whole(value) if isinstance(value, int) else decimal(value)
