"""Sentences of the API in the language of the page: by their codes where they have one, else as they are."""

from collections.abc import Iterable

import api.words as api_words
from api.client import ApiProblem, ApiUnreachable
from api.schemas import Remark, behind
from ui.words import language


def spoken(sentence: str, remarks: Iterable[Remark]) -> str:
    """A sentence as the page says it. remarks: of the answer or film that it comes with."""
    return api_words.spoken(language(), sentence, remarks)


def told(remark: Remark) -> str:
    """What lies behind a sentence, as the page says it."""
    return api_words.told(language(), remark)


def refusal(error: ApiProblem | ApiUnreachable) -> str:
    """What was wrong, as the page says it."""
    return told(behind(error))
