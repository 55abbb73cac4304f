"""The bench of growth, on few films."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import growth
from benchmarks._archive import fill_archive
from benchmarks.growth import alone, fitted, per_film, run
from engine.embeddings import Vectors
from engine.errors import ArchiveError


def clusters(n: int, d: int) -> Vectors:
    """Unit rows around some means."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, d))[rng.integers(12, size=n)] + 0.4 * rng.normal(size=(n, d))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_a_law_is_found_again() -> None:
    rows = [{"n": n, "ms": 0.5 * n**0.75} for n in (10, 1000, 40_000)]
    assert fitted(rows, "ms") == pytest.approx((0.5, 0.75))


def test_a_film_takes_its_share_and_its_patient() -> None:
    assert per_film({"n": 10, "resident_bytes": 400}) == 44


def test_a_process_that_ends_early_says_so() -> None:
    with pytest.raises(ArchiveError, match="exact ended with 3"):
        alone(_exiting, "exact")


def _exiting(kind: str) -> growth.Row:
    raise SystemExit(3)


@pytest.mark.slow
def test_small_sizes_are_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, stored = tmp_path / "source", tmp_path / "growth.json"
    fill_archive(source / "archive", clusters(400, 24), np.arange(400) // 2, "exact")
    monkeypatch.setattr(growth, "ASKED", 30)
    asked = [
        "--archive",
        str(source / "archive"),
        "--sizes",
        "500,6000",
        "--indexes",
        "exact,compact",
        "--json",
        str(stored),
    ]
    growth.main(asked)
    assert "6,000" in capsys.readouterr().out
    found = json.loads(stored.read_text(encoding="utf-8"))
    assert [(row["n"], row["index"]) for row in found["rows"]] == [
        (500, "exact"), (500, "compact"), (6000, "exact"), (6000, "compact"),
    ]  # fmt: skip
    for row in found["rows"]:
        assert row["recall"] >= (1 if row["index"] == "exact" or row["n"] == 500 else 0.8)
        assert row["disk_bytes"] > row["n"] * 4 * 24
        assert 0 < row["p50_ms"] <= row["p99_ms"] and row["build_s"] > 0
    by_codes = found["rows"][3]
    assert by_codes["resident_bytes"] < 6000 * 100 and "cells" in by_codes["way"]
    monkeypatch.setattr(growth, "alone", None)  # nothing is measured again
    again = run(source / "archive", [500, 6000], ["exact", "compact"], stored)
    assert again == found and np.isfinite(again["rows"][0]["open_s"])
    stored.write_text(json.dumps(found | {"machine": {"cpu": "another"}}), encoding="utf-8")
    with pytest.raises(ArchiveError, match="another machine"):
        run(source / "archive", [500], ["exact"], stored)
