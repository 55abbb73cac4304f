"""What lies behind the sentences of an answer, so that they can be said in another language."""

from dataclasses import dataclass, field

from engine.said import FILM, Said


@dataclass(frozen=True)
class Remark:
    """What lies behind a sentence of an answer: `text` as it stands there, its code and the values in it.

    film: of whom it is said, None where of none. parts: what it joins, where it has no code of its own.
    """

    text: str
    code: str
    values: dict[str, str | int | float] = field(default_factory=dict)
    film: str | None = None
    parts: tuple["Remark", ...] = ()


def remark(said: Said) -> Remark:
    """A sentence with its code, as an answer tells it."""
    values = {name: value for name, value in said.values.items() if name != FILM}
    film = said.values.get(FILM)
    return Remark(str(said), said.code, values, None if film is None else str(film), tuple(map(remark, said.parts)))


def remarks(*sentences: str | None) -> tuple[Remark, ...]:
    """Those of the sentences that have a code, or join some that have."""
    return tuple(remark(each) for each in sentences if isinstance(each, Said) and (each.code or each.parts))
