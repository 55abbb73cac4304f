"""`caselink feedback export`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from indexer.journal import PLACE, FeedbackKind, Journal, Neighbour, judge, turned_out

Run = Callable[..., Any]


def test_pairs_are_exported(caselink: Run, copied: Callable[[], Path], tmp_path: Path) -> None:
    own = copied()
    none = caselink("feedback", "export", "--archive", own)
    assert (none.code, none.out.count("\n"), none.err) == (0, 1, "0 pairs\n")
    journal = Journal(own / PLACE)
    judge(journal, "anna", "a" * 64, FeedbackKind.not_similar, Neighbour(3, "b" * 64, "P" + "0" * 16, None))
    turned_out(journal, "anna", "a" * 64, "enchondroma")
    told = json.loads(caselink("feedback", "export", "--archive", own, "--format", "jsonl").out)
    assert (told["similar"], told["query_entity"], told["who"]) == (False, "enchondroma", "anna")
    done = caselink("feedback", "export", "--archive", own, "--to", tmp_path / "pairs.csv")
    assert (done.out, done.err) == ("", "1 pairs\n")
    assert (tmp_path / "pairs.csv").read_text().splitlines()[1].startswith("a" * 64)


def test_refusals(caselink: Run, copied: Callable[[], Path], tmp_path: Path) -> None:
    export = ("feedback", "export", "--archive")
    assert "holds no archive" in caselink(*export, tmp_path / "none").refusal()
    assert not (tmp_path / "none").exists()
    assert "ask for csv or jsonl" in caselink(*export, copied(), "--format", "xlsx").refusal()
