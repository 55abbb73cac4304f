"""What every engine of the bench is asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Literal

import faiss
import numpy as np

from engine.embeddings import Ids, Vectors

Options = dict[str, Any]
"""Plain values by name, fit for JSON."""
Variants = Mapping[str, Options]
Kind = Literal["own", "library", "system", "hash table"]
EF = [{"ef": ef} for ef in (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384)]
"""Lengths of the list of candidates that graphs are asked with."""
REFINED = [each | {"refine": 3} for each in EF[2:]]
"""As many times the neighbours that are wanted, of which the best are taken by 32-bit numbers."""
GRAPHS: dict[str, Options] = {"M16": {"m": 16, "ef_build": 200}, "M32": {"m": 32, "ef_build": 200}}
"""Links of a node, and candidates looked at while a node is placed."""


class Engine(ABC):
    """Nearest neighbours among unit vectors, by inner product or, which is the same, cosine; ids are row numbers.

    name, kind: as shown. package: the distribution whose version is noted. modules: what it imports. variants: options
    of building by their name. most: rows above which it is not asked, None = any. remark: what a reader must know.
    patients: int64 (n,), whose the rows are, for an engine that asks; None = each is somebody else's.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    package: ClassVar[str]
    modules: ClassVar[tuple[str, ...]] = ()
    variants: ClassVar[Variants]
    most: ClassVar[int | None] = None
    remark: ClassVar[str] = ""

    def __init__(self, options: Options, threads: int, folder: Path) -> None:
        """Nothing built yet. options: one of `variants`. threads: to use, at most. folder: empty, for its files."""
        self.options = options
        self.threads = threads
        self.folder = folder
        self.patients: Ids | None = None

    @classmethod
    def installed(cls) -> str | None:
        """Why it cannot be asked here; None = it can. Its libraries are loaded."""
        try:
            for module in cls.modules:
                import_module(module)
        except ImportError as error:
            return f"{error}; install the extra `peers` of caselink"
        return None

    @classmethod
    def version(cls) -> str:
        """Of its library."""
        return version(cls.package)

    @abstractmethod
    def build(self, vectors: Vectors) -> None:
        """Hold float32 (n, d) rows of length 1, ready to be searched; the array itself is not kept."""

    def settings(self) -> list[Options]:
        """Options of a search, from quick to thorough."""
        return [{}]

    @abstractmethod
    def search(self, queries: Vectors, k: int, setting: Options) -> Ids:
        """int64 (m, k) rows nearest to float32 (m, d) unit queries, best first; -1 where fewer are found."""

    def save(self) -> None:  # noqa: B027  most have nothing to do
        """Write the index into `folder`, where the library has a format of its own; systems wrote as they built."""

    def close(self) -> None:  # noqa: B027
        """Let files go."""


def library(name: str) -> Any:
    """A module that may be absent, loaded when it is first used."""
    return import_module(name)


def padded(rows: Sequence[Sequence[int] | Ids], k: int) -> Ids:
    """int64 (m, k) of m lists, each cut or filled up with -1."""
    found = np.full((len(rows), k), -1, np.int64)
    for number, row in enumerate(rows):
        found[number, : len(row)] = row[:k]
    return found


def rescored(queries: Vectors, vectors: Vectors, candidates: Ids, k: int) -> Ids:
    """The k best by inner product of each row of candidates, int64 (m, c) with -1 for none, best first.

    queries: float32 (m, d), vectors: (n, d), both in C order.
    """
    candidates, queries = np.ascontiguousarray(candidates), np.ascontiguousarray(queries)
    (m, c), d = candidates.shape, vectors.shape[1]
    likeness = np.empty((m, c), np.float32)
    pointers = (faiss.swig_ptr(array) for array in (likeness, queries, vectors, candidates))
    compare: Any = getattr(faiss, "fvec_inner_products_by_idx")  # noqa: B009  the stubs of FAISS lack it
    compare(*pointers, d, m, c)
    likeness[candidates < 0] = -np.inf
    if c > k:
        some = np.argpartition(-likeness, k - 1, axis=1)[:, :k]
        candidates = np.take_along_axis(candidates, some, axis=1)
        likeness = np.take_along_axis(likeness, some, axis=1)
    found = np.take_along_axis(candidates, np.argsort(-likeness, axis=1, kind="stable"), axis=1)
    return found if c >= k else np.pad(found, ((0, 0), (0, k - c)), constant_values=-1)
