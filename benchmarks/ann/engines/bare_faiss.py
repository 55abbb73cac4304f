"""FAISS as it comes: exact search, its graphs and its inverted files."""

import math
from typing import Any, ClassVar

import faiss
import numpy as np

from benchmarks.ann.engines.base import EF, GRAPHS, Engine, Options, Variants
from engine.embeddings import Ids, Vectors

PROBES = (1, 2, 4, 8, 16, 32, 64, 128)


def lists(n: int) -> int:
    """Inverted lists for n rows: four times the root, and 39 rows a list, below which k-means warns."""
    return max(1, min(4 * math.isqrt(n), n // 39))


def parameters(kind: str, **values: Any) -> Any:
    """A search's parameters, whose classes the stubs of FAISS do not know whole."""
    return getattr(faiss, kind)(**values)


class _Faiss(Engine):
    kind = "library"
    package = "faiss-cpu"
    modules = ("faiss",)
    factory: str
    _index: Any

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        faiss.omp_set_num_threads(self.threads)
        self._index = self._empty(vectors)
        self._index.train(vectors)
        self._index.add(vectors)

    def _empty(self, vectors: Vectors) -> Any:
        spec = self.factory.format(**self.options, lists=lists(len(vectors)))
        return faiss.index_factory(vectors.shape[1], spec, faiss.METRIC_INNER_PRODUCT)

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        found = self._index.search(queries, k, params=self._parameters(k, setting))[1]
        return np.asarray(found, np.int64)

    def _parameters(self, k: int, setting: Options) -> Any:
        return None

    def save(self) -> None:
        """See `Engine.save`."""
        faiss.write_index(self._index, str(self.folder / "index.faiss"))


class FaissFlat(_Faiss):
    """Every row compared."""

    name = "faiss-flat"
    factory = "Flat"
    variants: ClassVar[Variants] = {"exact": {}}


class FaissHnsw(_Faiss):
    """A graph over 32-bit numbers."""

    name = "faiss-hnsw"
    factory = "HNSW{m},Flat"
    variants = GRAPHS

    def _empty(self, vectors: Vectors) -> Any:
        index: Any = super()._empty(vectors)
        index.hnsw.efConstruction = self.options["ef_build"]
        return index

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return EF

    def _parameters(self, k: int, setting: Options) -> Any:
        return parameters("SearchParametersHNSW", efSearch=max(k, setting["ef"]))


class FaissHnswSq8(FaissHnsw):
    """A graph over 8-bit numbers."""

    name = "faiss-hnsw-sq8"
    factory = "HNSW{m},SQ8"


class FaissIvf(_Faiss):
    """Inverted lists of 32-bit numbers."""

    name = "faiss-ivf"
    factory = "IVF{lists},Flat"
    variants: ClassVar[Variants] = {"flat": {}}

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return [{"probes": probes} for probes in PROBES if probes <= self._index.nlist]

    def _parameters(self, k: int, setting: Options) -> Any:
        return parameters("SearchParametersIVF", nprobe=setting["probes"])


class FaissFastScan(_Faiss):
    """Inverted lists of products of 4-bit codes, the best of them compared again by 32-bit numbers."""

    name = "faiss-ivf-pq"
    factory = "IVF{lists},PQ{parts}x4fs,RFlat"
    variants: ClassVar[Variants] = {"PQ64": {"parts": 64}, "PQ128": {"parts": 128}}

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        nlist = faiss.extract_index_ivf(self._index.base_index).nlist
        return [{"probes": probes, "refine": factor} for probes in PROBES if probes <= nlist for factor in (4, 16)]

    def _parameters(self, k: int, setting: Options) -> Any:
        inner = parameters("SearchParametersIVF", nprobe=setting["probes"])
        return parameters("IndexRefineSearchParameters", k_factor=setting["refine"], base_index_params=inner)
