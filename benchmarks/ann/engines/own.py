"""caselink's own indexes, each of the registry, at every effort that it may be tuned to."""

from pathlib import Path
from typing import ClassVar

import faiss
import numpy as np

from benchmarks.ann.engines.base import Engine, Options, Variants
from engine.embeddings import Ids, Vectors
from indexer.indexes import INDEXES, VectorIndex
from indexer.indexes.lsh import LshIndex
from indexer.indexes.rescored import Effort, RescoredIndex


class Own(Engine):
    """A registered index."""

    kind = "own"
    package = "caselink"
    variants: ClassVar[Variants] = {"default": {}}
    index: type[VectorIndex]

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        faiss.omp_set_num_threads(self.threads)
        self._index = self.index(vectors.shape[1], **self.options)
        self._index.build(vectors, np.arange(len(vectors), dtype=np.int64))

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        if isinstance(self._index, RescoredIndex):
            self._index.effort = Effort(**setting)
        return self._index.search(queries, k)[0]

    def settings(self) -> list[Options]:
        """See `Engine.settings`: the efforts that `tune` chooses from."""
        if not issubclass(self.index, RescoredIndex):
            return [{}]
        return [{"reach": effort.reach, "probe": effort.probe} for effort in self.index.EFFORTS]

    def save(self) -> None:
        """See `Engine.save`."""
        place = Path(self.folder) / "index"
        place.mkdir()
        self._index.save(place)


VARIANTS: dict[str, Variants] = {LshIndex.name: {"default": {}, "codes alone": {"rescore": False}}}
"""Of indexes that can be built in several ways."""
OWN: list[type[Engine]] = [
    type(
        f"Own{name.title()}",
        (Own,),
        {"name": f"caselink-{name}", "index": index, "variants": VARIANTS.get(name, Own.variants)},
    )
    for name, index in INDEXES.items()
]
