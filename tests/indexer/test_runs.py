"""Stored evaluations: what is one, what is none, and names that lead elsewhere."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import NotFound
from indexer import runs
from indexer.runs import Run, differences, list_runs, read_run

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


def run(name: str, precision: float, **paired: Any) -> Run:
    group = {"n_films": 3, "n_patients": 2, "precision": {"1": {"value": precision}}, "map": {"value": 0.5}}
    return Run(name, "2026", {"manifest": {}, "groups": {"all": group, f"centre={name}": group}} | paired)


def pair(this: float, other: float) -> dict[str, Any]:
    leaf = {"this": this, "other": other, "value": this - other, "low": this - other - 0.1, "high": this - other + 0.2}
    return {"groups": {"all": {"precision": {"1": leaf}}}}


def test_the_interval_of_a_pair_is_turned_to_the_order_asked() -> None:
    one, other = run("one", 0.7, paired=pair(0.7, 0.4)), run("other", 0.4)
    (there, mean), (back, _) = differences(one, other), differences(other, one)
    assert (there["group"], there["measure"], there["k"], there["first"], there["second"]) == (
        "all", "precision", 1, 0.7, 0.4
    )  # fmt: skip
    assert [there[name] for name in ("difference", "low", "high")] == pytest.approx([-0.3, -0.5, -0.2])
    assert [back[name] for name in ("difference", "low", "high")] == pytest.approx([0.3, 0.2, 0.5])
    assert (mean["measure"], mean["k"], mean["low"]) == ("map", None, None)


@pytest.mark.parametrize("paired", [pair(0.7, 0.3), {}, {"groups": []}, {"groups": {"all": 3}}, None, pair(0.6, 0.4)])
def test_a_pair_with_another_run_gives_no_interval(paired: Any) -> None:
    found = differences(run("one", 0.7, paired=paired), run("other", 0.4))
    assert [each["low"] for each in found] == [None, None]


def test_runs_of_this_project_that_were_paired() -> None:
    found = differences(read_run(DOCS, "held-segment"), read_run(DOCS, "held-whole"))
    stored = read_run(DOCS, "held-segment").evaluation["paired"]["groups"]["all"]["map"]
    (mean,) = [each for each in found if each["measure"] == "map"]
    assert mean["first"] == stored["this"]
    assert (mean["low"] is None) == (abs(mean["second"] - stored["other"]) > 1e-9)
