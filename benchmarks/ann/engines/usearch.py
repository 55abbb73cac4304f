"""USearch: a graph over 32, 16 or 8 bits a number."""

from typing import ClassVar

import numpy as np

from benchmarks.ann.engines.base import EF, GRAPHS, REFINED, Engine, Options, Variants, library, rescored
from engine.embeddings import Ids, Vectors


class Usearch(Engine):
    """Inner product; cosine for 8 bits, whose scale it chooses by length. Its 8 bits may be compared again by 32."""

    name = "usearch"
    kind = "library"
    package = "usearch"
    modules = ("usearch.index",)
    variants: ClassVar[Variants] = {
        f"{graph} {dtype}": GRAPHS[graph] | {"dtype": dtype} for graph in GRAPHS for dtype in ("f32", "f16", "i8")
    }

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        self._vectors = np.array(vectors, np.float32) if self.options["dtype"] == "i8" else None
        self._index = library("usearch.index").Index(
            ndim=vectors.shape[1],
            metric="cos" if self.options["dtype"] == "i8" else "ip",
            dtype=self.options["dtype"],
            connectivity=self.options["m"],
            expansion_add=self.options["ef_build"],
            enable_key_lookups=False,
        )
        self._index.add(np.arange(len(vectors)), vectors, threads=self.threads)

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return EF if self._vectors is None else [*EF, *REFINED]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        self._index.expansion_search = max(k * setting.get("refine", 1), setting["ef"])
        wanted = k * setting.get("refine", 1)
        found = np.asarray(self._index.search(queries, wanted, threads=self.threads).keys, np.int64)
        found = found.reshape(len(queries), -1)
        return found if self._vectors is None or wanted == k else rescored(queries, self._vectors, found, k)

    def save(self) -> None:
        """See `Engine.save`."""
        self._index.save(str(self.folder / "index.usearch"))
