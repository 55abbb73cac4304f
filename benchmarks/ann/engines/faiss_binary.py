"""FAISS over bits: signs of hyperplanes compared by Hamming distance, the best compared again by 32-bit numbers.

The planes are FAISS's own random ones (`IndexLSH`), or the very planes of caselink's `lsh`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import faiss
import numpy as np

from benchmarks.ann.engines.bare_faiss import PROBES, lists
from benchmarks.ann.engines.base import Engine, Options, Variants, rescored
from engine.embeddings import Ids, Vectors
from indexer.indexes.signatures import BITS, Signature, Signer, signatures

CANDIDATES = (20, 50, 100, 200, 500, 1000)
TABLES: Variants = {
    "flat": {"table": "flat"},
    "ivf": {"table": "ivf"},
    "hash 12 bits": {"table": "hash", "bits": 12},
    "multi-hash 16 x 16 bits": {"table": "multi", "bits": 16},
}


class FaissBinary(Engine):
    """256-bit signatures: all compared, in inverted lists, or in hash tables by parts of the bits."""

    name = "faiss-binary"
    kind = "library"
    package = "faiss-cpu"
    modules = ("faiss",)
    variants: ClassVar[Variants] = {
        **TABLES,
        **{f"{name}, planes of caselink": options | {"planes": "fitted"} for name, options in TABLES.items()},
    }

    _index: Any
    _signed: Callable[[Vectors], Signature]

    def build(self, vectors: Vectors) -> None:
        """See `Engine.build`."""
        faiss.omp_set_num_threads(self.threads)
        self._vectors = np.array(vectors, np.float32)
        self._signed = Signer.fit(self._vectors, BITS) if "planes" in self.options else signatures
        table, bits = self.options["table"], self._signed(self._vectors)
        if table == "flat":
            self._index = faiss.IndexBinaryFlat(BITS)
            self._index.use_heap = False
        elif table == "ivf":
            self._coarse = faiss.IndexBinaryFlat(BITS)
            self._index = faiss.IndexBinaryIVF(self._coarse, BITS, lists(len(vectors)))
            self._index.train(bits)
            self._index.use_heap = False  # counting distances is quicker
        elif table == "hash":
            self._index = faiss.IndexBinaryHash(BITS, self.options["bits"])
        else:
            self._index = faiss.IndexBinaryMultiHash(BITS, BITS // self.options["bits"], self.options["bits"])
        self._index.add(bits)

    def settings(self) -> list[Options]:
        """See `Engine.settings`."""
        table, some = self.options["table"], [{"candidates": count} for count in CANDIDATES]
        if table == "flat":
            return some
        if table == "ivf":
            probes = [{"probes": count} for count in PROBES[2:] if count <= self._index.nlist]
            return [each | one for each in probes for one in some[2:5]]
        most = 5 if table == "hash" else 3
        return [{"flips": flips} | one for flips in range(most) for one in some[2:5]]

    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """See `Engine.search`."""
        if "probes" in setting:
            self._index.nprobe = setting["probes"]
            self._index.max_codes = self._index.ntotal + 1  # without a heap 0 is none at all, not no limit
        if "flips" in setting:
            self._index.nflip = setting["flips"]
        wanted = min(max(k, setting["candidates"]), len(self._vectors))
        candidates = self._index.search(self._signed(queries), wanted)[1]
        return rescored(queries, self._vectors, np.asarray(candidates, np.int64), k)

    def save(self) -> None:
        """See `Engine.save`; hash tables of FAISS have a format too. The vectors count, since they are compared."""
        faiss.write_index_binary(self._index, str(self.folder / "index.faiss"))
        np.save(self.folder / "vectors.npy", self._vectors)
