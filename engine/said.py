"""Sentences that know their code and their values, so that a page can say them in another language."""

from collections.abc import Sequence
from typing import Any

Value = str | int | float
FILM = "film"
"""The value that names the film of which a sentence is said."""


class Said(str):
    """An English sentence. code: which one. values: what stands in it. parts: the sentences that it joins, if it does.

    It is a plain text to everything that knows no codes.
    """

    code: str
    values: dict[str, Value]
    parts: tuple["Said", ...]

    def __new__(cls, code: str, wording: str, /, **values: Value) -> "Said":
        """wording: with {name} or {name:format} for each of the values."""
        return cls._made(wording.format(**values), code, values, ())

    @classmethod
    def _made(cls, text: str, code: str, values: dict[str, Value], parts: tuple["Said", ...]) -> "Said":
        made = super().__new__(cls, text)
        made.code, made.values, made.parts = code, values, parts
        return made

    @classmethod
    def of(cls, film: str, sentence: str) -> "Said":
        """A sentence on a film, which is named before it; one without a code has an empty one."""
        known = sentence if isinstance(sentence, Said) else cls._made(sentence, "", {}, ())
        return cls._made(f"{film}: {sentence}", known.code, known.values | {FILM: film}, known.parts)

    @classmethod
    def joined(cls, parts: Sequence["Said"], between: str = ", ") -> "Said":
        """Several as one."""
        return cls._made(between.join(parts), "", {}, tuple(parts))

    def __reduce__(self) -> tuple[Any, ...]:
        return Said._made, (str(self), self.code, self.values, self.parts)
