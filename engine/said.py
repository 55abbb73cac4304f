"""Sentences that know their code and their values, so that a page can say them in another language."""

from collections.abc import Mapping, Sequence
from typing import Any

Value = str | int | float
FILM = "film"
"""The value that names the film of which a sentence is said."""


class Said(str):
    """An English sentence. code: which one. values: what stands in it, which may be a `Said` itself. parts: the
    sentences that it joins, if it does.

    It is a plain text to everything that knows no codes.
    """

    code: str
    values: dict[str, Value]
    parts: tuple["Said", ...]

    def __new__(cls, code: str, wording: str, /, **values: Value) -> "Said":
        """wording: with {name} or {name:format} for each of the values."""
        return cls.told(wording.format(**values), code, values, ())

    @classmethod
    def told(cls, text: str, code: str, values: Mapping[str, Value], parts: tuple["Said", ...]) -> "Said":
        """A sentence whose values stand in it already."""
        made = super().__new__(cls, text)
        made.code, made.values, made.parts = code, dict(values), parts
        return made

    @classmethod
    def known(cls, sentence: str) -> "Said":
        """Any sentence as one; where it has no code, that is empty."""
        return sentence if isinstance(sentence, Said) else cls.told(sentence, "", {}, ())

    @classmethod
    def of(cls, film: str, sentence: str) -> "Said":
        """A sentence on a film, which is named before it."""
        known = cls.known(sentence)
        return cls.told(f"{film}: {sentence}", known.code, known.values | {FILM: film}, known.parts)

    @classmethod
    def joined(cls, parts: Sequence["Said"], between: str = ", ") -> "Said":
        """Several as one."""
        return cls.told(between.join(parts), "", {}, tuple(parts))

    @property
    def alone(self) -> "Said":
        """The sentence without the film that it names."""
        if FILM not in self.values:
            return self
        rest = {name: value for name, value in self.values.items() if name != FILM}
        return Said.told(self.removeprefix(f"{self.values[FILM]}: "), self.code, rest, self.parts)

    def replaced(self, old: str, new: str) -> "Said":
        """The sentence with another word in the place of one, in its values too."""
        values = {name: _replaced(value, old, new) for name, value in self.values.items()}
        return Said.told(self.replace(old, new), self.code, values, tuple(p.replaced(old, new) for p in self.parts))

    def __reduce__(self) -> tuple[Any, ...]:
        return Said.told, (str(self), self.code, self.values, self.parts)


def _replaced(value: Value, old: str, new: str) -> Value:
    if isinstance(value, Said):
        return value.replaced(old, new)
    return value.replace(old, new) if isinstance(value, str) else value
