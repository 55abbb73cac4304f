"""What lies behind the sentences of answers and refusals, so that they can be said in another language."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from engine.said import FILM, Said


@dataclass(frozen=True)
class Remark:
    """What lies behind a sentence: `text` as it stands there, its code and the values in it, sentences among them.

    film: of whom it is said, None where of none. parts: what it joins, where it has no code of its own.
    """

    text: str
    code: str
    values: "dict[str, str | int | float | Remark]" = field(default_factory=dict)
    film: str | None = None
    parts: tuple["Remark", ...] = ()

    @property
    def said(self) -> Said:
        """The sentence itself again."""
        values = {name: value.said if isinstance(value, Remark) else value for name, value in self.values.items()}
        film = {} if self.film is None else {FILM: self.film}
        return Said.told(self.text, self.code, values | film, tuple(part.said for part in self.parts))


def remark(said: Said) -> Remark:
    """A sentence with its code, as an answer tells it."""
    values = {
        name: remark(value) if isinstance(value, Said) else value for name, value in said.values.items() if name != FILM
    }
    film = said.values.get(FILM)
    return Remark(str(said), said.code, values, None if film is None else str(film), tuple(map(remark, said.parts)))


def remarks(*sentences: str | None) -> tuple[Remark, ...]:
    """Those of the sentences that have a code, or join some that have."""
    return tuple(remark(each) for each in sentences if isinstance(each, Said) and (each.code or each.parts))


def as_json(said: Said) -> str:
    """A sentence with its code, to be stored."""
    return json.dumps(asdict(remark(said)), ensure_ascii=False)


def from_json(text: str) -> Said:
    """`as_json`'s inverse."""
    return _read(json.loads(text)).said


def _read(told: Mapping[str, Any]) -> Remark:
    values = {name: _read(value) if isinstance(value, dict) else value for name, value in told["values"].items()}
    return Remark(told["text"], told["code"], values, told["film"], tuple(_read(part) for part in told["parts"]))
