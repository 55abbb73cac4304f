"""Archived films by their number: from their own file, else from the archive's small copy."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from api.schemas import NOTICE, ArchivedFilm
from engine.errors import ArchiveCorrupt, FilmError, NotFound
from engine.radiograph import Radiograph
from engine.readers import read
from engine.region import Origin, Region
from engine.said import Said
from indexer.archive import Snapshot
from indexer.packs import COLUMNS, Place, read_picture

SHOWN = (
    "film", "patient", "entity", "malignancy", "proof", "site", "side", "view", "taken", "age", "sex", "centre",
    "stage", "rows", "columns",
)  # fmt: skip


@dataclass(frozen=True)
class Archived:
    """An archived film. sha256: of the file indexed. region: what was embedded. shape: full (rows, columns)."""

    film: int
    file: str
    uri: str
    sha256: str
    thumbnail: Place
    synthetic: bool
    region: Region
    shape: tuple[int, int]


def find(snapshot: Snapshot, film: int) -> Archived:
    """Where a film lies and what of it was embedded.

    Raises:
        NotFound: the archive has none of that number.
    """
    facts = _row(snapshot, film)
    return Archived(
        film,
        facts["file"],
        facts["uri"],
        facts["sha256"],
        Place(*(facts[name] for name in COLUMNS)),
        _synthetic(snapshot, facts),
        Region(facts["x0"], facts["y0"], facts["x1"], facts["y1"], Origin(facts["region"])),
        (facts["rows"], facts["columns"]),
    )


def describe(snapshot: Snapshot, film: int) -> ArchivedFilm:
    """A film and its lesion, for people.

    Raises:
        NotFound: the archive has none of that number.
    """
    facts = _row(snapshot, film)
    spacing = facts["spacing_row"], facts["spacing_column"]
    return ArchivedFilm(
        NOTICE,
        _synthetic(snapshot, facts),
        **{name: facts[name] for name in SHOWN},
        region=(facts["x0"], facts["y0"], facts["x1"], facts["y1"]),
        region_origin=facts["region"],
        spacing_mm=None if None in spacing else spacing,
    )


def _row(snapshot: Snapshot, film: int) -> dict[str, Any]:
    row = snapshot.row_of_film(film)
    if row is None:
        told = "the archive has no film {number}; take its number from an answer"
        raise NotFound(Said("no_archived_film", told, number=str(film)))
    found: dict[str, Any] = snapshot.films.slice(row, 1).to_pylist()[0]
    return found


def _synthetic(snapshot: Snapshot, facts: dict[str, Any]) -> bool:
    source = snapshot.manifest.sources.get(facts["source"])
    return snapshot.manifest.synthetic if source is None else source.synthetic


def original(found: Archived, at_least: int | None) -> Radiograph | None:
    """The film from its own file; None where that is gone, changed or cannot be read any more.

    at_least: long side in pixels that is enough; None = all pixels.
    """
    parts = urlsplit(found.uri)
    if parts.scheme != "file":
        return None
    try:
        data = Path(unquote(parts.path)).read_bytes()
        return read(data, name=found.file, at_least=at_least) if sha256(data).hexdigest() == found.sha256 else None
    except (OSError, FilmError):
        return None


def thumbnail(root: Path, found: Archived) -> Radiograph:
    """The archive's own small copy, in the coordinates of the full film.

    Raises:
        NotFound: that is gone too.
    """
    try:
        small = read(read_picture(root, found.thumbnail), name=found.file)
    except (ArchiveCorrupt, FilmError):
        told = (
            "film {number} cannot be shown: its original has moved or changed and the archive's copy is gone; put the "
            "original back, or index the films anew"
        )
        raise NotFound(Said("film_gone", told, number=str(found.film))) from None
    return replace(small, full_shape=found.shape)
