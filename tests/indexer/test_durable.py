"""Durable writes: whole or not at all, whatever ends them."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import DiskFull
from indexer.durable import copy_durably, hash_file, make_folder, replacing, room_on_disk, write_durably

LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine.errors import DiskFull
from indexer.durable import {call}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    {call}({arguments})
except DiskFull as error:
    sys.exit("full: " + str(error))
"""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_write_and_copy_give_the_hash_and_leave_nothing_else(tmp_path: Path) -> None:
    path, twin = tmp_path / "deep" / "er" / "a", tmp_path / "b"
    assert write_durably(path, b"one") == hashlib.sha256(b"one").hexdigest()
    assert write_durably(path, b"two" * 10**6) == hash_file(path)
    assert copy_durably(path, twin) == hash_file(path) == hash_file(twin)
    assert names(path.parent) == {"a"}
    assert names(tmp_path) == {"deep", "b"}


def test_mode_is_that_asked_for_from_the_first_byte(tmp_path: Path) -> None:
    write_durably(tmp_path / "key", b"secret", mode=0o600)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_durably(path, b"old")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"half of the n")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"a"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_named(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull, match="no film is lost"), room_on_disk(tmp_path):
        raise OSError(number, os.strerror(number))


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), room_on_disk(tmp_path):
        raise PermissionError(errno.EACCES, "no")


def test_the_device_that_is_always_full() -> None:
    with pytest.raises(DiskFull), room_on_disk(Path("/dev")), Path("/dev/full").open("wb", buffering=0) as file:
        file.write(b"x")


@pytest.mark.parametrize(
    ("call", "arguments"), [("write_durably", "Path('a'), bytes(5000)"), ("copy_durably", "Path('big'), Path('a')")]
)
def test_a_file_that_finds_no_room_leaves_the_old_one(tmp_path: Path, call: str, arguments: str) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "big").write_bytes(bytes(5000))
    code = LIMITED.format(call=call, arguments=arguments)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr.startswith("full: no room is left")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == {"a", "big"}


def test_a_kill_leaves_one_or_the_other(tmp_path: Path) -> None:
    code = (
        "import itertools, sys\nfrom pathlib import Path\nfrom indexer.durable import write_durably\n"
        "for n in itertools.count():\n"
        "    write_durably(Path('a'), bytes([n % 256]) * 3_000_000)\n    print(n, flush=True)"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        child.stdout.readline()
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        said = [0, *(int(line) for line in child.stdout)][-1]
    child.wait()
    data = (tmp_path / "a").read_bytes()
    assert data in (bytes([said % 256]) * 3_000_000, bytes([(said + 1) % 256]) * 3_000_000)


def test_folders_may_be_there(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
