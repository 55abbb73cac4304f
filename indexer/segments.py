"""Segments: the files that hold an archive's vectors, written once and merged as they grow many."""

from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from engine.embeddings import Ids, Vectors
from indexer.durable import write_durably
from indexer.manifest import PublishedFile, read_file

FAN = 16
"""Segments of one size class that are merged into one of the next, so that an archive of n films has O(log n)."""
LARGEST_CLASS = 4
"""Segments of FAN**4 = 65,536 rows and more are left as they are."""


def write_segment(root: Path, path: str, ids: Ids, vectors: Vectors) -> PublishedFile:
    """A new segment of int64 (n,) ids and float32 (n, d) vectors at `path` under `root`.

    Raises:
        DiskFull: nothing was written.
    """
    return PublishedFile(path, write_durably(root / path, save({"vectors": vectors, "ids": ids})), len(ids))


def read_segment(root: Path, segment: PublishedFile) -> tuple[Ids, Vectors]:
    """ids int64 (n,) and vectors float32 (n, d) of one segment.

    Raises:
        ArchiveCorrupt: a file that is missing or not the one written.
    """
    tensors = load(read_file(root, segment))
    return tensors["ids"], tensors["vectors"]


def keep_vectors(
    root: Path, prefix: str, segments: tuple[PublishedFile, ...], wanted: Ids
) -> tuple[PublishedFile, ...]:
    """The segments of the vectors `wanted`: those that hold others are written anew, under paths that begin `prefix`.

    Raises:
        ArchiveCorrupt: a damaged segment. DiskFull: the old segments are as they were.
    """
    kept = []
    for number, segment in enumerate(segments):
        ids, vectors = read_segment(root, segment)
        stays = np.isin(ids, wanted)
        if stays.all():
            kept.append(segment)
        elif stays.any():
            kept.append(write_segment(root, f"{prefix}-{number:04d}.safetensors", ids[stays], vectors[stays]))
    return tuple(kept)


def read_joined(root: Path, segments: tuple[PublishedFile, ...], dimension: int) -> tuple[Ids, Vectors]:
    """int64 (n,) ids and float32 (n, dimension) vectors of all these segments, one after another; n may be 0.

    Raises:
        ArchiveCorrupt: a file that is missing or not the one written.
    """
    parts = [read_segment(root, segment) for segment in segments]
    ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in parts)])
    return ids, np.concatenate([np.empty((0, dimension), np.float32), *(vectors for _, vectors in parts)])


def crowded(segments: tuple[PublishedFile, ...]) -> tuple[PublishedFile, ...]:
    """The segments at the end that should become one: none while fewer than FAN are of the last one's class.

    The larger come first, as in a counter to the base FAN: 16 of a class become one of the next, which may in turn
    be the sixteenth of its own.
    """
    merged: tuple[PublishedFile, ...] = ()
    while len(merged) < len(segments):
        size = size_class(sum(segment.rows for segment in merged) or segments[-1].rows)
        if size >= LARGEST_CLASS:
            return merged
        start = len(segments) - len(merged)
        while start and size_class(segments[start - 1].rows) <= size:
            start -= 1
        added = len(segments) - len(merged) - start
        if added + bool(merged) < FAN:
            return merged
        merged = segments[start:]
    return merged


def size_class(rows: int) -> int:
    """0 for up to 15 rows, 1 for up to 255, and so on."""
    return max(0, (max(rows, 1).bit_length() - 1) // (FAN.bit_length() - 1))


def merge_segments(root: Path, path: str, segments: tuple[PublishedFile, ...]) -> PublishedFile:
    """One segment at `path` with the rows of all these, in their order."""
    ids, vectors = read_segment(root, segments[0])
    more, rows = read_joined(root, segments[1:], vectors.shape[1])
    return write_segment(root, path, np.concatenate([ids, more]), np.concatenate([vectors, rows]))
