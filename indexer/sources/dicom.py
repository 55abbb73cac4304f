"""A folder of DICOM files: headers say what the films are; optional tables say what the patients had."""

import json
from pathlib import Path

from engine.errors import SourceError
from indexer.sources.base import Listing, SourceOptions
from indexer.sources.files import film_files, mask_of
from indexer.sources.history import FILM_FIELDS, film_of, read_histories
from indexer.sources.tables import read_table

PEEK_FILES = 20


class DicomSource:
    """Any tree of DICOM files, with `diagnoses.csv`, `events.csv`, `films.csv` and `masks/` where they are given.

    Films lie in `films/` where there is such a folder, else anywhere. `source.json` may give a title and say that
    the films are synthetic.
    """

    def recognises(self, root: Path) -> bool:
        """See `Source.recognises`."""
        start = root / "films" if (root / "films").is_dir() else root
        return any(_is_dicom(path) for path in film_files(start)[:PEEK_FILES])

    def list(self, root: Path, options: SourceOptions) -> Listing:
        """See `Source.list`."""
        facts = _facts(root / "source.json")
        start = root / "films" if (root / "films").is_dir() else root
        table = root / "films.csv"
        rows = {row["file"]: row for row in read_table(table, ["file"], FILM_FIELDS)} if table.is_file() else {}
        films = []
        for path in film_files(start):
            file = path.relative_to(root).as_posix()
            row = rows.pop(file, None) or rows.pop(path.relative_to(start).as_posix(), {})
            films.append(film_of(row, file, path, mask_of(root, path), f"films.csv, {file}"))
        films += [film_of(row, file, None, None, f"films.csv, {file}") for file, row in rows.items()]
        title = str(facts.get("title") or root.name)
        synthetic = facts.get("synthetic") is True
        return Listing(films, options.issuer or "", title, read_histories(root), synthetic)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _facts(path: Path) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise SourceError("source.json is not JSON; mend it or take it away") from None
    if not isinstance(facts, dict):
        raise SourceError("source.json must hold an object; mend it or take it away")
    return facts
