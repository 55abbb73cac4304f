"""hnswlib: the graph of its authors."""

import numpy as np

from benchmarks.ann.engines.base import EF, GRAPHS, Engine, Options, library
from engine.embeddings import Ids, Vectors


class Hnswlib(Engine):
    """Inner product over 32-bit numbers."""

    name = "hnswlib"
    kind = "library"
    package = "hnswlib"
    modules = ("hnswlib",)
    variants = GRAPHS

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        self._index = library("hnswlib").Index(space="ip", dim=vectors.shape[1])
        self._index.init_index(len(vectors), M=self.options["m"], ef_construction=self.options["ef_build"])
        self._index.set_num_threads(self.threads)
        self._index.add_items(vectors, np.arange(len(vectors)))

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return EF

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        self._index.set_ef(max(k, setting["ef"]))
        return np.asarray(self._index.knn_query(queries, k)[0], np.int64)

    def save(self) -> None:
        """See `Engine.save`."""
        self._index.save_index(str(self.folder / "index.bin"))
