"""What is asked of the archive: equal questions have one answer."""

from dataclasses import dataclass
from typing import Literal

from ui.boxes import Box
from ui.told import Told


@dataclass(frozen=True)
class Criteria:
    """What is asked beside the films. where: filter text, None for all."""

    k: int
    where: str | None = None
    include_self: bool = False
    all_stages: bool = False


@dataclass(frozen=True)
class Question:
    """All that an answer hangs on.

    films: keys in their order. regions: of each film the drawn box, `whole`, or None for what the archive proposes.
    version: of the archive, so that a new one is asked anew.
    """

    films: tuple[str, ...]
    regions: tuple[Box | Literal["whole"] | None, ...]
    criteria: Criteria
    told: Told
    version: int
