"""What indexes by codes share: few vectors are compared one by one; else codes propose and exact vectors decide.

A subclass fits its codes, proposes candidates by them, and writes and reads them. Which vectors are gone or may not
answer is a bit a position, so the codes themselves are searched within the filter. Where the few that may answer are
fewer than a scan costs, they alone are compared; where the proposals fall short of k, too: k answers come whenever k
vectors may answer.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Self

import faiss
import numpy as np

from engine.embeddings import Ids, Vectors
from indexer.indexes.base import IdSet, Similarity
from indexer.indexes.rows import Positions, Rows
from indexer.indexes.threads import FEW, one_thread

SAMPLE = 256
"""Vectors held that ask in `tune`."""
NEIGHBOURS = 10
"""Of each, for recall@10."""
SEED = 0
LEARNED = 1 << 19
"""Vectors that codes are fitted to, at most."""
AT_ONCE = 1 << 16
"""Vectors that are coded together."""
GROWTH = 0.45
"""Power of what a filter leaves out by which the search is widened."""
MOST_WIDENED = 16
"""So many times, at most."""
STATE = "index.json"


@dataclass(frozen=True)
class Effort:
    """What a search spends. reach: candidates that exact vectors rank; probe: how far the codes are searched."""

    reach: int
    probe: int


class Selector:
    """Positions that may answer: bool `flags` (count,), and a bit each as FAISS takes them. share: of all positions."""

    def __init__(self, positions: Positions, count: int) -> None:
        self.flags = np.zeros(count, dtype=bool)
        self.flags[positions] = True
        self._bits = np.packbits(self.flags, bitorder="little")
        self.faiss = faiss.IDSelectorBitmap(len(self._bits), faiss.swig_ptr(self._bits))
        self.share = len(positions) / max(1, count)


class RescoredIndex(ABC):
    """An index whose codes propose and whose exact vectors decide. few: so many are compared one by one."""

    name: str
    FEW: ClassVar[int] = 4000
    FRESH: ClassVar[int] = 1000
    """Added since the codes were made: so many are compared one by one, so that none of them can be missed."""
    MISSED: ClassVar[float] = 0.5
    """Of what may be missed: so much by vectors held, with their patient's other films and their own place near."""
    EFFORTS: ClassVar[Sequence[Effort]]
    """From the cheapest to the dearest."""
    rescore: bool = True
    """Whether exact vectors rank what codes propose; else codes alone choose the k, and exact vectors order those."""

    def __init__(self, dimension: int, few: int | None = None) -> None:
        self.rows = Rows(dimension)
        self.few = self.FEW if few is None else few
        self.effort = self.EFFORTS[len(self.EFFORTS) // 2]
        self.fitted = False
        self.coded = 0
        self._alive: tuple[int, Selector] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self.rows.held_ids

    def build(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.build`."""
        self.rows = Rows.of(vectors, ids)
        self.fitted, self.coded = False, 0
        self._clear()
        self._follow()

    def add(self, vectors: Vectors, ids: Ids) -> None:
        """See `VectorIndex.add`; codes are fitted once there are too many to compare one by one."""
        self.rows.add(np.ascontiguousarray(vectors, np.float32), ids)
        self._follow()

    def _follow(self) -> None:
        """Fit and code what is held, where it is much enough."""
        if not self.fitted and len(self.rows) > self.few:
            self._fit(self.rows.sample(LEARNED, SEED), len(self.rows))
            self.fitted = True
            self._code()
        elif self.fitted and self.rows.count - self.coded > self.FRESH:
            self._code()

    def remove(self, ids: Ids) -> None:
        """See `VectorIndex.remove`."""
        gone = self.rows.remove(ids)
        coded = gone[gone < self.coded]
        if len(coded):
            self._drop(coded)

    def search(self, queries: Vectors, k: int, allowed: IdSet | None = None) -> tuple[Ids, Similarity]:
        """See `VectorIndex.search`."""
        with one_thread(len(queries) < FEW):
            return self._search(np.ascontiguousarray(queries, np.float32), k, allowed)

    def _search(self, queries: Vectors, k: int, allowed: IdSet | None) -> tuple[Ids, Similarity]:
        chosen = None if allowed is None else self.rows.chosen(allowed)
        if self._scans(k, chosen):
            return self.rows.nearest(queries, k, chosen)
        selector = self._selector(allowed, chosen)
        effort = self._spent(k, selector)
        proposed = self._propose(queries, effort, selector)
        if not self.rescore:
            proposed = leading(proposed, k)
        if self.coded < self.rows.count:
            proposed = np.concatenate([proposed, self._fresh(len(queries), selector)], axis=1)
        ids, near = self.rows.best(queries, proposed, k)
        short = np.flatnonzero(ids[:, -1] < 0)
        if len(short):
            ids[short], near[short] = self.rows.nearest(queries[short], k, chosen)
        return ids, near

    def way(self, k: int, allowed: IdSet | None = None) -> str:
        """See `VectorIndex.way`."""
        chosen = None if allowed is None else self.rows.chosen(allowed)
        if self._scans(k, chosen):
            return "all compared" if chosen is None else "all that may answer compared"
        effort = self._spent(k, self._selector(allowed, chosen))
        inside = "" if chosen is None else ", within the filter"
        by = f"{self._called(effort)}{inside}"
        return f"{effort.reach} proposed by {by}, compared exactly" if self.rescore else f"{k} chosen by {by}"

    def tune(self, recall: float) -> float:
        """See `VectorIndex.tune`."""
        if not self.fitted:
            return 1.0
        asked = np.random.default_rng(SEED).choice(self.rows.held, min(SAMPLE, len(self.rows)), replace=False)
        queries = self.rows.vectors(asked)
        own = self.rows.ids[asked].astype(np.int64)
        exact, _ = self.rows.nearest(queries, NEIGHBOURS + 1)
        found = 0.0
        for effort in self.EFFORTS:
            self.effort = effort
            met, _ = self.search(queries, NEIGHBOURS + 1)
            found = float(np.mean([_shared(*each) for each in zip(exact, met, own, strict=True)]))
            if 1 - found <= self.MISSED * (1 - recall):
                break
        return found

    def resident(self) -> int:
        """See `VectorIndex.resident`."""
        return self.rows.resident() + (self._weight() if self.fitted else 0)

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`."""
        self.rows.save(folder)
        coded = self.coded if self.fitted else None
        state = {"name": self.name, "few": self.few, "coded": coded, "effort": asdict(self.effort)}
        (folder / STATE).write_text(json.dumps(state), encoding="utf-8")
        if self.fitted:
            self._write(folder)

    @classmethod
    def load(cls, folder: Path, dimension: int) -> Self:
        """See `VectorIndex.load`."""
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        index = cls(dimension, state["few"])
        index.rows = Rows.load(folder, dimension)
        index.effort = Effort(**state["effort"])
        if state["coded"] is not None:
            index.fitted, index.coded = True, state["coded"]
            index._read(folder)
        return index

    def _scans(self, k: int, chosen: Positions | None) -> bool:
        """Whether comparing all that may answer costs less than codes do."""
        among = len(self.rows) if chosen is None else len(chosen)
        return not self.fitted or among <= max(self.few, 2 * k)

    def _code(self) -> None:
        """Bring every row into the codes."""
        while self.coded < self.rows.count:
            fresh = np.arange(self.coded, min(self.coded + AT_ONCE, self.rows.count))
            self._put(self.rows.vectors(fresh))
            self.coded += len(fresh)

    def _fresh(self, queries: int, selector: Selector | None) -> Positions:
        """int64 (queries, n): rows that may answer and are not coded yet."""
        places = np.arange(self.coded, self.rows.count)
        if selector is not None:
            places = places[selector.flags[places]]
        return np.broadcast_to(places, (queries, len(places)))

    def _selector(self, allowed: IdSet | None, chosen: Positions | None) -> Selector | None:
        """What the codes are searched within; None where every position may answer."""
        count, generation = self.rows.count, self.rows.generation
        if allowed is not None and chosen is not None:
            return allowed.once(self, generation, lambda: Selector(chosen, count))
        if self.rows.gone is None:
            return None
        if self._alive is None or self._alive[0] != generation:
            self._alive = generation, Selector(self.rows.held, count)
        return self._alive[1]

    def _spent(self, k: int, selector: Selector | None) -> Effort:
        """The effort for k neighbours: wider where a filter leaves few of what is met."""
        wider = 1.0 if selector is None else min(MOST_WIDENED, (1 / selector.share) ** GROWTH)
        more = max(1.0, k / NEIGHBOURS)
        return Effort(min(int(self.effort.reach * more), self.rows.count), int(self.effort.probe * wider * more**0.5))

    @abstractmethod
    def _clear(self) -> None:
        """Forget all codes."""

    @abstractmethod
    def _fit(self, vectors: Vectors, count: int) -> None:
        """Learn from float32 (n, d), all that are held or a sample of them, what codes for `count` of them need."""

    @abstractmethod
    def _put(self, vectors: Vectors) -> None:
        """Code further rows, those from position `coded` on, in order."""

    @abstractmethod
    def _drop(self, positions: Positions) -> None:
        """Wipe out the codes of these positions, whose places stay."""

    @abstractmethod
    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        """int64 (m, effort.reach) positions for queries (m, d), nearest codes first, -1 for none."""

    @abstractmethod
    def _weight(self) -> int:
        """Bytes of the codes in memory."""

    @abstractmethod
    def _called(self, effort: Effort) -> str:
        """How the codes are searched, in a few words."""

    @abstractmethod
    def _write(self, folder: Path) -> None:
        """Write the codes."""

    @abstractmethod
    def _read(self, folder: Path) -> None:
        """Read what `_write` wrote."""


def leading(positions: Positions, k: int) -> Positions:
    """The first k of each row of int64 (m, n) that stand for something, in order; -1 for none."""
    order = np.argsort(positions < 0, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(positions, order, axis=1)


def _shared(exact: Ids, met: Ids, own: int) -> float:
    """Share of the exact neighbours that were met, the asking vector itself left out."""
    wanted = exact[exact != own][:NEIGHBOURS]
    return len(np.intersect1d(wanted, met)) / max(1, len(wanted))
