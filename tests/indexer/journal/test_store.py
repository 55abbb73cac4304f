"""The journal's file: several writers at once, kills, damage, disks without room."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import DiskFull, JournalError
from indexer.journal import Journal, audit_log, make_case, opened, read_case
from indexer.journal.store import BESIDE

ROOT = Path(__file__).parents[3]
WRITE = (
    "import sys; from pathlib import Path; from indexer.journal import Journal, opened\n"
    "journal = Journal(Path(sys.argv[1]))\n"
    "for n in range(int(sys.argv[3])):\n"
    "    entry = opened(journal, sys.argv[2], f'P{n:016x}'); print(entry.entry, flush=True)\n"
)


def writer(journal: Journal, who: str, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, str(journal.path), who, str(times)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_it_is_made_at_first_use_for_its_owner_alone(journal: Journal, patient: str) -> None:
    assert not journal.path.exists()
    assert audit_log(journal) == ()
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    with sqlite3.connect(journal.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    opened(journal, "a", patient)
    assert [path.name for path in journal.path.parent.iterdir()] == [journal.path.name]
    assert journal.complaint() is None


def test_threads_that_make_it_at_once(journal: Journal, patient: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        entries = list(pool.map(lambda n: opened(journal, f"user {n}", patient).entry, range(24)))
    assert sorted(entries) == list(range(1, 25))
    assert {path.name for path in journal.path.parent.iterdir()} == {journal.path.name}


def test_two_processes_write_at_once(journal: Journal) -> None:
    running = [writer(journal, who, 40) for who in ("anna", "ben")]
    told = [int(line) for each in running for line in each.communicate(timeout=120)[0].split()]
    assert [each.returncode for each in running] == [0, 0]
    assert sorted(told) == list(range(1, 81))
    assert {entry.who for entry in audit_log(journal, limit=100)} == {"anna", "ben"}


def test_a_kill_in_the_middle_of_writes_loses_nothing_acknowledged(journal: Journal) -> None:
    for _ in range(4):
        running = writer(journal, "anna", 10_000)
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(5)]
        time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        rest, _ = running.communicate(timeout=60)
        acknowledged = [int(word) for word in "".join(said).split() + rest.split()]
        assert journal.complaint() is None
        held = [entry.entry for entry in audit_log(journal, limit=1000)]
        assert set(acknowledged) <= set(held)
        assert len(held) == len(set(held))
        opened(journal, "after", "P" + "0" * 16)


def test_a_killed_writer_leaves_nothing_by_halves(journal: Journal) -> None:
    case = make_case(journal, "anna", "before").case.case
    code = (
        "import os, sys; from pathlib import Path; from indexer.journal import Journal\n"
        "with Journal(Path(sys.argv[1])).writing() as db:\n"
        "    db.execute('UPDATE cases SET title = \\'half\\'')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(journal.path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert read_case(journal, case).case.title == "before"
    assert journal.complaint() is None


def test_an_error_within_a_write_undoes_all_of_it(journal: Journal) -> None:
    case = make_case(journal, "anna", "before").case.case
    with pytest.raises(ZeroDivisionError), journal.writing() as db:
        db.execute("DELETE FROM cases")
        _ = 1 / 0
    assert read_case(journal, case).case.title == "before"


def test_what_is_no_journal(journal: Journal, patient: str) -> None:
    journal.path.parent.mkdir()
    journal.path.write_bytes(b"dear colleague, " * 400)
    with pytest.raises(JournalError, match=r"is damaged .*; restore it from backup"):
        opened(journal, "a", patient)
    assert "damaged" in (journal.complaint() or "")


def test_a_damaged_page_is_found(journal: Journal) -> None:
    for n in range(400):
        opened(journal, "a" * 60, f"P{n:016x}")
    data = bytearray(journal.path.read_bytes())
    data[8192 : 8192 + 2000] = bytes(2000)
    journal.path.write_bytes(data)
    assert "restore it from backup" in (journal.complaint() or "")


def test_a_journal_of_another_format(journal: Journal, patient: str) -> None:
    opened(journal, "a", patient)
    with sqlite3.connect(journal.path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    with pytest.raises(JournalError, match="has format 9, this caselink reads 2"):
        audit_log(journal)


def test_a_place_that_cannot_be_written(tmp_path: Path, patient: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="set CASELINK_JOURNAL to a file that may be written"):
        opened(Journal(tmp_path / "file" / "journal.sqlite"), "a", patient)


def test_a_lock_that_is_held_too_long(journal: Journal, patient: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.journal.store.WAIT_S", 0.05)
    with journal.writing(), pytest.raises(JournalError, match="was being written for over 0 s; do the same again"):
        opened(journal, "a", patient)
    opened(journal, "a", patient)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    journal = Journal(small_disk / "journal.sqlite")
    case = make_case(journal, "anna", "before").case.case
    with pytest.raises(DiskFull, match="no room is left for journal.sqlite"), journal.writing() as db:
        for _ in range(60):
            db.execute(
                "INSERT INTO sections VALUES (?, hex(randomblob(8)), 1, hex(randomblob(400000)), '', '')", (case,)
            )
    assert read_case(journal, case).case.title == "before"


def test_readers_do_not_wait_for_a_writer(journal: Journal, patient: str) -> None:
    opened(journal, "a", patient)
    with journal.writing() as db:
        db.execute("DELETE FROM audit")
        assert len(audit_log(journal)) == 1
        assert {path.name for path in journal.path.parent.iterdir()} == {
            journal.path.name, *(f"{journal.path.name}{end}" for end in BESIDE)
        }  # fmt: skip
    assert audit_log(journal) == ()
