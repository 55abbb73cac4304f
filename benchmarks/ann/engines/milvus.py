"""Milvus Lite: Milvus within one's own process, on one file."""

from typing import Any, ClassVar

from benchmarks.ann.engines.base import Engine, Options, Variants, library, padded
from engine.embeddings import Ids, Vectors

FILMS = "films"
AT_ONCE = 5000


class MilvusLite(Engine):
    """Inner product; measured after the file was closed and opened again, as one meets it."""

    name = "milvus-lite"
    kind = "system"
    package = "milvus-lite"
    modules = ("pymilvus", "milvus_lite")
    variants: ClassVar[Variants] = {
        "HNSW": {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 200}},
        "IVF_SQ8": {"index_type": "IVF_SQ8", "params": {}},
    }
    remark = "closed and opened again between building and searching"

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        pymilvus = library("pymilvus")
        place = str(self.folder / "films.db")
        client = pymilvus.MilvusClient(place)
        schema = pymilvus.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", pymilvus.DataType.INT64, is_primary=True)
        schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        client.create_collection(FILMS, schema=schema)
        for start in range(0, len(vectors), AT_ONCE):
            some = vectors[start : start + AT_ONCE]
            client.insert(FILMS, [{"id": start + number, "vector": row} for number, row in enumerate(some)])
        client.flush(FILMS)
        self._lists = max(1, min(round(4 * len(vectors) ** 0.5), len(vectors) // 39))
        client.create_index(FILMS, self._index())
        client.close()
        self._client = pymilvus.MilvusClient(place)
        self._client.load_collection(FILMS)

    def _index(self) -> Any:
        wanted = library("pymilvus").MilvusClient.prepare_index_params()
        kind, params = self.options["index_type"], dict(self.options["params"])
        if kind != "HNSW":
            params["nlist"] = self._lists
        wanted.add_index("vector", index_type=kind, metric_type="IP", params=params)
        return wanted

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        if self.options["index_type"] == "HNSW":
            return [{"ef": ef} for ef in (16, 32, 64, 128, 256)]
        return [{"nprobe": probes} for probes in (2, 4, 8, 16, 32, 64) if probes <= self._lists]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        found = self._client.search(
            FILMS,
            data=list(queries),
            limit=k,
            anns_field="vector",
            search_params={"metric_type": "IP", "params": setting},
        )
        return padded([[hit["id"] for hit in row] for row in found], k)

    def close(self) -> None:
        """See `Engine.close`."""
        self._client.close()
