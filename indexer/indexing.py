"""An archive's index on disk: made from its segments, opened with what was added and taken away since.

The segments are the truth; the index's files can be made again from them at any time. Files that FAISS or NumPy parse
are hashed before they are read. The rows of exact vectors are not: they are memory-mapped numbers, any bytes of which
are numbers, and to hash them is to read them all. `caselink verify` hashes them too.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.embeddings import Ids, Vectors
from engine.errors import ArchiveCorrupt, ArchiveError, IndexUnsupported
from indexer.durable import hash_file, make_folder, room_on_disk, sync_file, sync_folder
from indexer.indexes import ABSENT, INDEXES, VectorIndex
from indexer.indexes.auto import Choice, Limits, Measured, choose, measure
from indexer.indexes.exact import ExactIndex
from indexer.indexes.milvus import MilvusIndex
from indexer.indexes.rows import VECTORS
from indexer.manifest import IndexFacts, Manifest, PublishedFile, absent, check_file
from indexer.segments import read_joined

FOLDER = "indexes"
AUTO = "auto"
ANY = Limits()


def held_vectors(root: Path, manifest: Manifest, wanted: Ids) -> tuple[Ids, Vectors]:
    """int64 (n,) ids, ascending, and float32 (n, d) vectors of those wanted, from the segments.

    Raises:
        ArchiveCorrupt: where one is in no segment, or a segment is not as it was written.
    """
    ids, rows = read_joined(root, manifest.segments, manifest.card.dimension)
    kept = np.flatnonzero(np.isin(ids, wanted))
    order = kept[np.argsort(ids[kept])]
    if len(order) != len(wanted):
        raise ArchiveCorrupt(f"{len(wanted)} vectors are named but {len(order)} are there; index the films anew")
    return ids[order], rows[order]


def open_index(root: Path, manifest: Manifest, wanted: Ids) -> VectorIndex:
    """The index of a version, holding exactly the vectors `wanted` (ascending ids).

    Raises:
        ArchiveCorrupt: files that are not as they were written. IndexUnsupported: an index that cannot be used here.
    """
    facts = manifest.index
    if not facts.files:
        index: VectorIndex = ExactIndex(manifest.card.dimension)
        ids, vectors = held_vectors(root, manifest, wanted)
        index.build(vectors, ids)
        return index
    for file in facts.files:
        if Path(file.path).name != VECTORS:
            check_file(root, file)
    try:
        place = Path(*Path(facts.files[0].path).parts[:2])  # an index may keep folders in its own
        index = _kind(facts.name).load(root / place, manifest.card.dimension)
    except OSError as error:
        raise absent(facts.files[0].path, error) from None
    held = index.ids
    if not np.array_equal(held, wanted):
        index.remove(np.setdiff1d(held, wanted, assume_unique=True))
    fresh = wanted[wanted >= facts.covers]
    if len(fresh):
        ids, vectors = held_vectors(root, manifest, fresh)
        index.add(vectors, ids)
    if len(index) != len(wanted):
        raise ArchiveCorrupt(f"the index holds {len(index)} of {len(wanted)} vectors; make it anew: `caselink tune`")
    return index


def build_index(
    root: Path,
    manifest: Manifest,
    version: int,
    wanted: Ids,
    *,
    name: str = AUTO,
    limits: Limits = ANY,
    server: str | None = None,
    told: Callable[[Choice], None] = lambda _: None,
) -> IndexFacts:
    """Make the index of the version to come in a folder of its own.

    name: of the registry, or `auto`, which chooses by the limits. server: where an index of Milvus is to live; None =
    in the archive. told: is given what was chosen, and why.

    Raises:
        ArchiveError: no such index. IndexUnsupported: none that can be used here. DiskFull: nothing was published.
    """
    ids, vectors = held_vectors(root, manifest, wanted)
    if name == AUTO and server is None:
        index, choice = choose(vectors, ids, limits)
    else:
        index = _new(name, manifest, version, server)
        index.build(vectors, ids)
        choice = Choice(name, "asked for by name", (measure(index, vectors, limits.recall, 0.0),))
    told(choice)
    return save_index(root, version, index, choice)


def save_index(root: Path, version: int, index: VectorIndex, choice: Choice) -> IndexFacts:
    """Write an index durably, as the version's; exact search has no files, since it reads the segments.

    Raises:
        DiskFull: nothing was published.
    """
    best = next(each for each in choice.measured if each.name == choice.name)
    covers = int(index.ids.max(initial=-1)) + 1
    files: tuple[PublishedFile, ...] = ()
    if index.name != ExactIndex.name:
        folder = root / FOLDER / f"{version:06d}"
        with room_on_disk(root):
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed before it published
            make_folder(folder)
            index.save(folder)
            files = tuple(_synced(root, path) for path in sorted(folder.rglob("*")) if path.is_file())
            sync_folder(folder)
    return IndexFacts(index.name, files, covers, choice.why, best.recall, best.ms, best.gib)


def without(root: Path, manifest: Manifest, version: int, wanted: Ids) -> IndexFacts:
    """The index of the version to come, holding `wanted` alone and no byte of what else the present one held."""
    facts = manifest.index
    if not facts.files:
        return facts
    index = open_index(root, manifest, wanted)
    figures = Measured(facts.name, facts.recall, facts.ms or 0.0, facts.gib or 0.0, 0.0)
    return save_index(root, version, index, Choice(facts.name, facts.why, (figures,)))


def _synced(root: Path, path: Path) -> PublishedFile:
    """An index's file, on disk, with its hash."""
    with path.open("r+b") as file:
        sync_file(file)
    return PublishedFile(path.relative_to(root).as_posix(), hash_file(path))


def _new(name: str, manifest: Manifest, version: int, server: str | None) -> VectorIndex:
    if server is None:
        return _kind(name)(manifest.card.dimension)
    if name != MilvusIndex.name:
        raise ArchiveError(
            f"an index {name!r} lives in the archive, not at {server}; name {MilvusIndex.name!r}, or no server"
        )
    _kind(name)
    collection = f"caselink_{manifest.key[:12]}_{version}"  # archives and versions may share a server
    return MilvusIndex(manifest.card.dimension, server, collection=collection)


def _kind(name: str) -> type[VectorIndex]:
    if name in ABSENT:
        raise IndexUnsupported(f"the index {name!r} cannot be used here: {ABSENT[name]}")
    if name not in INDEXES:
        raise ArchiveError(f"there is no index {name!r}; choose one of {AUTO}, {', '.join(INDEXES)}")
    return INDEXES[name]
