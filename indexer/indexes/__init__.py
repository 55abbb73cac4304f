"""The registry of vector indexes; the only place that imports FAISS."""

from importlib.metadata import distributions

from engine.errors import ArchiveError
from indexer.indexes.base import IdSet, VectorIndex
from indexer.indexes.exact import ExactIndex
from indexer.indexes.milvus import MilvusIndex, unavailable

INDEXES: dict[str, type[VectorIndex]] = {"exact": ExactIndex}
"""Name to class; registering an index here puts it under the contract tests. Milvus only where it is installed."""
if unavailable() is None:
    INDEXES[MilvusIndex.name] = MilvusIndex


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


__all__ = ["INDEXES", "ExactIndex", "IdSet", "MilvusIndex", "VectorIndex", "check_one_faiss"]
