"""Chroma: a store for documents, here for vectors alone."""

from benchmarks.ann.engines.base import GRAPHS, Engine, Options, library, padded
from engine.embeddings import Ids, Vectors

AT_ONCE = 5000


class Chroma(Engine):
    """Its graph, by inner product, in a folder of its own; it sends nothing about its use."""

    name = "chroma"
    kind = "system"
    package = "chromadb"
    modules = ("chromadb",)
    variants = GRAPHS

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        chromadb = library("chromadb")
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        self._client = chromadb.PersistentClient(str(self.folder), settings=settings)
        graph = {
            "space": "ip",
            "max_neighbors": self.options["m"],
            "ef_construction": self.options["ef_build"],
            "num_threads": self.threads,
        }
        self._films = self._client.create_collection("films", configuration={"hnsw": graph}, embedding_function=None)
        for start in range(0, len(vectors), AT_ONCE):
            some = vectors[start : start + AT_ONCE]
            self._films.add(ids=[str(start + number) for number in range(len(some))], embeddings=some)
        self._ef: int | None = None

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return [{"ef": ef} for ef in (16, 32, 64, 128, 256)]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        if self._ef != setting["ef"]:
            self._films.modify(configuration={"hnsw": {"ef_search": setting["ef"]}})
            self._ef = setting["ef"]
        found = self._films.query(query_embeddings=queries, n_results=k, include=[])
        return padded([[int(number) for number in row] for row in found["ids"]], k)
