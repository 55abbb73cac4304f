"""Pairs of films that may be near-duplicates, by their hashes: datasketch's LSH over bands of bits.

The bits of a band are of one parity of frequencies, which mirroring and inverting change all together or not at all,
and are told relative to the first of them. So a film meets its mirror image and its negative in the same bucket. Each
table holds a film twice, as it lies and with its axes swapped, where it meets those turned on their side.
"""

import numpy as np
import numpy.typing as npt
from datasketch import LeanMinHash, MinHashLSH

from indexer.duplicates.hashes import BITS, BYTES, FREQUENCIES, POSES, Bits, Match, all_poses, faces

TABLES, WIDTH = 12, 10
"""Tables, and bits of a band. Each table serves two bands: a film with 15 % of its bits changed shares a band with the
chance 0.995, with 22 % 0.87; two that differ in 40 % with the chance 0.14."""
FARTHEST = int(0.22 * BITS)
"""Bits that may differ. On btxrd and fracatlas that proposes one wrong pair for eleven films. Of 150 films altered, it
proposes all that were resized, compressed, re-exposed, mirrored or turned, 0.97 of those given a border, 0.86 of those
cropped by 4 %, and 0.2 of those cropped by 8 % or shifted by 3 %."""
SEED = 7
WORDS = -(-BYTES // 8)


def _positions() -> npt.NDArray[np.intp]:
    """intp (2, TABLES, WIDTH): which bits each band looks at, all of one parity in both axes; never the constant term.

    The second half looks at the same places with the axes swapped.
    """
    rng = np.random.default_rng(SEED)
    grid = np.arange(FREQUENCIES**2).reshape(FREQUENCIES, FREQUENCIES)
    kinds = [grid[row::2, column::2].ravel() for row, column in ((0, 0), (0, 1), (1, 1))]
    drawn = [rng.choice(kind[kind > 0], WIDTH, replace=False) for kind in kinds for _ in range(TABLES // len(kinds))]
    upright = np.array(drawn)
    return np.stack([upright, grid.T.ravel()[upright]])


POSITIONS = _positions()
_PLACES = (1 << np.arange(WIDTH)).astype(np.uint64)


def bands(bits: Bits) -> npt.NDArray[np.uint64]:
    """uint64 (2, TABLES): a hash's buckets, the same for its mirror images and negative, halves swapped if turned."""
    chosen = bits[POSITIONS]
    found: npt.NDArray[np.uint64] = (chosen ^ chosen[:, :, :1]) @ _PLACES
    return found


class Lookalikes:
    """Films by their hashes; `near` finds those that look like another."""

    def __init__(self) -> None:
        self._lsh = MinHashLSH(num_perm=TABLES, params=(TABLES, 1))
        self._packed = np.zeros((64, WORDS), dtype=np.uint64)
        self._film: list[int] = []
        self._face: list[int] = []
        self._rows: dict[int, list[int]] = {}

    def add(self, film: int, phash: str) -> None:
        """Hold a film that is not held yet; one without a hash is like no other."""
        for number, bits in enumerate(faces(phash)):
            row = len(self._film)
            if row == len(self._packed):
                self._packed = np.concatenate([self._packed, np.zeros_like(self._packed)])
            self._packed[row] = _words(bits[None])[0]
            self._film.append(film)
            self._face.append(number)
            self._rows.setdefault(film, []).append(row)
            for half, sketch in enumerate(_sketches(bits)):
                self._lsh.insert(2 * row + half, sketch, check_duplication=False)

    def remove(self, film: int) -> None:
        """Let a film go, if it is held."""
        for row in self._rows.pop(film, []):
            for half in (0, 1):
                self._lsh.remove(2 * row + half)

    def near(self, phash: str) -> list[Match]:
        """The films held that differ in few enough bits, each by its best match, by film."""
        best: dict[int, Match] = {}
        for mine, bits in enumerate(faces(phash)):
            for match in self._matches(mine, bits):
                if match.film not in best or match.bits < best[match.film].bits:
                    best[match.film] = match
        return [best[film] for film in sorted(best)]

    def _matches(self, mine: int, bits: Bits) -> list[Match]:
        """What is near one face of a film."""
        keys = [key for sketch in _sketches(bits) for key in self._lsh.query(sketch)]
        if not keys:
            return []
        rows = np.unique(np.array(keys, dtype=np.int64) // 2)
        asked = _words(all_poses(bits))
        differ = np.bitwise_count(asked[:, None] ^ self._packed[rows]).sum(axis=2, dtype=np.int64)
        either = np.minimum(differ, BITS - differ)
        found = []
        for at in np.flatnonzero(either.min(axis=0) <= FARTHEST).tolist():
            pose, row = int(either[:, at].argmin()), int(rows[at])
            inverted, count = bool(differ[pose, at] > either[pose, at]), int(either[pose, at])
            found.append(Match(self._film[row], mine, self._face[row], POSES[pose], inverted, count))
        return found


def _words(bits: Bits) -> npt.NDArray[np.uint64]:
    """uint64 (n, WORDS): bits, bool (n, 144), in few words, so that they are counted fast."""
    packed = np.zeros((len(bits), WORDS * 8), dtype=np.uint8)
    packed[:, :BYTES] = np.packbits(bits, axis=1)
    return packed.view(np.uint64)


def _sketches(bits: Bits) -> list[LeanMinHash]:
    """The buckets of a film as it lies and with its axes swapped, as datasketch takes them."""
    return [LeanMinHash(seed=SEED, hashvalues=half, scheme="legacy") for half in bands(bits)]
