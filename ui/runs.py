"""Reading a stored evaluation: its figures by their place in the file, None where a run does not store them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from ui.words import decimal, say

Evaluation = Mapping[str, Any]
ALL = "all"
MEASURES = ("precision", "vote_accuracy", "macro_recall", "hit")
ANY = ""
"""In the place of k, where a figure holds for any."""
BALLOTS = ("votes", "weighted", "calibrated")
"""Ways to count votes."""
PLAIN = ("brier",)
"""Figures that are no shares."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; low and high None where none is stored."""

    value: float
    low: float | None = None
    high: float | None = None


def at(found: Any, *path: str) -> Any:
    """What lies at a path of names; None where the way ends before."""
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def estimate(found: Any) -> Estimate | None:
    """A figure as a run stores it, with or without an interval."""
    if isinstance(found, Mapping):
        value, low, high = (_number(found.get(name)) for name in ("value", "low", "high"))
        return None if value is None else Estimate(value, *((low, high) if None not in (low, high) else (None, None)))
    value = _number(found)
    return None if value is None else Estimate(value)


def _number(found: Any) -> float | None:
    real = isinstance(found, int | float) and not isinstance(found, bool) and isfinite(found)
    return float(found) if real else None


def ks(run: Evaluation, group: str = ALL) -> list[str]:
    """Numbers of neighbours that a run reports, ascending."""
    named = {k for name in MEASURES for k in (at(run, "groups", group, name) or {}) if str(k).isdigit()}
    return sorted(named, key=int)


def vote_k(run: Evaluation) -> str | None:
    """Number of neighbours of the usual vote."""
    told, known = str(at(run, "manifest", "vote_k")), ks(run)
    return told if told in known else (known[-1] if known else None)


def by_k(figures: Any, measure: str, known: Sequence[str]) -> dict[str, Estimate]:
    """A measure by number of neighbours; one figure for all where it holds for any."""
    held = at(figures, measure)
    whole = estimate(held)
    every = {k: whole or estimate(at(held, k)) for k in known}
    return {k: one for k, one in every.items() if one is not None}


def at_k(k: str) -> str:
    """The title of a column of figures."""
    return say("evaluate.at", k=k) if k else say("evaluate.any")


def floors(run: Evaluation, group: str) -> dict[str, Any]:
    """What a run stores beside its own figures, by kind: metadata, shortcut, majority, untrained."""
    baselines = at(run, "groups", group, "baselines") or {}
    found = {name: baselines.get(name) for name in ("metadata", "shortcut", "majority")}
    found["untrained"] = at(run, "floor", group)
    return {name: figures for name, figures in found.items() if isinstance(figures, Mapping)}


def columns(run: Evaluation) -> dict[str, list[str]]:
    """Columns that a run reports by, such as centre, with the names of their groups."""
    found: dict[str, list[str]] = {}
    for group in at(run, "groups") or {}:
        if group != ALL and "=" in group:
            found.setdefault(group.split("=", 1)[0], []).append(group)
    return found


def cell(one: Estimate | None, per_cent: bool = True) -> str:
    """A figure in per cent with its interval: 56.7 (54.1–59.0); a dash where there is none."""
    if one is None:
        return say("evaluate.nothing")
    shown = figure(one.value, per_cent)
    if one.low is None or one.high is None:
        return shown
    return f"{shown} ({figure(one.low, per_cent)}–{figure(one.high, per_cent)})"


def figure(value: float, per_cent: bool = True) -> str:
    """A figure in per cent with one decimal, or as it is with two."""
    return decimal(100 * value, 1) if per_cent else decimal(value)


def signed(value: float) -> str:
    """A difference of shares in points of a per cent, with its sign."""
    return ("+" if value > 0 else "−" if value < 0 else "") + decimal(abs(100 * value), 1)


def difference(value: float, low: float | None, high: float | None) -> str:
    """A difference with its interval: +1.2 (−0.3 to +2.5)."""
    if low is None or high is None:
        return signed(value)
    return say("evaluate.between", value=signed(value), low=signed(low), high=signed(high))
