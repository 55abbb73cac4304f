"""What stands on a film: its side, whose it is, and when it was taken."""

from datetime import date

from ui.session import QueryFilm
from ui.wording import day, side
from ui.words import say

KEY_LENGTH = 8
"""Characters of a hash or pseudonym that tell films apart on the screen."""


def side_mark(code: str | None) -> str:
    """The side as a marker on the film."""
    return side(code) or say("mark.no_side")


def own_key(film: QueryFilm) -> str:
    """What tells a visitor's own film from others: the start of its file's hash, never a patient's identifier."""
    return say("mark.own", key=film.key[:KEY_LENGTH])


def past_key(patient: str, film: int) -> str:
    """What tells an archived film from others: the start of its patient's pseudonym, and its number."""
    return say("mark.past", key=patient[:KEY_LENGTH], film=film)


def on_film(key: str, taken: date | None) -> str:
    """Identity key and date, in two lines."""
    return f"{key}\n{day(taken) if taken else say('mark.no_date')}"
