"""The hash table of Hinterwimmer 2024 (R1): signatures of bits, near vectors at small Hamming distance.

Planes are random or fitted to the archive (`Planes`). Signatures are filed by hash tables or by cells, so that a query
meets a small part of them; where a filter leaves out much of what is met, every signature that may answer is ranked.
Exact vectors decide, unless `rescore` is off: then signatures alone choose the k.
"""

import json
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import faiss
import numpy as np

from engine.embeddings import Vectors
from indexer.indexes.rescored import MOST_WIDENED, NEIGHBOURS, Effort, RescoredIndex, Selector
from indexer.indexes.rows import Positions
from indexer.indexes.signatures import BITS, Planes, Signature, Signer

RANKED = -1
"""Probes of an effort that ranks every signature."""
SIGNATURES, NORMALS, OFFSETS, KIND, CELLS = "signatures.npy", "normals.npy", "offsets.npy", "lsh.json", "cells.faiss"
PER_CELL = 40
"""Signatures a cell that its centre is fitted to, no fewer: k-means wants 39."""
QUICK = 1500
"""Cells that are learned in seconds: four times the root of the films makes the quickest search, two times is near."""


class _SignedIndex(RescoredIndex):
    """Signatures of every vector, ranked by Hamming distance; a subclass files them so that a query meets few."""

    def __init__(
        self,
        dimension: int,
        few: int | None = None,
        bits: int = BITS,
        planes: Planes = Planes.parallel,
        rescore: bool = True,
    ) -> None:
        super().__init__(dimension, few)
        self._bits, self._planes, self.rescore = bits, planes, rescore
        self._clear()

    def _clear(self) -> None:
        self._signer: Signer | None = None
        self._flat = faiss.IndexBinaryFlat(self._bits)
        self._flat.use_heap = False  # distances are few whole numbers: counting them needs no heap

    def _fit(self, vectors: Vectors, count: int) -> None:
        self._signer = Signer.fit(vectors, self._bits, self._planes)
        self._arrange(self._signed(vectors), count)

    def _put(self, vectors: Vectors) -> None:
        signatures, first = self._signed(vectors), self._flat.ntotal
        self._flat.add(signatures)
        self._file(signatures, np.arange(first, first + len(signatures), dtype=np.int64))

    def _drop(self, positions: Positions) -> None:
        self._held()[positions] = 0

    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        signatures = self._signed(queries)
        if effort.probe == RANKED:
            within = None if selector is None else faiss.SearchParameters(sel=selector.faiss)
            ranked: Positions = self._flat.search(signatures, effort.reach, params=within)[1]
            return ranked
        met = self._meet(signatures, effort)
        few = np.flatnonzero(met[:, min(effort.reach, 2 * NEIGHBOURS) - 1] < 0)
        if len(few):  # buckets that hold next to nothing
            met[few] = self._flat.search(signatures[few], effort.reach)[1]
        return met if selector is None else np.where(selector.flags[met] & (met >= 0), met, -1)

    def _spent(self, k: int, selector: Selector | None) -> Effort:
        """What is met and may not answer is dropped, so more is met; beyond `MOST_WIDENED`, all that may answer."""
        wider = 1.0 if selector is None else 1 / max(selector.share, 1e-9)
        wanted = self.effort.reach * max(1.0, k / NEIGHBOURS)
        if self.effort.probe == RANKED or wider > MOST_WIDENED:
            return Effort(min(int(wanted), self.rows.count), RANKED)
        return Effort(min(int(wanted * wider), self.rows.count), self._wider(wider * max(1.0, k / NEIGHBOURS)))

    def _signed(self, vectors: Vectors) -> Signature:
        assert self._signer is not None
        return self._signer(vectors)

    def _held(self) -> Signature:
        """uint8 (coded, bits / 8): the signatures, not a copy."""
        every = faiss.rev_swig_ptr(self._flat.xb.data(), self._flat.xb.size())
        return np.asarray(every.reshape(-1, self._flat.code_size))

    def _weight(self) -> int:
        return int(self._flat.ntotal * self._flat.code_size)

    def _called(self, effort: Effort) -> str:
        distance = f"Hamming distance of {self._bits} bits"
        return distance if effort.probe == RANKED else f"{distance} in {self._met(effort)}"

    def _write(self, folder: Path) -> None:
        assert self._signer is not None
        np.save(folder / SIGNATURES, self._held())
        np.save(folder / NORMALS, self._signer.normals)
        np.save(folder / OFFSETS, self._signer.offsets)
        kind = {"bits": self._bits, "planes": self._planes.value, "rescore": self.rescore}
        (folder / KIND).write_text(json.dumps(kind), encoding="utf-8")

    def _read(self, folder: Path) -> None:
        kind = json.loads((folder / KIND).read_text(encoding="utf-8"))
        self._bits, self._planes = kind["bits"], Planes(kind["planes"])
        self.rescore = kind.get("rescore", True)
        self._clear()
        self._signer = Signer(np.load(folder / NORMALS), np.load(folder / OFFSETS))
        self._flat.add(np.load(folder / SIGNATURES))

    def _wider(self, times: float) -> int:
        """The effort's probes where so many times as much is to be met."""
        return self.effort.probe

    @abstractmethod
    def _arrange(self, signatures: Signature, count: int) -> None:
        """Make ready to file `count` signatures, of which these (n, bytes) are some."""

    @abstractmethod
    def _file(self, signatures: Signature, positions: Positions) -> None:
        """File further signatures, in the order of their positions."""

    @abstractmethod
    def _meet(self, signatures: Signature, effort: Effort) -> Positions:
        """int64 (m, effort.reach) positions of what a query's buckets hold, nearest first, -1 for none."""

    @abstractmethod
    def _met(self, effort: Effort) -> str:
        """Where those are met, in a few words."""


