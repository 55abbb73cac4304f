"""The near-duplicates of an archive while films come and go: each new film meets those that are there."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from engine.errors import ArchiveCorrupt
from indexer.duplicates.hashes import Grey
from indexer.duplicates.likeness import NEAR, SIDE, likeness, small_picture

if TYPE_CHECKING:
    from indexer.duplicates.lookalikes import Lookalikes

Row = dict[str, Any]
Couple = tuple[int, int]


class NearFilms:
    """Pairs of near-duplicate films by their ids, the lower first, with their likeness.

    films: the catalogue's rows of the films held, a view on what the caller keeps up to date. stored: the catalogue's
    pairs. picture: the bytes of a film's small picture.
    """

    def __init__(
        self, films: Mapping[int, Row], stored: Mapping[Couple, float], picture: Callable[[Row], bytes]
    ) -> None:
        self.pairs: dict[Couple, float] = dict(stored)
        self._films, self._picture = films, picture
        self._lookalikes: Lookalikes | None = None

    def meet(self, row: Row) -> dict[Couple, float]:
        """The pairs that a new film, whose row is not among the films yet, makes with those held."""
        known = self._known()
        found: dict[Couple, float] = {}
        matches = known.near(row["phash"])
        mine = self._small(row) if matches else None
        for match in matches:
            assert mine is not None
            alike = likeness(mine, self._small(self._films[match.film]), match)
            if alike >= NEAR:
                found[match.film, row["film"]] = alike
        known.add(row["film"], row["phash"])
        self.pairs |= found
        return found

    def leave(self, film: int) -> None:
        """Forget a film that is no longer held, and its pairs."""
        if self._lookalikes is not None:
            self._lookalikes.remove(film)
        for couple in [couple for couple in self.pairs if film in couple]:
            del self.pairs[couple]

    def _known(self) -> "Lookalikes":
        """The films held, by their hashes; gathered at the first new film, since most runs and queries have none."""
        if self._lookalikes is None:
            # datasketch takes most of a second to import, and a command that adds no film needs none of it
            from indexer.duplicates.lookalikes import Lookalikes

            self._lookalikes = Lookalikes()
            for film, row in self._films.items():
                self._lookalikes.add(film, row["phash"])
        return self._lookalikes

    def _small(self, row: Row) -> Grey:
        """A film's small picture, from that which answers show; decoded at half its size where that is large enough."""
        data = np.frombuffer(self._picture(row), dtype=np.uint8)
        short, long = sorted((row["rows"], row["columns"]))
        halved = long >= 4 * SIDE and 2 * short >= long
        picture = cv2.imdecode(data, cv2.IMREAD_REDUCED_GRAYSCALE_2 if halved else cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ArchiveCorrupt(f"the small picture of film {row['film']} is damaged; index the films anew")
        return small_picture(np.asarray(picture, dtype=np.uint8))
