"""A Milvus collection of vectors with their scalar columns: its schema, its rows and its searches, in plain arrays."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveCorrupt
from indexer.filters import ColumnType
from indexer.indexes.base import Similarity
from indexer.indexes.milvus_filter import LONGEST_BYTES, SCALARS
from indexer.indexes.milvus_server import Connection, library, told
from indexer.indexes.signatures import Signature, signatures

ID, VECTOR, SIGNATURE = "id", "vector", "signature"
LEAST_WIDTH = 2
"""Milvus takes no float vectors of one number; a 0 beside it changes no inner product."""
MESSAGE_BYTES = 8 << 20
"""Vectors sent or fetched at once; servers take messages of 64 MiB unless told otherwise."""
MOST_QUERIES = 1000
LISTS, PROBES = 128, 16
BUILT = {"HNSW": {"M": 16, "efConstruction": 200}, "IVF_FLAT": {"nlist": LISTS}, "FLAT": {}}
EF = 128
"""Rows of a graph looked at for each query; more where a filter leaves few of them."""
MOST_EF = 4096

Row = dict[str, Any]


class MilvusCollection:
    """The collection `name` of float vectors of `dimension` numbers, compared by inner product.

    index_type: one of `BUILT`. bits: of the sign signature beside each vector, None = none. Errors are ArchiveError.
    """

    def __init__(self, connection: Connection, name: str, dimension: int, index_type: str, bits: int | None) -> None:
        self.connection, self.name, self.dimension, self.index_type, self.bits = (
            connection,
            name,
            dimension,
            index_type,
            bits,
        )
        self.width = max(dimension, LEAST_WIDTH)

    @property
    def batch(self) -> int:
        """Rows that one message holds."""
        return max(1, MESSAGE_BYTES // (4 * self.width))

    def exists(self) -> bool:
        """Whether it is there, made by this or an earlier process."""
        with told(f"look for the collection {self.name!r}"):
            return bool(self.connection.client.has_collection(self.name))

    def create(self) -> None:
        """Make it anew, empty, dropping what was there."""
        client = self.connection.client
        with told(f"create the collection {self.name!r}"):
            client.drop_collection(self.name)
            client.create_collection(self.name, schema=self.schema(), consistency_level="Strong")
            wanted = client.prepare_index_params()
            wanted.add_index(VECTOR, index_type=self.index_type, metric_type="IP", params=BUILT[self.index_type])
            if self.bits is not None:
                wanted.add_index(SIGNATURE, index_type="BIN_FLAT", metric_type="HAMMING")
            # waiting for an empty collection's index takes half a second; `load_collection` waits where it must
            client.create_index(self.name, wanted, sync=False)
            client.load_collection(self.name)

    def schema(self) -> Any:
        """pymilvus' schema: ids, vectors, a signature where `bits` are, and `SCALARS`, each of which may be missing."""
        types = library().DataType
        schema = library().MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field(ID, types.INT64, is_primary=True)
        schema.add_field(VECTOR, types.FLOAT_VECTOR, dim=self.width)
        if self.bits is not None:
            schema.add_field(SIGNATURE, types.BINARY_VECTOR, dim=self.bits)
        for name, kind in SCALARS.items():
            if kind is ColumnType.text:
                schema.add_field(name, types.VARCHAR, max_length=LONGEST_BYTES, nullable=True)
            else:
                number = types.DOUBLE if kind is ColumnType.number else types.INT64
                schema.add_field(name, number, nullable=True)
        return schema

    def open(self) -> None:
        """Make ready what is there.

        Raises:
            ArchiveCorrupt: it holds vectors of another size, or has another index or other signatures.
        """
        client = self.connection.client
        with told(f"open the collection {self.name!r}"):
            fields = {field["name"]: field for field in client.describe_collection(self.name)["fields"]}
            index = client.describe_index(self.name, VECTOR) or {}
            client.load_collection(self.name)
        width = int(fields.get(VECTOR, {"params": {"dim": 0}})["params"]["dim"])
        bits = int(fields[SIGNATURE]["params"]["dim"]) if SIGNATURE in fields else None
        found = (width, index.get("index_type"), bits)
        if found != (self.width, self.index_type, self.bits):
            raise ArchiveCorrupt(
                f"the collection {self.name!r} has (numbers a vector, index, bits a signature) {found}, not"
                f" {(self.width, self.index_type, self.bits)}; open it as it is, or build another"
            )

    def insert(self, vectors: Vectors, ids: Ids, columns: Sequence[Row]) -> None:
        """Hold at most `batch` rows (n, d) under new ids (n,); columns: n times what is known of each, by name.

        When this returns, a killed process loses none of them.
        """
        rows = [
            {ID: number, VECTOR: vector} | known
            for number, vector, known in zip(ids.tolist(), self._wide(vectors), columns, strict=True)
        ]
        if self.bits is not None:
            for row, signature in zip(rows, signatures(vectors, self.bits), strict=True):
                row[SIGNATURE] = signature.tobytes()
        with told(f"hold {len(rows)} vectors"):
            self.connection.client.insert(self.name, rows)

    def delete(self, ids: Ids) -> None:
        """Forget these ids, of which there may be many."""
        with told(f"forget {len(ids)} vectors"):
            for start in range(0, len(ids), self.batch):
                self.connection.client.delete(self.name, ids=ids[start : start + self.batch].tolist())

    def ids(self) -> Ids:
        """int64 (n,), sorted: every id held."""
        with told("list its ids"):
            pages = self.connection.client.query_iterator(self.name, batch_size=10_000, filter="", output_fields=[ID])
            found: list[int] = []
            while page := pages.next():
                found.extend(int(row[ID]) for row in page)
            pages.close()
        return np.unique(np.asarray(found, np.int64))

    def count(self, where: str) -> int:
        """How many rows pass the expression."""
        with told("count rows"):
            found = self.connection.client.query(self.name, filter=where, output_fields=["count(*)"])
        return int(found[0]["count(*)"])

    def rows(self, where: str) -> tuple[Ids, Vectors, list[Row]]:
        """Ids (n,), vectors (n, d) and what else is known, by name, of the rows that pass; in no order."""
        with told("fetch rows"):
            found = self.connection.client.query(self.name, filter=where, output_fields=[ID, VECTOR, *SCALARS])
        vectors = np.asarray([row[VECTOR] for row in found], np.float32).reshape(-1, self.width)
        known = [{name: row[name] for name in SCALARS if row.get(name) is not None} for row in found]
        return np.asarray([row[ID] for row in found], np.int64), vectors[:, : self.dimension], known

    def nearest(self, queries: Vectors, k: int, where: str, share: float) -> tuple[Ids, Similarity]:
        """As `VectorIndex.search`, among the rows that pass `where` ("" = all), which are a `share` of all, in (0, 1].

        k: at most 16384, as many as Milvus gives.
        """
        looked = {"HNSW": {"ef": max(k, min(MOST_EF, int(EF / share)))}, "FLAT": {}}.get(
            self.index_type, {"nprobe": min(LISTS, int(PROBES / share))}
        )
        parameters = {"metric_type": "IP", "params": looked}
        return self._asked(list(self._batches(self._wide(queries))), VECTOR, k, where, parameters)

    def nearest_signatures(self, queries: Signature, k: int, where: str) -> tuple[Ids, Similarity]:
        """As `nearest`, by bits that differ from uint8 (m, bits / 8): fewest first, the rest inf."""
        rows = [row.tobytes() for row in queries]
        parameters = {"metric_type": "HAMMING", "params": {}}
        ids, apart = self._asked(list(self._batches(rows)), SIGNATURE, k, where, parameters)
        return ids, np.where(ids < 0, np.inf, apart).astype(np.float32)

    def _asked(
        self, batches: Sequence[Sequence[Any]], field: str, k: int, where: str, parameters: Row
    ) -> tuple[Ids, Similarity]:
        n = sum(map(len, batches))
        ids, values = np.full((n, k), -1, np.int64), np.full((n, k), -np.inf, np.float32)
        place = 0
        for batch in batches:
            with told("search"):
                answers = self.connection.client.search(
                    self.name,
                    data=batch,
                    anns_field=field,
                    limit=k,
                    filter=where,
                    output_fields=[ID],
                    search_params=parameters,
                )
            for row, answer in enumerate(answers, place):
                ids[row, : len(answer)] = [hit[ID] for hit in answer]
                values[row, : len(answer)] = [hit["distance"] for hit in answer]
            place += len(batch)
        return ids, values

    def _batches(self, queries: Sequence[Any]) -> Iterator[Sequence[Any]]:
        for start in range(0, len(queries), MOST_QUERIES):
            yield queries[start : start + MOST_QUERIES]

    def _wide(self, vectors: Vectors) -> list[npt.NDArray[np.float32]]:
        """The rows as Milvus takes them: contiguous float32, padded with zeros to `width`."""
        wide = np.zeros((len(vectors), self.width), np.float32)
        wide[:, : self.dimension] = vectors
        return list(wide)
