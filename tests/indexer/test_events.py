"""Events that are recorded one by one."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ArchiveBusy
from indexer.archive import Archive
from indexer.events import record_decision
from indexer.manifest import read_manifest
from indexer.patients import patient_history
from indexer.verify import verify
from indexer.writer import locked

DAY = date(2026, 11, 30)


@pytest.fixture
def root(tmp_path: Path, lay: Callable[..., Path], draw: Callable[..., bytes], index: Callable[..., Any]) -> Path:
    films = {f"{n}.png": draw(n) for n in range(2)}
    events = b"patient_id,kind,date,text\n0,surgery,2020-01-01,curettage\n"
    rows = [{"file": name, "patient_id": n} for n, name in enumerate(films)]
    source = lay(tmp_path / "films", films | {"events.csv": events}, rows)
    index(source, tmp_path / "a")
    return tmp_path / "a"


def history(root: Path, patient: str) -> list[tuple[str, str, str | None]]:
    with Archive(root) as opened:
        events = patient_history(opened.snapshot, patient)["events"]
    return [(event["kind"], event["text"], event["source"]) for event in events]


def patient_of(root: Path, number: str) -> str:
    with Archive(root) as opened:
        return opened.snapshot.pseudonyms.patient(number)


def test_a_decision_is_an_event_and_the_last_one_of_its_case_stands(
    root: Path, index: Callable[..., Any], tmp_path: Path
) -> None:
    patient, version = patient_of(root, "0"), read_manifest(root).version
    assert record_decision(root, patient, 3, "biopsy", DAY) == version + 1
    assert record_decision(root, patient, 3, "resection", DAY) == version + 2
    assert record_decision(root, patient, 4, "follow-up", DAY) == version + 3
    told = [
        ("surgery", "curettage", None),
        ("board", "resection", "tumour board, case 3"),
        ("board", "follow-up", "tumour board, case 4"),
    ]
    assert history(root, patient) == told
    index(tmp_path / "films", root)
    assert history(root, patient) == told
    assert verify(root).whole


def test_nobody_else_is_written_of(root: Path) -> None:
    before = read_manifest(root)
    assert record_decision(root, "P" + "f" * 16, 3, "biopsy", DAY) is None
    assert read_manifest(root) == before
    with locked(root), pytest.raises(ArchiveBusy):
        record_decision(root, patient_of(root, "0"), 3, "biopsy", DAY)
    assert history(root, patient_of(root, "1")) == []
