"""Engines measured against each other: a process each, some at a time, asked in turns."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.ann.data import Data
from benchmarks.ann.engines import ENGINES, Engine
from benchmarks.ann.lane import Lane, LaneEnded
from benchmarks.ann.store import Row, Store
from engine.errors import NotFound

SPARE = 0.6
"""Share of the free memory that engines may fill together."""
COPIES, ALONE = 3, 400 << 20
"""Copies of the vectors that an engine may hold while it builds, and bytes of its libraries."""
Told = Callable[[str], None]
"""Takes a line on how far a run is: one at a million vectors takes hours."""


@dataclass(frozen=True)
class Plan:
    """What to measure. engines: names, in order. together: processes at a time, None = as memory allows.

    variants: of the engines that have any of these, these alone.
    """

    engines: tuple[str, ...]
    threads: int
    patience: float = 3600.0
    together: int | None = None
    variants: tuple[str, ...] = ()

    def of(self, engine: type[Engine]) -> list[str]:
        """The variants of an engine that are to be measured."""
        named = [variant for variant in engine.variants if variant in self.variants]
        return named or list(engine.variants)


def words(text: str | None) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def chosen(named: str | None) -> tuple[str, ...]:
    """Names of engines from a list with commas of names and kinds; None = all.

    Raises:
        NotFound: a word that is neither.
    """
    if named is None:
        return tuple(ENGINES)
    wanted = words(named)
    kinds = {engine.kind for engine in ENGINES.values()}
    for word in wanted:
        if word not in ENGINES and word not in kinds:
            raise NotFound(f"there is no engine {word!r}; choose of {', '.join([*ENGINES, *sorted(kinds)])}")
    return tuple(name for name, engine in ENGINES.items() if name in wanted or engine.kind in wanted)


def run(data: Data, plan: Plan, store: Store, tell: Told = lambda line: None) -> None:
    """Measure what is not stored yet; a variant that fails is noted, and the others go on."""
    store.begin(data)
    waiting = list(_waiting(data, plan, store))
    store.save()
    at_once = plan.together or _fitting(data)
    for start in range(0, len(waiting), at_once):
        _together(data, plan, store, waiting[start : start + at_once], tell)


def _waiting(data: Data, plan: Plan, store: Store) -> Iterator[tuple[str, str]]:
    """(engine, variant) that can be measured here and were not."""
    for name in plan.engines:
        engine = ENGINES[name]
        why = engine.installed()
        if why is None and engine.most is not None and data.n > engine.most:
            why = f"asked up to {engine.most:,} vectors only; {engine.remark}"
        for variant in plan.of(engine):
            if why is not None:
                store.fail(data, name, variant, why)
            elif not store.done(data, name, variant, engine.version()):
                yield name, variant


def _fitting(data: Data) -> int:
    """Engines that fit in memory beside each other."""
    each = COPIES * 4 * 256 * data.n + ALONE
    return max(1, int(SPARE * _free() / each))


def _free() -> int:
    """Bytes of memory that processes could still take."""
    facts = Path("/proc/meminfo")
    if facts.is_file():
        line = next(line for line in facts.read_text().splitlines() if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _together(data: Data, plan: Plan, store: Store, names: Sequence[tuple[str, str]], tell: Told) -> None:
    """Build these one after another, then ask all of them in each round, so that what else runs falls on all alike."""
    lanes: dict[Lane, list[Row]] = {}
    try:
        for name, variant in names:
            tell(f"builds {name} {variant}")
            _open(data, plan, store, lanes, name, variant)
        for number in range(store.rounds):
            tell(f"round {number + 1} of {store.rounds}: {len(lanes)} in turns")
            order = list(lanes) if number % 2 == 0 else list(lanes)[::-1]
            for lane in order:
                _round(data, store, lanes, lane)
    finally:
        for lane in lanes:
            lane.close()


def _open(data: Data, plan: Plan, store: Store, lanes: dict[Lane, list[Row]], name: str, variant: str) -> None:
    lane = Lane(name, variant, data, plan.threads, plan.patience)
    lanes[lane] = []
    with _noted(data, store, lanes, lane):
        built = lane.build()
        settings: list[dict[str, Any]] = built.pop("settings")
        found = [lane.recall(setting) for setting in settings]
        built |= lane.save()
        engine = ENGINES[name]
        shared = {"data": data.name, "n": data.n, "engine": name, "kind": engine.kind, "variant": variant}
        shared |= built | {"version": engine.version(), "threads": plan.threads, "remark": engine.remark}
        lanes[lane] = [
            shared | {"setting": setting, "recall": recall, "rounds": []}
            for setting, recall in zip(settings, found, strict=True)
        ]


def _round(data: Data, store: Store, lanes: dict[Lane, list[Row]], lane: Lane) -> None:
    with _noted(data, store, lanes, lane):
        for row in lanes[lane]:
            row["rounds"].append(lane.measure(row["setting"]))
        store.replace(data, lane.engine, lane.variant, lanes[lane])
        store.save()


@contextmanager
def _noted(data: Data, store: Store, lanes: dict[Lane, list[Row]], lane: Lane) -> Iterator[None]:
    """Note a worker's end instead of ending with it, and go on without the lane."""
    try:
        yield
    except LaneEnded as ended:
        del lanes[lane]
        lane.close()
        store.fail(data, lane.engine, lane.variant, str(ended))
        store.save()
