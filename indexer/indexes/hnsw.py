"""A navigable graph (HNSW, Malkov and Yashunin 2016) over shortened vectors of a byte a number; exact vectors decide.

Of a neighbour a hop reads some dozens of bytes instead of a kilobyte.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import faiss

from engine.embeddings import Vectors
from indexer.indexes.reduction import Reduction
from indexer.indexes.rescored import Effort, RescoredIndex, Selector
from indexer.indexes.rows import Positions

LINKS = 16
"""Neighbours of a node on every level but the lowest, which has twice as many."""
CONSTRUCTION = 100
"""Nodes looked at to find a new one's neighbours."""
SHARE = 0.96
"""Of the variance that shortened vectors keep."""
GRAPH, DIRECTIONS = "graph.faiss", "directions.npy"


class HnswIndex(RescoredIndex):
    """FAISS `IndexHNSWSQ` under PCA. What is removed leaves its node as a stepping stone with a neighbour's code."""

    name = "hnsw"
    MISSED: ClassVar[float] = 0.3
    """A vector held is linked with its neighbours and meets them sooner than a query does."""
    EFFORTS: ClassVar[Sequence[Effort]] = tuple(
        Effort(reach, probe)
        for reach, probe in [
            (16, 16),
            (24, 24),
            (32, 32),
            (48, 48),
            (64, 64),
            (64, 96),
            (96, 128),
            (128, 256),
            (256, 512),
        ]
    )

    _graph: Any
    _reduction: Reduction

    def _clear(self) -> None:
        self._graph = None

    def _fit(self, vectors: Vectors, count: int) -> None:
        self._reduction = Reduction.fit(vectors, SHARE)
        self._graph = faiss.IndexHNSWSQ(
            self._reduction.dimension, faiss.ScalarQuantizer.QT_8bit, LINKS, faiss.METRIC_INNER_PRODUCT
        )
        self._graph.hnsw.efConstruction = CONSTRUCTION
        self._graph.train(self._reduction(vectors))

    def _put(self, vectors: Vectors) -> None:
        self._graph.add(self._reduction(vectors))

    def _drop(self, positions: Positions) -> None:
        storage = faiss.downcast_index(self._graph.storage)
        codes = faiss.rev_swig_ptr(storage.codes.data(), storage.codes.size()).reshape(-1, storage.code_size)
        graph, gone = self._graph.hnsw, self.rows.gone
        links = faiss.rev_swig_ptr(graph.neighbors.data(), graph.neighbors.size())
        starts, lowest = faiss.vector_to_array(graph.offsets), graph.nb_neighbors(0)
        for position in positions.tolist():
            near = links[int(starts[position]) :][:lowest]
            near = near[near >= 0]
            standing = near[~gone[near]] if gone is not None else near
            codes[position] = codes[standing[0]] if len(standing) else 0

    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        spent = faiss.SearchParametersHNSW(efSearch=max(effort.probe, effort.reach))
        if selector is not None:
            spent.sel = selector.faiss
        found: Positions = self._graph.search(self._reduction(queries), effort.reach, params=spent)[1]
        return found

    def _weight(self) -> int:
        links = self._graph.hnsw.neighbors.size() * 4 + self._graph.hnsw.offsets.size() * 8
        return int(links + self._graph.ntotal * (self._graph.d + 4))

    def _called(self, effort: Effort) -> str:
        return f"a graph, {max(effort.probe, effort.reach)} nodes at a time"

    def _write(self, folder: Path) -> None:
        faiss.write_index(self._graph, str(folder / GRAPH))
        self._reduction.save(folder / DIRECTIONS)

    def _read(self, folder: Path) -> None:
        self._graph = faiss.read_index(str(folder / GRAPH))
        self._reduction = Reduction.load(folder / DIRECTIONS)
