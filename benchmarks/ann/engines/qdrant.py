"""Qdrant in local mode: its client's own stand-in for the server, without an index."""

from typing import ClassVar

import numpy as np

from benchmarks.ann.engines.base import Engine, Options, Variants, library, padded
from engine.embeddings import Ids, Vectors

FILMS = "films"


class QdrantLocal(Engine):
    """Every row compared, in NumPy, in memory; says nothing of Qdrant's server."""

    name = "qdrant-local"
    kind = "system"
    package = "qdrant-client"
    modules = ("qdrant_client",)
    variants: ClassVar[Variants] = {"brute force": {}}
    most = 20_000
    remark = "local mode compares every row; the server has an index, which cannot be had inside a process"

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        qdrant = library("qdrant_client")
        self._models = qdrant.models
        self._client = qdrant.QdrantClient(":memory:")
        size = self._models.VectorParams(size=vectors.shape[1], distance=self._models.Distance.DOT)
        self._client.create_collection(FILMS, vectors_config=size)
        self._client.upload_collection(FILMS, vectors=np.array(vectors), ids=range(len(vectors)))

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        asked = [self._models.QueryRequest(query=row.tolist(), limit=k) for row in queries]
        answers = self._client.query_batch_points(FILMS, asked)
        return padded([[int(point.id) for point in answer.points] for answer in answers], k)

    def close(self) -> None:
        """See `Engine.close`."""
        self._client.close()
