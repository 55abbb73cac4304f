"""Segments: the same rows after any merge, and few files for many films."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ArchiveCorrupt
from indexer.manifest import PublishedFile
from indexer.segments import FAN, LARGEST_CLASS, crowded, merge_segments, read_segment, size_class, write_segment


def test_round_trip_and_merge(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    written, ids, vectors = [], [], []
    for n in (3, 1, 5):
        ids.append(rng.integers(0, 100, n))
        vectors.append(rng.standard_normal((n, 6)).astype(np.float32))
        written.append(write_segment(tmp_path, f"vectors/m/{n}.safetensors", ids[-1], vectors[-1]))
    one = merge_segments(tmp_path, "vectors/m/all.safetensors", tuple(written))
    assert one.rows == 9
    found_ids, found = read_segment(tmp_path, one)
    assert found_ids.dtype == np.int64
    assert np.array_equal(found_ids, np.concatenate(ids))
    assert np.array_equal(found, np.concatenate(vectors))


def test_a_changed_segment_is_never_parsed(tmp_path: Path) -> None:
    segment = write_segment(tmp_path, "s", np.arange(2), np.zeros((2, 3), np.float32))
    data = bytearray((tmp_path / "s").read_bytes())
    data[-1] ^= 1
    (tmp_path / "s").write_bytes(data)
    with pytest.raises(ArchiveCorrupt, match="s has changed"):
        read_segment(tmp_path, segment)


@pytest.mark.parametrize(("rows", "expected"), [(0, 0), (1, 0), (15, 0), (16, 1), (255, 1), (256, 2), (65536, 4)])
def test_size_classes(rows: int, expected: int) -> None:
    assert size_class(rows) == expected


def grow(sizes: list[int]) -> tuple[PublishedFile, ...]:
    """What an archive's list of segments becomes as segments of these sizes are added."""
    held: tuple[PublishedFile, ...] = ()
    for number, rows in enumerate(sizes):
        held += (PublishedFile(f"{number}", "", rows),)
        merged = crowded(held)
        if merged:
            assert held[-len(merged) :] == merged
            held = (*held[: -len(merged)], PublishedFile(f"{number}m", "", sum(one.rows for one in merged)))
    return held


@given(st.lists(st.integers(1, 700), max_size=400))
def test_few_segments_hold_every_row(sizes: list[int]) -> None:
    held = grow(sizes)
    assert sum(one.rows for one in held) == sum(sizes)
    classes = 2 + math.log(max(sum(sizes), 1), FAN)
    assert len(held) <= FAN * classes
    assert not crowded(held)


def test_a_long_run_of_equal_segments() -> None:
    held = grow([100] * 5000)
    assert sum(one.rows for one in held) == 500_000
    assert len(held) < 2 * FAN + 500_000 / FAN**LARGEST_CLASS * FAN


def test_large_segments_are_left_alone() -> None:
    assert crowded(tuple(PublishedFile(f"{n}", "", FAN**LARGEST_CLASS) for n in range(40))) == ()


def test_fifteen_small_ones_wait_for_the_next() -> None:
    small = tuple(PublishedFile(f"{n}", "", 10) for n in range(FAN - 1))
    assert crowded(small) == ()
    assert crowded((*small, PublishedFile("x", "", 10))) == (*small, PublishedFile("x", "", 10))
