"""caselink's speed over that of others, each at its fastest that finds enough."""

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
NEAR, HASHED = 0.95, 0.9
"""Recall that both sides must reach; of hash tables."""
WHOLE = "caselink"
"""The whole path, from a filter to the vote, which stands against bare libraries and systems."""
OWN_LSH = "caselink-lsh"
BINARY = "faiss-binary"
DATASKETCH = "datasketch"


def ratios(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """By name. Rows are of one data, each with recall, batch_qps, single_qps, kind and names.

    A ratio is own over other, over 1 where caselink is faster; None with its reason where a side is missing.
    """
    own, libraries, systems = (_kind(rows, kind) for kind in ("own", "library", "system"))
    whole = [row for row in own if row["engine"] == WHOLE]
    indexes = [row for row in own if row["engine"] != WHOLE]
    lsh, binary = ([row for row in rows if row["engine"] == name] for name in (OWN_LSH, BINARY))
    found = {}
    for more, measure in (("", "batch_qps"), ("_single", "single_qps")):
        found[f"best_library{more}"] = _ratio(whole, libraries, NEAR, measure, "library")
        found[f"best_system{more}"] = _ratio(whole, systems, NEAR, measure, "system")
        found[f"index_over_best_library{more}"] = _ratio(indexes, libraries, NEAR, measure, "library")
        found[f"lsh_over_datasketch{more}"] = _over_datasketch(rows, measure)
        found[f"lsh_over_best_binary{more}"] = _ratio(lsh, binary, HASHED, measure, "binary index of FAISS")
    return found


def fastest(rows: Sequence[Row], recall: float, measure: str) -> Row | None:
    """The fastest row that finds at least so much; None where none does."""
    good = [row for row in rows if row["recall"] >= recall]
    return max(good, key=lambda row: float(row[measure]), default=None)


def _kind(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _ratio(own: Sequence[Row], others: Sequence[Row], recall: float, measure: str, what: str) -> dict[str, Any]:
    mine, other = fastest(own, recall, measure), fastest(others, recall, measure)
    missing = [name for name, row in (("caselink", mine), (what, other)) if row is None]
    reason = f"no {' and no '.join(missing)} was measured at recall {recall:g} or more" if missing else None
    return _said(mine, other, measure, recall, reason)


def _over_datasketch(rows: Sequence[Row], measure: str) -> dict[str, Any]:
    """As `_ratio`; where datasketch never finds enough, its best recall stands, and the reason says so."""
    hashed = [row for row in rows if row["engine"].startswith(DATASKETCH)]
    own = [row for row in rows if row["engine"] == OWN_LSH]
    if not hashed or fastest(hashed, HASHED, measure) is not None:
        return _ratio(own, hashed, HASHED, measure, "hash table of datasketch")
    mine, other = fastest(own, HASHED, measure), max(hashed, key=_by_recall(measure))
    reason = f"datasketch finds no more than {other['recall']:.3f}, where it stands"
    if mine is None:
        reason = f"no hash table of caselink was measured at recall {HASHED:g} or more; {reason}"
    return _said(mine, other, measure, HASHED, reason)


def _by_recall(measure: str) -> Callable[[Row], tuple[float, float]]:
    return lambda row: (row["recall"], row[measure])


def _said(mine: Row | None, other: Row | None, measure: str, recall: float, reason: str | None) -> dict[str, Any]:
    ratio = None if mine is None or other is None else mine[measure] / other[measure]
    sides = {"own": _named(mine, measure), "other": _named(other, measure)}
    n = next((row["n"] for row in (mine, other) if row is not None), None)
    return {"ratio": ratio, "reason": reason, "measure": measure, "least_recall": recall, "n": n} | sides


def _named(row: Row | None, measure: str) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: row[name] for name in ("engine", "variant", "setting", "recall")} | {"qps": row[measure]}
