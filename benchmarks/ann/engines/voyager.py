"""Voyager: Spotify's graph, after hnswlib."""

from typing import ClassVar

import numpy as np

from benchmarks.ann.engines.base import EF, GRAPHS, REFINED, Engine, Options, Variants, library, rescored
from engine.embeddings import Ids, Vectors


class Voyager(Engine):
    """Inner product over 32-bit numbers, or 8-bit ones (`E4M3` floats), which may be compared again by 32."""

    name = "voyager"
    kind = "library"
    package = "voyager"
    modules = ("voyager",)
    variants: ClassVar[Variants] = {
        f"{graph} {kind}": GRAPHS[graph] | {"storage": kind} for graph in GRAPHS for kind in ("Float32", "E4M3")
    }

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        voyager = library("voyager")
        own = np.array(vectors, np.float32)  # it takes no array that is read-only, as a mapped file is
        self._vectors = own if self.options["storage"] == "E4M3" else None
        self._index = voyager.Index(
            voyager.Space.InnerProduct,
            num_dimensions=vectors.shape[1],
            M=self.options["m"],
            ef_construction=self.options["ef_build"],
            max_elements=len(vectors),
            storage_data_type=getattr(voyager.StorageDataType, self.options["storage"]),
        )
        self._index.add_items(own, ids=list(range(len(vectors))), num_threads=self.threads)

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return EF if self._vectors is None else [*EF, *REFINED]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        wanted = k * setting.get("refine", 1)
        found, _ = self._index.query(queries, wanted, num_threads=self.threads, query_ef=max(wanted, setting["ef"]))
        rows = np.asarray(found, np.int64)
        return rows if self._vectors is None or wanted == k else rescored(queries, self._vectors, rows, k)

    def save(self) -> None:
        """See `Engine.save`."""
        self._index.save(str(self.folder / "index.voy"))
