"""What every reader of film files gives."""

from typing import Protocol

from engine.radiograph import Radiograph

HEAD = 4096
"""Bytes from a file's start that are shown to `recognises`."""


class Reader(Protocol):
    """Turns the bytes of one kind of file into a radiograph. Readers keep nothing and serve many threads at once."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that starts so is of this kind; a renamed file is known by its bytes, not by its name."""
        ...

    def read(self, data: bytes, name: str, sha256: str, at_least: int | None) -> Radiograph:
        """The film in `data`.

        name: for `Radiograph.source`; messages leave it out, the door adds it. sha256: of `data`. at_least: long side
        in pixels that is enough for the caller, so that the reader may decode at a reduced scale; None = all pixels.

        Raises:
            UnreadableFilm: the bytes are no whole picture. UnsupportedFilm: whole, but not one grey film.
        """
        ...
