"""The protocol of a source: a folder of films with what is known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from indexer.records import FilmRecord, History


@dataclass(frozen=True)
class SourceOptions:
    """How a user describes a source.

    table: CSV of the films (folder layout); None = the one CSV that lies there. columns: field -> column name, for
    tables with other names. issuer: who gave the patient numbers, so that two hospitals' equal numbers stay apart;
    None = the layout's default.
    """

    table: Path | None = None
    columns: dict[str, str] = field(default_factory=dict)
    issuer: str | None = None


@dataclass(frozen=True)
class Listing:
    """All that a source holds, before any pixel is read.

    films: one record per file found, and per file that a table names in vain. histories: by the patient's identifier.
    issuer: see `SourceOptions`. synthetic: nothing in it comes from a real person. unread: columns of its table that
    are no field of a film, and were passed over.
    """

    films: Sequence[FilmRecord]
    issuer: str
    title: str
    histories: dict[str, History] = field(default_factory=dict)
    synthetic: bool = False
    unread: tuple[str, ...] = ()


class Source(Protocol):
    """A layout of films on disk."""

    def recognises(self, root: Path) -> bool:
        """Whether the folder looks like this layout; cheap."""
        ...

    def list(self, root: Path, options: SourceOptions) -> Listing:
        """Everything in the folder, in a stable order.

        Raises:
            SourceError: where a table is missing or cannot be understood.
        """
        ...