class LshIndex(_SignedIndex):
    """Signatures by cells around learned centres (FAISS `IndexBinaryIVF`): a hash table whose keys fit the archive."""

    name = "lsh"
    EFFORTS: ClassVar[Sequence[Effort]] = tuple(
        Effort(reach, probe)
        for reach, probe in [
            (60, 16), (80, 24), (100, 32), (120, 48), (160, 48), (200, 64), (300, 64), (400, 96), (600, 128),
            (800, 128), (1200, 192), (1600, 256), (2400, 384), (3200, 512), (3200, RANKED),
        ]
    )  # fmt: skip

    def _clear(self) -> None:
        super()._clear()
        self._cells: Any = None

    def _arrange(self, signatures: Signature, count: int) -> None:
        root = np.sqrt(count)
        cells = max(1, min(int(max(2 * root, min(4 * root, QUICK))), len(signatures) // PER_CELL))
        self._centres = faiss.IndexBinaryFlat(self._bits)
        self._cells = faiss.IndexBinaryIVF(self._centres, self._bits, cells)
        self._cells.use_heap = False  # as of `_flat`
        self._cells.train(signatures[: cells * PER_CELL])

    def _file(self, signatures: Signature, positions: Positions) -> None:
        self._cells.add_with_ids(signatures, positions)

    def _drop(self, positions: Positions) -> None:
        super()._drop(positions)
        self._cells.remove_ids(positions)

    def _meet(self, signatures: Signature, effort: Effort) -> Positions:
        every = self._cells.ntotal + 1  # without a heap FAISS reads a limit of 0 as none at all, not as no limit
        spent = faiss.SearchParametersIVF(nprobe=effort.probe, max_codes=every)
        found: Positions = self._cells.search(signatures, effort.reach, params=spent)[1]
        return found

    def _wider(self, times: float) -> int:
        return int(self.effort.probe * times**0.5)

    def _met(self, effort: Effort) -> str:
        return f"{min(effort.probe, self._cells.nlist)} of {self._cells.nlist} cells"

    def _weight(self) -> int:
        return super()._weight() + int(self._cells.ntotal * (self._cells.code_size + 8))

    def _write(self, folder: Path) -> None:
        super()._write(folder)
        faiss.write_index_binary(self._cells, str(folder / CELLS))

    def _read(self, folder: Path) -> None:
        super()._read(folder)
        self._cells = faiss.read_index_binary(str(folder / CELLS))
        self._cells.use_heap = False


class LshTables(_SignedIndex):
    """Signatures by hash tables (FAISS `IndexBinaryMultiHash`): each files a vector under a slice of its signature.

    Several tables by several slices: Indyk and Motwani 1998. A query looks into the buckets a flipped bit or two away
    too (multi-probe, Lv et al. 2007).
    """

    name = "lsh-tables"
    TABLES, KEY_BITS = 12, 20
    EFFORTS: ClassVar[Sequence[Effort]] = tuple(
        Effort(reach, probe)
        for reach, probe in [
            (50, 0), (100, 0), (50, 1), (100, 1), (200, 1), (100, RANKED), (200, RANKED), (400, RANKED), (800, RANKED),
            (1600, RANKED), (3200, RANKED),
        ]
    )  # fmt: skip

    def _clear(self) -> None:
        super()._clear()
        tables = max(1, min(self.TABLES, self._bits // self.KEY_BITS))
        self._tables = faiss.IndexBinaryMultiHash(self._bits, tables, min(self.KEY_BITS, self._bits))

    def _arrange(self, signatures: Signature, count: int) -> None:
        pass  # a key is a slice of the signature, nothing is learned

    def _file(self, signatures: Signature, positions: Positions) -> None:
        self._tables.add(signatures)

    def _drop(self, positions: Positions) -> None:
        super()._drop(positions)
        storage = self._tables.storage
        faiss.rev_swig_ptr(storage.xb.data(), storage.xb.size()).reshape(-1, storage.code_size)[positions] = 0

    def _meet(self, signatures: Signature, effort: Effort) -> Positions:
        self._tables.nflip = effort.probe
        found: Positions = self._tables.search(signatures, effort.reach)[1]
        return found

    def _met(self, effort: Effort) -> str:
        return f"{self._tables.nhash} hash tables, up to {effort.probe} bits flipped"

    def _weight(self) -> int:
        return super()._weight() + int(self._tables.ntotal * (self._flat.code_size + self._tables.nhash * 24))

    def _read(self, folder: Path) -> None:
        super()._read(folder)
        self._tables.add(self._held())
