"""Stored evaluations: JSON files of a folder, as `caselink evaluate` and `caselink validate` write them."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import NotFound
from engine.said import Said

LARGEST = 16 << 20
"""Bytes of a file that is read."""
MOST = 500
"""Files of the folder that are looked at, newest first."""
SAME = 1e-9
"""Figures no farther apart are one."""
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
        no_folder = "there is no evaluation {run!r}; no folder of evaluations is set; set CASELINK_RUNS"
        no_name = "there is no evaluation {run!r}; take a name from the list"
        asked = name[:40]
        raise NotFound(Said("no_runs", no_folder, run=asked) if folder is None else Said("no_run", no_name, run=asked))
    return run


MEASURES = ("precision", "hit", "vote_accuracy", "macro_recall", "map")
"""Figures that are held against another run's."""
Figure = tuple[str, int | None]
"""Measure and number of neighbours; None where it holds for any."""


def differences(one: Run, other: Run) -> list[dict[str, Any]]:
    """Every figure of the groups that both have, and `other` - `one`; with its interval where one was paired with it.

    A run names what it was paired with by archive and model alone, which many runs share, so that the pair is known by
    its figures: all of a group's are the other run's.
    """
    found = []
    for group in (name for name in one.evaluation["groups"] if name in other.evaluation["groups"]):
        first, second = (_figures(run.evaluation["groups"][group]) for run in (one, other))
        between = _between(one, first, second, group) or _between(other, second, first, group, sign=-1)
        for (measure, k), value in first.items():
            if (measure, k) in second:
                low, high = between.get((measure, k), (None, None))
                told = {"first": value, "second": second[measure, k], "difference": second[measure, k] - value}
                found.append({"group": group, "measure": measure, "k": k, **told, "low": low, "high": high})
    return found


def _figures(group: dict[str, Any], leaf: str = "value") -> dict[Figure, float]:
    """A group's figures; those that are no numbers are passed by."""
    found: dict[Figure, Any] = {}
    for measure in MEASURES:
        held = group.get(measure)
        if isinstance(held, dict) and leaf in held:
            found[measure, None] = held[leaf]
        elif isinstance(held, dict):
            by_k = {k: each.get(leaf) for k, each in held.items() if k.isdigit() and isinstance(each, dict)}
            found |= {(measure, int(k)): value for k, value in by_k.items()}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


def _between(
    run: Run, own: dict[Figure, float], others: dict[Figure, float], group: str, sign: int = 1
) -> dict[Figure, tuple[float, float]]:
    """Intervals of others - own (own - others for the sign -1) that a run stored; none if its pair is another run."""
    paired = run.evaluation.get("paired")
    groups = paired.get("groups") if isinstance(paired, dict) else None
    stored = groups.get(group) if isinstance(groups, dict) else None
    if not isinstance(stored, dict):
        return {}
    this, other = _figures(stored, "this"), _figures(stored, "other")
    same = this and all(_near(own.get(name), this[name]) and _near(others.get(name), other.get(name)) for name in this)
    low, high = _figures(stored, "low"), _figures(stored, "high")
    if not same:
        return {}
    known = [name for name in this if name in low and name in high]
    return {name: (-high[name], -low[name]) if sign > 0 else (low[name], high[name]) for name in known}


def _near(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) < SAME


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
