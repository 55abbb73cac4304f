"""The hash table of Hinterwimmer 2024 (R1): signatures of bits, near vectors at small Hamming distance.

Planes are random or fitted to the archive (`Planes`); a table files a vector under a slice of its signature, several
tables under several slices (Indyk and Motwani 1998), and a query looks into the buckets a flipped bit or two away too
(multi-probe, Lv et al. 2007). Where tables would miss too many, or a filter leaves some out, every signature that may
answer is ranked by its distance. Exact vectors decide.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import faiss
import numpy as np

from engine.embeddings import Vectors
from indexer.indexes.rescored import NEIGHBOURS, Effort, RescoredIndex, Selector
from indexer.indexes.rows import Positions
from indexer.indexes.signatures import BITS, Planes, Signature, Signer

TABLES, KEY_BITS = 8, 16
"""Tables, and bits of a signature that one of them files by."""
RANKED = -1
"""Probes of an effort that ranks every signature."""
SIGNATURES, NORMALS, OFFSETS, KIND = "signatures.npy", "normals.npy", "offsets.npy", "lsh.json"


class LshIndex(RescoredIndex):
    """FAISS `IndexBinaryMultiHash` and `IndexBinaryFlat` over one set of signatures.

    bits: of a signature. planes: where its hyperplanes stand. tables: of `KEY_BITS` bits each.
    """

    name = "lsh"
    EFFORTS: ClassVar[Sequence[Effort]] = tuple(
        Effort(reach, probe)
        for reach, probe in [
            (50, 0), (100, 0), (100, 1), (200, 1), (200, 2), (400, 2), (100, RANKED), (200, RANKED), (400, RANKED),
            (800, RANKED), (1600, RANKED), (3200, RANKED),
        ]
    )  # fmt: skip

    def __init__(
        self,
        dimension: int,
        few: int | None = None,
        bits: int = BITS,
        planes: Planes = Planes.parallel,
        tables: int = TABLES,
    ) -> None:
        super().__init__(dimension, few)
        self._bits, self._planes, self._tables = bits, planes, tables
        self._clear()

    def _clear(self) -> None:
        self._signer: Signer | None = None
        self._flat = faiss.IndexBinaryFlat(self._bits)
        self._flat.use_heap = False  # distances are few whole numbers: counting them needs no heap
        self._hash = faiss.IndexBinaryMultiHash(self._bits, self._tables, min(KEY_BITS, self._bits // self._tables))

    def _fit(self, vectors: Vectors) -> None:
        self._signer = Signer.fit(vectors, self._bits, self._planes)

    def _put(self, vectors: Vectors) -> None:
        self._file(self._signed(vectors))

    def _file(self, signatures: Signature) -> None:
        self._flat.add(signatures)
        self._hash.add(signatures)

    def _drop(self, positions: Positions) -> None:
        for storage in (self._flat, self._hash.storage):
            held = faiss.rev_swig_ptr(storage.xb.data(), storage.xb.size()).reshape(-1, storage.code_size)
            held[positions] = 0

    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        signatures = self._signed(queries)
        if effort.probe != RANKED:
            self._hash.nflip = effort.probe
            tabled: Positions = self._hash.search(signatures, effort.reach)[1]
            return tabled
        within = None if selector is None else faiss.SearchParameters(sel=selector.faiss)
        ranked: Positions = self._flat.search(signatures, effort.reach, params=within)[1]
        return ranked

    def _spent(self, k: int, selector: Selector | None) -> Effort:
        reach = min(int(self.effort.reach * max(1.0, k / NEIGHBOURS)), self.rows.count)
        return Effort(reach, self.effort.probe if selector is None else RANKED)

    def _signed(self, vectors: Vectors) -> Signature:
        assert self._signer is not None
        return self._signer(vectors)

    def _weight(self) -> int:
        return int(self._flat.ntotal * (2 * self._flat.code_size + self._tables * 24))

    def _called(self, effort: Effort) -> str:
        if effort.probe == RANKED:
            return f"Hamming distance of {self._bits} bits"
        return f"{self._tables} hash tables, up to {effort.probe} bits flipped"

    def _write(self, folder: Path) -> None:
        assert self._signer is not None
        held = faiss.rev_swig_ptr(self._flat.xb.data(), self._flat.xb.size()).reshape(-1, self._flat.code_size)
        np.save(folder / SIGNATURES, held)
        np.save(folder / NORMALS, self._signer.normals)
        np.save(folder / OFFSETS, self._signer.offsets)
        kind = {"bits": self._bits, "planes": self._planes.value, "tables": self._tables}
        (folder / KIND).write_text(json.dumps(kind), encoding="utf-8")

    def _read(self, folder: Path) -> None:
        kind = json.loads((folder / KIND).read_text(encoding="utf-8"))
        self._bits, self._planes, self._tables = kind["bits"], Planes(kind["planes"]), kind["tables"]
        self._clear()
        self._signer = Signer(np.load(folder / NORMALS), np.load(folder / OFFSETS))
        self._file(np.load(folder / SIGNATURES))
