"""Stored evaluations: what is one, what is none, and names that lead elsewhere."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotFound
from indexer import runs
from indexer.runs import list_runs, read_run

DOCS = Path(__file__).parents[2] / "docs" / "runs"
ONE: dict[str, Any] = {"manifest": {"model": "m"}, "groups": {"all": {"n_films": 3, "n_patients": 2}}}


def test_the_runs_of_this_project(tmp_path: Path) -> None:
    names = {run.name for run in list_runs(DOCS)}
    assert {"btxrd-mask", "validate-default-centre"} <= names
    assert not {"cut", "ingest", "runtime"} & names
    assert read_run(DOCS, "btxrd-mask").whole["n_patients"] == 783


def test_newest_first_and_others_are_passed_by(tmp_path: Path) -> None:
    for age, name in enumerate(["c", "a", "b"]):
        (tmp_path / f"{name}.json").write_text(json.dumps(ONE))
        os.utime(tmp_path / f"{name}.json", (1e9 - age, 1e9 - age))
    bad = {"cut": "{", "list": "[]", "half": '{"manifest": {}}', "none": '{"manifest": {}, "groups": {"all": {}}}',
           "deep": "[" * 100_000, ".hidden": json.dumps(ONE), "a b": json.dumps(ONE)}  # fmt: skip
    for name, text in bad.items():
        (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "a.json")
    assert [run.name for run in list_runs(tmp_path)] == ["c", "a", "b"]
    assert list_runs(None) == list_runs(tmp_path / "absent") == []
    for name in (*bad, "folder", "link", "absent"):
        with pytest.raises(NotFound, match="take a name from the list"):
            read_run(tmp_path, name)


@pytest.mark.parametrize("name", ["../a", "..", "/etc/passwd", "a\x00", "", "x" * 101, "b/../a", "a.json/"])
def test_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ONE))
    (tmp_path / "inner").mkdir()
    with pytest.raises(NotFound, match="there is no evaluation"):
        read_run(tmp_path / "inner", name)
    with pytest.raises(NotFound, match="set CASELINK_RUNS"):
        read_run(None, name)


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.json").write_text(json.dumps(ONE))
    assert read_run(tmp_path, "a").evaluation == ONE
    monkeypatch.setattr(runs, "LARGEST", 10)
    assert list_runs(tmp_path) == []
