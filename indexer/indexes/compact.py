"""A few dozen bytes a vector in memory: cells (IVF) of short codes; exact vectors stay on disk, memory-mapped.

A code takes 28 bytes: 56 numbers, the widest of PCA, each as one of sixteen values (4-bit product codes, Jegou et al.
2011, in the layout of André et al. 2015 that compares 32 codes at once). What is coded is the way from the cell's
centre, and the numbers are turned among themselves, so that none of them has much more to tell than another. With 8
bytes for a position, 4 for an id and 4 for a patient's code a film takes 44 bytes and what its cell is padded by.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np

from engine.embeddings import Vectors
from indexer.indexes.reduction import Reduction
from indexer.indexes.rescored import SEED, Effort, RescoredIndex, Selector
from indexer.indexes.rows import Positions

NUMBERS = 56
"""Of the widest directions that a code holds."""
PER_CELL = 64
"""Vectors a cell that its centre is fitted to."""
LEAST = 1024
"""Vectors that the sixteen values of a number are fitted to, where there are so many."""
CELLS, DIRECTIONS = "cells.faiss", "directions.npy"


class CompactIndex(RescoredIndex):
    """FAISS `IndexIVFPQFastScan` under PCA. What is removed is gone from the codes at once."""

    name = "compact"
    EFFORTS: ClassVar[Sequence[Effort]] = tuple(
        Effort(reach, probe)
        for reach, probe in [
(20, 3), (30, 4), (40, 6), (30, 8), (40, 8), (50, 10), (60, 16), (100, 24), (150, 32), (200, 64), (400, 128),
            (800, 128), (1600, 256), (3200, 512),
        ]
    )  # fmt: skip

    _cells: Any
    _reduction: Reduction

    def _clear(self) -> None:
        self._cells = None

    def _fit(self, vectors: Vectors, count: int) -> None:
        self._reduction = Reduction.fit(vectors, 1.0, NUMBERS).turned(SEED)
        cells = max(1, min(int(np.sqrt(count)), len(vectors) // PER_CELL))
        d = self._reduction.dimension
        kind = f"IVF{cells},PQ{d}x4fsr"
        self._cells = faiss.index_factory(d, kind, faiss.METRIC_INNER_PRODUCT)
        rng = np.random.default_rng(SEED)
        most = max(cells * PER_CELL, LEAST)
        sample = vectors if len(vectors) <= most else vectors[rng.choice(len(vectors), most, replace=False)]
        self._cells.train(self._reduction(sample))

    def _put(self, vectors: Vectors) -> None:
        places = np.arange(self.coded, self.coded + len(vectors), dtype=np.int64)
        self._cells.add_with_ids(self._reduction(vectors), places)

    def _drop(self, positions: Positions) -> None:
        lists = faiss.downcast_InvertedLists(self._cells.invlists)
        before = [lists.list_size(cell) for cell in range(self._cells.nlist)]
        self._cells.remove_ids(positions)
        for cell, size in enumerate(before):
            if lists.list_size(cell) < size:
                _wipe_tail(lists, cell)

    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        spent = faiss.SearchParametersIVF(nprobe=min(effort.probe, self._cells.nlist))  # beyond, FAISS adds nonsense
        if selector is not None:
            spent.sel = selector.faiss
        found: Positions = self._cells.search(self._reduction(queries), effort.reach, params=spent)[1]
        return found

    def _weight(self) -> int:
        lists = faiss.downcast_InvertedLists(self._cells.invlists)
        blocks = sum(-(-lists.list_size(cell) // lists.n_per_block) for cell in range(self._cells.nlist))
        return int(blocks * lists.block_size + 8 * self._cells.ntotal + 4 * self._cells.nlist * self._cells.d)

    def _called(self, effort: Effort) -> str:
        return f"codes of {min(effort.probe, self._cells.nlist)} of {self._cells.nlist} cells"

    def _write(self, folder: Path) -> None:
        faiss.write_index(self._cells, str(folder / CELLS))
        self._reduction.save(folder / DIRECTIONS)

    def _read(self, folder: Path) -> None:
        self._cells = faiss.read_index(str(folder / CELLS))
        self._reduction = Reduction.load(folder / DIRECTIONS)


def _wipe_tail(lists: Any, cell: int) -> None:
    """Zero the codes behind a cell's last: FAISS 1.15 leaves those of what it removed, and mixes them with the next."""
    size, each = lists.list_size(cell), lists.n_per_block
    blocks = -(-size // each)
    if size % each == 0:
        return
    codes = faiss.rev_swig_ptr(lists.get_codes(cell), blocks * lists.block_size).reshape(blocks, lists.block_size)
    nothing = np.zeros(lists.packer.code_size, np.uint8)
    for place in range(size % each, each):
        lists.packer.pack_1(nothing, place, codes[-1:])
