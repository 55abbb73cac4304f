"""A disk that fills up under `caselink index`: stood for by a limit on how far any file may grow."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs limits on a process")


def index(source: Path, archive: Path, room: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "api.cli", "index", str(source), "--archive", str(archive), "--layout", "folder"]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The sentence after the lines of progress."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if " acknowledged" not in line]
    assert len(said) == 1, said
    assert said[0].startswith("caselink: ")
    return said[0]


def test_no_room_for_a_new_archive(caselink: Run, source: Path, tmp_path: Path) -> None:
    said = refusal(index(source, tmp_path / "a", 1 << 20))
    assert "no room is left on the disk of" in said
    assert "; " in said  # the cure
    assert "holds no archive" in caselink("archive", "--archive", tmp_path / "a").refusal()
    assert caselink("index", source, "--archive", tmp_path / "a", "--json").json()["indexed"] == 30


def test_no_room_for_more_films(caselink: Run, copied: Run, more_patients: Path, film: bytes, tmp_path: Path) -> None:
    archive = copied()
    shot = tmp_path / "shot.png"
    shot.write_bytes(film)
    before = caselink("query", shot, "--archive", archive, "--json").json()
    films = Path(shutil.copytree(more_patients, tmp_path / "films"))
    said = refusal(index(films, archive, 1 << 16))
    assert "no room is left on the disk of" in said
    after = caselink("query", shot, "--archive", archive, "--json").json()
    assert after["cases"] == before["cases"]
    assert after["manifest"]["films"] == 30
    assert caselink("index", films, "--archive", archive, "--json").json()["embedded"] == 12
    assert caselink("archive", "--archive", archive, "--json").json()["films"] == 42
