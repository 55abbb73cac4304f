"""datasketch: hash tables and prefix trees over MinHashes of the bits set in the signatures of caselink's `lsh`.

A vector becomes the set of hyperplanes on whose far side it lies (`indexer.indexes.signatures`). Its MinHash is the
least hash of its members, which is taken here for all vectors at once from a table of the 256 members: the very numbers
that datasketch would find one by one, and sooner. What its tables return is compared again by 32-bit numbers.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from datasketch import MinHash, MinHashLSH, MinHashLSHForest

from benchmarks.ann.engines.base import Engine, Options, Variants, padded, rescored
from engine.embeddings import Ids, Vectors
from indexer.indexes.signatures import BITS, Signer

AT_ONCE = 1 << 12


class _MinHash(Engine):
    kind = "hash table"
    package = "datasketch"
    modules = ("datasketch",)

    @property
    def _hashes(self) -> int:
        return int(self.options["tables"] * self.options["rows"])

    def _learn(self, vectors: Vectors) -> None:
        self._vectors = np.array(vectors, np.float32)
        self._signer = Signer.fit(self._vectors, BITS)
        self._none = MinHash(num_perm=self._hashes)
        single = [self._none.copy() for _ in range(BITS)]
        for number, one in enumerate(single):
            one.update(number.to_bytes(2, "little"))
        self._members = np.stack([one.hashvalues for one in single])

    def _minhashes(self, vectors: Vectors) -> list[MinHash]:
        """One for each of (n, d)."""
        there = np.unpackbits(self._signer(vectors), axis=1).astype(bool)
        return [self._minhash(row) for row in there]

    def _minhash(self, there: npt.NDArray[np.bool_]) -> MinHash:
        made = self._none.copy()
        if there.any():
            made.hashvalues = self._members[there].min(axis=0)
        return made

    def _fill(self, insert: "MinHashLSH.insert") -> None:
        for start in range(0, len(self._vectors), AT_ONCE):
            for number, one in enumerate(self._minhashes(self._vectors[start : start + AT_ONCE])):
                insert(start + number, one)


class DatasketchLsh(_MinHash):
    """`MinHashLSH`: films that share all rows of one of its tables are candidates."""

    name = "datasketch-lsh"
    variants: ClassVar[Variants] = {
        f"{tables} tables of {rows}": {"tables": tables, "rows": rows}
        for tables, rows in ((16, 4), (16, 6), (32, 8), (32, 10), (48, 11), (64, 10), (64, 12), (128, 14))
    }

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        self._learn(vectors)
        self._index = MinHashLSH(num_perm=self._hashes, params=(self.options["tables"], self.options["rows"]))
        self._fill(self._index.insert)

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        found = []
        for query, one in zip(queries, self._minhashes(queries), strict=True):
            candidates = np.array(self._index.query(one), np.int64)[None]
            found.append(rescored(query[None], self._vectors, candidates, k)[0])
        return np.stack(found)


class DatasketchForest(_MinHash):
    """`MinHashLSHForest`: prefix trees, asked for some candidates more than are wanted."""

    name = "datasketch-forest"
    variants: ClassVar[Variants] = {
        f"{tables} trees of {rows}": {"tables": tables, "rows": rows} for tables, rows in ((8, 16), (16, 16), (32, 16))
    }

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        self._learn(vectors)
        self._index = MinHashLSHForest(num_perm=self._hashes, l=self.options["tables"])
        self._fill(self._index.add)
        self._index.index()

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        return [{"candidates": count} for count in (20, 50, 100, 200, 500, 1000, 2000)]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        wanted, hashes = max(k, setting["candidates"]), self._minhashes(queries)
        rows = padded([self._index.query(one, wanted) for one in hashes], wanted)
        parts = [rescored(query[None], self._vectors, row[None], k) for query, row in zip(queries, rows, strict=True)]
        return np.concatenate(parts)
