"""Every engine of the bench by its name; putting one here puts it under the contract tests."""

from benchmarks.ann.engines.bare_faiss import FaissFastScan, FaissFlat, FaissHnsw, FaissHnswSq8, FaissIvf
from benchmarks.ann.engines.base import Engine, Options
from benchmarks.ann.engines.chroma import Chroma
from benchmarks.ann.engines.faiss_binary import FaissBinary
from benchmarks.ann.engines.hnsw import Hnswlib
from benchmarks.ann.engines.lance import Lance
from benchmarks.ann.engines.milvus import MilvusLite
from benchmarks.ann.engines.minhash import DatasketchForest, DatasketchLsh
from benchmarks.ann.engines.own import OWN
from benchmarks.ann.engines.qdrant import QdrantLocal
from benchmarks.ann.engines.usearch import Usearch
from benchmarks.ann.engines.voyager import Voyager
from benchmarks.ann.engines.whole import Whole

_ALL: tuple[type[Engine], ...] = (
    Whole,
    *OWN,
    *(FaissFlat, FaissHnsw, FaissHnswSq8, FaissIvf, FaissFastScan, FaissBinary),
    *(Hnswlib, Usearch, Voyager),
    *(DatasketchLsh, DatasketchForest),
    *(Lance, MilvusLite, Chroma, QdrantLocal),
)
ENGINES: dict[str, type[Engine]] = {engine.name: engine for engine in _ALL}
"""Name to class."""

__all__ = ["ENGINES", "Engine", "Options"]
