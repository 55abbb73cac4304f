"""What a search takes beside its films, as the client sends it; the board asks the same."""

from collections.abc import Sequence
from typing import Any, TypedDict

from api.boxes import Box, Whole, format_box
from api.transport import File


class Asked(TypedDict, total=False):
    """See `Client.search`."""

    k: int
    where: str | None
    include_self: bool
    all_stages: bool
    age: float | None
    sex: str | None
    site: str | None


Part = tuple[str, tuple[str, bytes, str]]


def question(
    files: Sequence[File], roi: Sequence[Box | Whole | None] | None, **asked: Any
) -> tuple[dict[str, object], list[Part]]:
    """A form's fields and its films. asked: see `Asked`; what is None is not sent."""
    fields: dict[str, object] = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in asked.items()
        if value is not None
    }
    fields["roi"] = [format_box(box) for box in roi or ()]
    return fields, [("files", (name, data, "application/octet-stream")) for name, data in files]
