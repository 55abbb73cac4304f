"""`caselink tune` at the door."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from indexer.manifest import read_manifest

Run = Callable[..., Any]


@pytest.fixture
def own(copied: Callable[[], Path]) -> Path:
    return copied()


def test_a_small_archive_is_all_compared_and_says_so(caselink: Run, own: Path) -> None:
    before = read_manifest(own).version
    done = caselink("tune", "--archive", own)
    assert done.code == 0
    assert "few enough to compare all" in done.out
    assert f"version {before + 1}" in done.out
    assert "recall@10" in done.out


def test_an_index_by_name_answers_as_before(caselink: Run, own: Path, source: Path) -> None:
    film = source / "p02-0.png"
    before = caselink("query", film, "--archive", own, "-k", 3, "--json").json()
    told = caselink("tune", "--archive", own, "--index", "hnsw", "--json").json()
    assert (told["name"], told["why"]) == ("hnsw", "asked for by name")
    after = caselink("query", film, "--archive", own, "-k", 3, "--json").json()
    assert [case["patient"] for case in after["cases"]] == [case["patient"] for case in before["cases"]]
    assert after["manifest"]["index"] == "hnsw"
    assert "compared" in after["manifest"]["searched"]
    assert caselink("verify", "--archive", own).code == 0


def test_what_cannot_be_is_refused(caselink: Run, own: Path) -> None:
    assert "no index 'best'" in caselink("tune", "--archive", own, "--index", "best").refusal()
    assert "recall of 2.0" in caselink("tune", "--archive", own, "--recall", 2).refusal()
    assert "-1.0 ms" in caselink("tune", "--archive", own, "--ms", -1).refusal()
