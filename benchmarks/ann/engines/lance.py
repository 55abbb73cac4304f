"""LanceDB: tables in files, with inverted lists and graphs."""

from typing import ClassVar

import numpy as np

from benchmarks.ann.engines.base import Engine, Options, Variants, library
from engine.embeddings import Ids, Vectors


class Lance(Engine):
    """Inner product through its Arrow interface, a batch as one question."""

    name = "lancedb"
    kind = "system"
    package = "lancedb"
    modules = ("lancedb", "pyarrow")
    variants: ClassVar[Variants] = {
        "IVF_FLAT": {"index_type": "IVF_FLAT"},
        "IVF_HNSW_SQ": {"index_type": "IVF_HNSW_SQ", "m": 20, "ef_construction": 200},
        "IVF_PQ": {"index_type": "IVF_PQ", "num_sub_vectors": 64},
    }

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        pa = library("pyarrow")
        n, d = vectors.shape
        column = pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).reshape(-1)), d)
        rows = pa.table({"id": np.arange(n, dtype=np.int64), "vector": column})
        self._table = library("lancedb").connect(str(self.folder)).create_table("films", rows)
        graph = "HNSW" in self.options["index_type"]
        self._partitions = max(1, n // 100_000) if graph else max(1, min(round(n**0.5), n // 256))
        self._table.create_index(metric="dot", num_partitions=self._partitions, **self.options)

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        kind = self.options["index_type"]
        if "HNSW" in kind:
            return [{"probes": self._partitions, "ef": ef, "refine": 3} for ef in (32, 64, 128, 256)]
        probes = [{"probes": count} for count in (4, 8, 16, 32, 64) if count <= self._partitions]
        probes = probes or [{"probes": self._partitions}]
        return probes if kind == "IVF_FLAT" else [each | {"refine": factor} for each in probes for factor in (4, 16)]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        asked = queries[0] if len(queries) == 1 else list(queries)
        query = self._table.search(asked, vector_column_name="vector").select(["id", "_distance"]).limit(k)
        query = query.distance_type("dot").nprobes(setting["probes"])
        query = query.ef(setting["ef"]) if "ef" in setting else query
        query = query.refine_factor(setting["refine"]) if "refine" in setting else query
        found = query.to_arrow()
        number = np.zeros(len(found), np.int64)
        if len(queries) > 1:
            number = found["query_index"].to_numpy().astype(np.int64)
        return _by_query(number, found["id"].to_numpy(), found["_distance"].to_numpy(), len(queries), k)


def _by_query(number: Ids, rows: Ids, distance: Vectors, m: int, k: int) -> Ids:
    """int64 (m, k) of answers in one long table. number: int64 (t,), whose; in any order."""
    order = np.lexsort((distance, number))
    number, rows = number[order], rows[order]
    first = np.searchsorted(number, np.arange(m))
    place = np.arange(len(number)) - first[number]
    found = np.full((m, k), -1, np.int64)
    found[number[place < k], place[place < k]] = rows[place < k]
    return found
