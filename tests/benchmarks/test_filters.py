"""The bench of filters, on few films."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import filters
from benchmarks._archive import fill_archive
from benchmarks.filters import judged, wanted
from engine.embeddings import Vectors


def row(share: float, recall: float, ms: float, first: float | None) -> dict[str, Any]:
    return {"share": share, "recall": recall, "times": [ms / 1e3] * 3, "first": [] if first is None else [first / 1e3]}


def clusters(n: int, d: int) -> Vectors:
    """Unit rows around some means."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, d))[rng.integers(12, size=n)] + 0.4 * rng.normal(size=(n, d))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_rows_are_judged_against_the_one_without_a_filter() -> None:
    found = judged([row(1, 1, 2, None), row(0.5, 0.99, 4, 18), row(0.05, 1, 9, 25), row(0.2, 0.98, 2, 3)])
    assert [one["ratio"] for one in found] == pytest.approx([1, 2, 4.5, 1])
    assert [one["first_ms"] for one in found] == [None, *(pytest.approx(ms) for ms in (14, 16, 1))]
    assert [one["holds"] for one in found] == [True, True, False, False]


def test_less_is_wanted_of_filters_that_leave_little() -> None:
    assert (wanted(0.5), wanted(0.1), wanted(0.0999)) == (2, 2, 5)


@pytest.mark.parametrize("index", ["compact", "exact"])
def test_a_small_archive_is_measured(index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, stored = tmp_path / "source", tmp_path / "filters.json"
    fill_archive(source / "archive", clusters(400, 24), np.arange(400) // 2, "exact")
    monkeypatch.setattr(filters, "FILTERS", filters.FILTERS[:5])
    asked = [
        "--archive",
        str(source / "archive"),
        "--n",
        "6000",
        "--queries",
        "20",
        "--index",
        index,
        "--json",
        str(stored),
    ]
    with pytest.raises(SystemExit):
        filters.main(asked)
    found = json.loads(stored.read_text(encoding="utf-8"))
    assert (found["n"], found["index"], len(found["rows"])) == (6000, index, 5)
    shares = [one["share"] for one in found["rows"]]
    assert shares[0] == 1 and shares == sorted(shares, reverse=True)
    assert all(one["recall"] >= 0.9 and len(one["times"]) == 20 for one in found["rows"])
    assert found["rows"][0]["first_ms"] is None and found["rows"][1]["way"]
