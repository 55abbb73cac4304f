"""Finding the files of a source."""

from pathlib import Path

TABLE_SUFFIXES = {".csv", ".tsv", ".json", ".txt", ".md"}
MASKS = "masks"


def film_files(root: Path) -> list[Path]:
    """Every file under `root` that might be a film, sorted: all but tables, notes, hidden files and masks.

    A stray PDF or archive is found on purpose, so that it is listed as left out rather than passed over.
    """
    found = []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") for part in parts) or path.name == "DICOMDIR"
        if path.is_file() and not hidden and MASKS not in parts[:-1] and path.suffix.lower() not in TABLE_SUFFIXES:
            found.append(path)
    return found


def mask_of(root: Path, film: Path) -> Path | None:
    """The mask picture of a film: same relative name under `masks/`, as PNG; None where there is none.

    Films may lie in `films/` or `images/` beside `masks/`, or directly in the root.
    """
    relative = film.relative_to(root)
    inner = Path(*relative.parts[1:]) if relative.parts[0] in {"films", "images"} else relative
    candidate = (root / MASKS / inner).with_suffix(".png")
    return candidate if candidate.is_file() else None
