"""Ray: real worker processes make the archive that one process makes, listen on loopback only, and survive kills."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SMALL = (
    "import indexer.bulk.run as run; run.Bulk.__init__.__defaults__ = (3, 0, 0); import indexer.ingest as ingest; "
    "ingest.PUBLISH_EVERY_S = 1e9; from api.cli import main; main()"
)
"""The command, but in shards of three films, and publishing at its end alone."""
ATTEMPTS = 3
NOT_STARTED = "Ray did not start"
LISTENING = "0A"
"""A socket's state in /proc/net/tcp."""

pytestmark = [
    pytest.mark.skipif(not find_spec("ray"), reason="Ray is not installed; install caselink[scale]"),
    pytest.mark.timeout(900),
]
Start = Callable[..., subprocess.Popen[str]]
Holds = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def cache(encoder_cache: Path, encoder: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's cache, with the encoder in it."""
    folder = tmp_path_factory.mktemp("cache")
    (folder / "encoders").symlink_to(encoder_cache.resolve(), target_is_directory=True)
    return folder


@pytest.fixture
def start(cache: Path) -> Iterator[Start]:
    """Starts `caselink index` as a user would; none outlives its test."""
    begun: list[subprocess.Popen[str]] = []

    def go(source: Path | str, root: Path, *options: object) -> subprocess.Popen[str]:
        settings = {"CASELINK_CACHE": str(cache), "CASELINK_THREADS": "1", "OMP_NUM_THREADS": "1"}
        words = ["index", source, "--archive", root, "--json", *options]
        command = [sys.executable, "-c", SMALL, *map(str, words)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, **pipes))
        return begun[-1]

    yield go
    for child in begun:
        if child.poll() is None:
            child.kill()
        child.communicate()


def report(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What a run printed, but for its time."""
    out, said = child.communicate()
    assert child.returncode == 0, said
    return {"said": said, **{name: value for name, value in json.loads(out).items() if name != "seconds"}}


def patiently(
    begin: Callable[[], subprocess.Popen[str]], watch: Callable[[int], None] = lambda _: None, every_s: float = 0.5
) -> Any:
    """The report of a run under Ray; begun again where Ray gave itself too little time to start on a busy machine."""
    for _ in range(ATTEMPTS):
        child = begin()
        while child.poll() is None:
            watch(child.pid)
            time.sleep(every_s)
        if child.returncode == 0:
            return report(child)
        said = child.communicate()[1]
        assert NOT_STARTED in said, said
    return pytest.skip(f"Ray did not start {ATTEMPTS} times; this machine is too busy for it")


def with_key(root: Path) -> Path:
    """The place of an archive whose key is that of all in this module."""
    (root / "private").mkdir(parents=True)
    (root / "private" / "pseudonym.key").write_text("ab" * 32)
    return root


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pids: set[int]) -> set[str]:
    """Addresses, in the kernel's hexadecimal, on which processes listen."""
    inodes = set()
    for pid in pids:
        try:
            links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            continue
        inodes |= {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == LISTENING and row[9] in inodes}


def loopback(address: str) -> bool:
    """Whether an address of `listening` is 127.0.0.1, ::1, or the first written as the second."""
    return address in {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}


def single(cohort: Path, root: Path, start: Start, holds: Holds) -> tuple[dict[str, Any], dict[str, Any]]:
    """What one process reports and makes."""
    said = report(start(cohort, with_key(root)))
    return said | {"said": ""}, holds(root)


def test_two_workers_make_the_archive_of_one_process(tmp_path: Path, cohort: Path, start: Start, holds: Holds) -> None:
    expected, held = single(cohort, tmp_path / "alone", start, holds)
    root, addresses = with_key(tmp_path / "rays"), set()
    found = patiently(lambda: start(cohort, root, "--ray", 2), lambda pid: addresses.update(listening(family(pid))))
    assert f"{-(-expected['found'] // 3)} shards embedded, 0 found finished" in found["said"]
    assert found | {"said": ""} == expected
    assert [row["file"] for row in found["left_out"]] == ["films/broken.dcm"]
    assert holds(tmp_path / "rays") == held
    assert addresses
    assert all(map(loopback, addresses)), addresses


@pytest.mark.slow
def test_one_worker_makes_it_too_from_a_store(tmp_path: Path, cohort: Path, start: Start, holds: Holds) -> None:
    expected, held = single(cohort, tmp_path / "alone", start, holds)
    root = with_key(tmp_path / "rays")
    found = patiently(lambda: start(f"file://{cohort}", root, "--ray", 1))
    assert found | {"said": ""} == expected
    made = holds(tmp_path / "rays")
    assert (made["vectors"], made["pictures"]) == (held["vectors"], held["pictures"])
    assert [film["file"] for film in made["films"]] == [film["file"] for film in held["films"]]


@pytest.mark.slow
def test_a_killed_run_goes_on_from_its_shards(tmp_path: Path, cohort: Path, start: Start, holds: Holds) -> None:
    root = with_key(tmp_path / "rays")
    for _ in range(ATTEMPTS):
        child = start(cohort, root, "--ray", 1)
        while not list((root / "bulk").glob("*.parquet")) and child.poll() is None:
            time.sleep(0.02)
        if child.poll() is None:
            break
        assert NOT_STARTED in child.communicate()[1]
    kin = family(child.pid)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    until = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in kin - {child.pid}) and time.monotonic() < until:
        time.sleep(0.5)
    assert not [pid for pid in kin - {child.pid} if Path(f"/proc/{pid}").exists()]
    left = sorted((root / "bulk").glob("*.parquet"))
    shards = -(-len([path for path in (cohort / "films").rglob("*") if path.is_file()]) // 3)
    found = patiently(lambda: start(cohort, root, "--ray", 2))
    assert 0 < len(left) < shards
    assert f"{shards - len(left)} shards embedded, {len(left)} found finished" in found["said"]
    expected, held = single(cohort, tmp_path / "alone", start, holds)
    assert found | {"said": ""} == expected
    assert holds(root) == held
    assert not (root / "bulk").exists()


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(tmp_path: Path, cohort: Path, start: Start, holds: Holds) -> None:
    expected, held = single(cohort, tmp_path / "alone", start, holds)
    root, killed = with_key(tmp_path / "rays"), list[int]()

    def kill(pid: int) -> None:
        for kin in family(pid) if not killed and list((root / "bulk").glob("*.tried")) else ():
            if "MapWorker" in Path(f"/proc/{kin}/cmdline").read_text():
                os.kill(kin, signal.SIGKILL)
                killed.append(kin)

    found = patiently(lambda: start(cohort, root, "--ray", 1), kill, every_s=0.01)
    if not killed:
        pytest.skip("the worker was done before it could be killed")
    assert found | {"said": ""} == expected
    assert holds(root) == held


@pytest.mark.slow
def test_ray_beyond_this_machine_is_refused() -> None:
    code = (
        "from indexer.bulk.rays import _ray\n"
        "from engine.errors import EncoderError\n"
        "try:\n    _ray(1).__enter__()\n"
        "except EncoderError as error: print(error)"
    )
    environment = os.environ | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    told = "Ray would listen on "
    if not done.stdout:  # a machine without a network has no other address
        pytest.skip("this machine has no address but loopback")
    assert done.stdout.startswith(told), done.stderr
    assert done.stdout.strip().endswith("=0 so that it keeps to 127.0.0.1")
