"""Stored evaluations: JSON files of a folder, as `caselink evaluate` and `caselink validate` write them."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import NotFound

LARGEST = 16 << 20
"""Bytes of a file that is read."""
MOST = 500
"""Files of the folder that are looked at, newest first."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Run:
    """One evaluation. name: of its file, without .json. written: ISO, UTC. evaluation: the file's content."""

    name: str
    written: str
    evaluation: dict[str, Any]

    @property
    def manifest(self) -> dict[str, Any]:
        """What was run."""
        found: dict[str, Any] = self.evaluation["manifest"]
        return found

    @property
    def whole(self) -> dict[str, Any]:
        """The figures of all films."""
        found: dict[str, Any] = self.evaluation["groups"]["all"]
        return found


def list_runs(folder: Path | None) -> list[Run]:
    """The evaluations of a folder, newest first; other files there are passed by. None: no folder is set."""
    if folder is None or not folder.is_dir():
        return []
    dated = sorted(((_stamp(path), path) for path in folder.glob("*.json")), reverse=True)
    found = (_read(path) for _, path in dated[:MOST] if _NAME.fullmatch(path.stem))
    return [run for run in found if run is not None]


def read_run(folder: Path | None, name: str) -> Run:
    """One evaluation by its name.

    Raises:
        NotFound: no folder is set, or it has no evaluation of that name.
    """
    run = _read(folder / f"{name}.json") if folder is not None and _NAME.fullmatch(name) else None
    if run is None:
        where = "no folder of evaluations is set; set CASELINK_RUNS" if folder is None else "take a name from the list"
        raise NotFound(f"there is no evaluation {name[:40]!r}; {where}")
    return run


def _read(path: Path) -> Run | None:
    """The evaluation in a file; None where it is none, or too large, or not a plain file of the folder."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("manifest"), dict):
        return None
    groups = found.get("groups")
    if not isinstance(groups, dict) or not isinstance(groups.get("all"), dict):
        return None
    if not all(isinstance(groups["all"].get(name), int) for name in ("n_films", "n_patients")):
        return None
    written = datetime.fromtimestamp(_stamp(path), UTC).isoformat(timespec="seconds")
    return Run(path.stem, written, found)


def _stamp(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
