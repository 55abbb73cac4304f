"""MinHash tables (Broder 1997) of datasketch over the set bits of a signature: what a Python user would pick first.

Two signatures' sets are as alike as the bits that both have, of those that either has. Slow beside the other indexes;
here as the peer that one can compare with, within the same protocol. Exact vectors decide.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from engine.embeddings import Vectors
from indexer.indexes.rescored import Effort, RescoredIndex, Selector
from indexer.indexes.rows import Positions
from indexer.indexes.signatures import BITS, Signature, Signer

PERMUTATIONS = 64
ROWS = 4
"""Of the values that a band, one table, files by."""
SEED, SCHEME = 1, "affine32"
SIGNATURES, NORMALS, OFFSETS = "signatures.npy", "normals.npy", "offsets.npy"


class MinHashIndex(RescoredIndex):
    """datasketch `MinHashLSH`, 16 tables of 4 values each; its candidates come unranked, so all are compared."""

    name = "minhash"
    EFFORTS: ClassVar[Sequence[Effort]] = (Effort(1, 1),)

    def _clear(self) -> None:
        self._signer: Signer | None = None
        self._signatures: list[Signature] = []
        # datasketch takes most of a second to import, and other indexes need none of it
        from datasketch import LeanMinHash, MinHash, MinHashLSH

        self._tables = MinHashLSH(num_perm=PERMUTATIONS, params=(PERMUTATIONS // ROWS, ROWS))
        self._lean = LeanMinHash
        self._values: npt.NDArray[np.uint64 | np.uint32] = np.stack(
            [
                MinHash.bulk([[number.to_bytes(2, "little")]], num_perm=PERMUTATIONS, seed=SEED, scheme=SCHEME)[
                    0
                ].hashvalues
                for number in range(BITS)
            ]
        )

    def _fit(self, vectors: Vectors, count: int) -> None:
        self._signer = Signer.fit(vectors, BITS)

    def _put(self, vectors: Vectors) -> None:
        assert self._signer is not None
        self._file(self._signer(vectors))

    def _file(self, signatures: Signature) -> None:
        first = sum(len(each) for each in self._signatures)
        self._signatures.append(signatures)
        with self._tables.insertion_session() as session:
            for place, sketch in enumerate(self._sketches(signatures), start=first):
                session.insert(place, sketch)

    def _drop(self, positions: Positions) -> None:
        for position in positions.tolist():
            self._tables.remove(position)
        held = np.concatenate(self._signatures)
        held[positions] = 0
        self._signatures = [held]

    def _propose(self, queries: Vectors, effort: Effort, selector: Selector | None) -> Positions:
        assert self._signer is not None
        met = [np.sort(self._tables.query(sketch)) for sketch in self._sketches(self._signer(queries))]
        if selector is not None:
            met = [places[selector.flags[places.astype(np.int64)]] for places in met]
        found = np.full((len(met), max(1, *(len(places) for places in met))), -1, np.int64)
        for row, places in zip(found, met, strict=True):
            row[: len(places)] = places
        return found

    def _sketches(self, signatures: Signature) -> list[Any]:
        """datasketch's `LeanMinHash`: of each signature the least value of its set bits under every permutation."""
        flags = np.unpackbits(signatures, axis=1, bitorder="little").astype(bool)
        nothing = np.full(PERMUTATIONS, np.iinfo(self._values.dtype).max)
        least = (self._values[row].min(axis=0) if row.any() else nothing for row in flags)
        return [self._lean(seed=SEED, hashvalues=values, scheme=SCHEME) for values in least]

    def _weight(self) -> int:
        return len(self.rows.ids) * (BITS // 8 + PERMUTATIONS // ROWS * 200)  # keys and sets of Python, roughly

    def _called(self, effort: Effort) -> str:
        return f"{PERMUTATIONS // ROWS} MinHash tables"

    def _write(self, folder: Path) -> None:
        assert self._signer is not None
        np.save(folder / SIGNATURES, np.concatenate(self._signatures))
        np.save(folder / NORMALS, self._signer.normals)
        np.save(folder / OFFSETS, self._signer.offsets)

    def _read(self, folder: Path) -> None:
        self._clear()
        self._signer = Signer(np.load(folder / NORMALS), np.load(folder / OFFSETS))
        gone, signatures = self.rows.gone, np.load(folder / SIGNATURES)
        self._file(signatures)
        if gone is not None:
            self._drop(np.flatnonzero(gone))
