"""The registry of vector indexes; the only place that imports FAISS."""

from importlib.metadata import distributions

from engine.errors import ArchiveError
from indexer.indexes.base import IdSet, VectorIndex
from indexer.indexes.compact import CompactIndex
from indexer.indexes.exact import ExactIndex
from indexer.indexes.gpu import GpuIndex, why_no_gpu
from indexer.indexes.hnsw import HnswIndex
from indexer.indexes.lsh import LshIndex, LshTables
from indexer.indexes.milvus import MilvusIndex, unavailable
from indexer.indexes.minhash import MinHashIndex

ALL: tuple[type[VectorIndex], ...] = (
    ExactIndex,
    LshIndex,
    LshTables,
    MinHashIndex,
    HnswIndex,
    CompactIndex,
    GpuIndex,
    MilvusIndex,
)
_REASONS = {GpuIndex.name: why_no_gpu(), MilvusIndex.name: unavailable()}
ABSENT: dict[str, str] = {name: why for name, why in _REASONS.items() if why is not None}
"""Name to the reason, of indexes that cannot be used here."""
INDEXES: dict[str, type[VectorIndex]] = {index.name: index for index in ALL if index.name not in ABSENT}
"""Name to class; registering an index here puts it under the contract tests."""


def check_one_faiss(installed: set[str] | None = None) -> None:
    """Refuse two FAISS distributions side by side: both install the module `faiss`, and one shadows the other.

    installed: distribution names; None = those of this environment.

    Raises:
        ArchiveError: naming them and the cure.
    """
    names = installed if installed is not None else {d.metadata["Name"] for d in distributions()}
    found = sorted(n for n in names if n and n.lower().replace("_", "-").startswith("faiss-"))
    if len(found) > 1:
        raise ArchiveError(f"{' and '.join(found)} are installed together; make the environment anew with `make env`")


__all__ = ["ABSENT", "INDEXES", "IdSet", "VectorIndex", "check_one_faiss"]
