"""Real kills of the real indexer: what it acknowledged stays, and the next run ends where an unbroken one does."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from indexer.archive import open_snapshot, read_segments
from indexer.packs import COLUMNS, Place, read_picture
from indexer.report import report

ROOT = Path(__file__).parents[2]
FILMS = 240
SIDE = 512
ACKNOWLEDGED = re.compile(r"(\d+) acknowledged")
HURRY = (
    "import indexer.ingest as ingest; ingest.PUBLISH_EVERY_S = ingest.PUBLISH_SHARE = 0; "
    "from api.cli import main; main()"
)
"""The command, but that it publishes after every handful: half of its time goes by in the midst of publishing."""


@dataclass(frozen=True)
class Plan:
    """When to kill: `delay` seconds after the run has said `lines` lines, or after it began to index where none."""

    hurry: bool
    lines: int
    delay: float

    def __str__(self) -> str:
        return f"{'hurry-' if self.hurry else ''}{self.lines}-lines-{self.delay:.2f}s"


Start = Callable[[Path, bool], subprocess.Popen[str]]


def plans(count: int, seed: int) -> list[Plan]:
    """Moments at random: at any time, just after an acknowledgement, and while it publishes."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        any_time = Plan(False, 0, float(rng.uniform(0, 1.5)))
        acknowledged = Plan(False, 1, float(rng.uniform(0, 0.05)))
        publishing = Plan(True, int(rng.integers(1, 5)), float(rng.uniform(0, 0.05)))
        made.append((publishing, any_time, acknowledged)[number % 3])
    return made


def mirrored(data: bytes) -> bytes:
    """The PNG of a picture's mirror image."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return bytes(cv2.imencode(".png", picture[:, ::-1])[1])  # type: ignore[index]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., bytes], lay: Callable[..., Path]) -> Path:
    """Films of 40 patients, every twentieth a copy of its neighbour and every thirtieth cut short.

    Every fifteenth but one is the mirror image of a film that came long before it.
    """
    folder = tmp_path_factory.mktemp("killed")
    data = {f"{n:03d}.png": draw(n - (n % 20 == 19), SIDE) for n in range(FILMS)}
    for number in range(59, FILMS, 15):
        data[f"{number:03d}.png"] = mirrored(data[f"{number // 2:03d}.png"])
    for number in range(0, FILMS, 30):
        data[f"{number:03d}.png"] = data[f"{number:03d}.png"][:3000]
    rows = [
        {"file": name, "patient_id": n // 4, "entity": "enchondroma" if n // 4 % 2 else "osteosarcoma", "age": n % 80}
        for n, name in enumerate(data)
    ]
    events = "patient_id,kind,date,text\n" + "".join(f"{n},follow-up,2020-01-01,well {n}\n" for n in range(40))
    return lay(folder, data | {"events.csv": events.encode()}, rows)


@pytest.fixture(scope="session")
def cache(encoder_cache: Path, encoder: object) -> Path:
    """The user's cache, with the encoder in it."""
    folder = encoder_cache.parent / f"{encoder_cache.name}-as-cache"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "encoders").exists():
        (folder / "encoders").symlink_to(encoder_cache.resolve(), target_is_directory=True)
    return folder


@pytest.fixture
def start(source: Path, cache: Path) -> Iterator[Start]:
    """Starts `caselink index` of the source into an archive; none outlives its test."""
    begun: list[subprocess.Popen[str]] = []

    def go(root: Path, hurry: bool) -> subprocess.Popen[str]:
        program = ["-c", HURRY] if hurry else ["-m", "api.cli"]
        settings = {"CASELINK_CACHE": str(cache), "CASELINK_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, *program, "index", str(source), "--archive", str(root), "--json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        begun.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, **pipes))  # type: ignore[call-overload]
        return begun[-1]

    yield go
    for child in begun:
        if child.poll() is None:
            child.kill()
        child.wait()


def kill(child: subprocess.Popen[str], root: Path, plan: Plan) -> int:
    """Kill an indexer by the plan; the films it had acknowledged by then, or all where it had ended."""
    assert child.stderr is not None
    while not plan.lines and not (root / "writer.lock").exists() and child.poll() is None:
        time.sleep(0.005)
    said = [child.stderr.readline() for _ in range(plan.lines)]
    time.sleep(plan.delay)
    child.send_signal(signal.SIGKILL)
    out, rest = child.communicate()
    if child.returncode == 0:
        assert json.loads(out)["found"] == FILMS
    else:
        assert child.returncode == -signal.SIGKILL, rest
    counts = ACKNOWLEDGED.findall("".join(said) + rest)
    return int(counts[-1]) if counts else 0


def contents(root: Path) -> dict[str, Any]:
    """All that an archive holds, without its versions and times."""
    snapshot = open_snapshot(root)
    films = snapshot.films.to_pylist()
    read = read_segments(root, snapshot.manifest)
    vectors = {int(n): v.tobytes() for ids, rows in read for n, v in zip(ids, rows, strict=True)}
    names = ("patients", "lesions", "events", "ledger", "near")
    tables = {name: snapshot.catalogue.rows(f"SELECT * FROM {name}") for name in names}
    pseudonyms = {snapshot.pseudonyms.patient(f"{n}"): n for n in range(FILMS)}
    snapshot.close()
    plain = json.dumps(tables | {"films": films}, default=str)
    for pseudonym, number in pseudonyms.items():  # every archive has a key of its own
        plain = plain.replace(pseudonym, f"patient {number}")
    rows = {name: sorted(json.dumps(row) for row in found) for name, found in json.loads(plain).items()}
    return rows | {"vectors": [vectors[film["vector"]] for film in films]}


def check_kept(root: Path, source: Path, acknowledged: int) -> None:
    """The archive opens and holds every film acknowledged, each whole: row, vector, thumbnail and ledger."""
    if not (root / "manifest.json").exists():
        assert acknowledged == 0
        return
    snapshot = open_snapshot(root)
    ledger = {row["file"]: row["outcome"] for row in snapshot.catalogue.rows("SELECT * FROM ledger")}
    first = sorted(path.name for path in source.glob("*.png"))[:acknowledged]
    assert set(first) <= set(ledger)
    held = {film["file"]: film for film in snapshot.films.to_pylist()}
    assert set(held) == {file for file, outcome in ledger.items() if outcome == "indexed"}
    assert len(snapshot.index) == len({film["vector"] for film in held.values()})
    for film in held.values():
        data = read_picture(root, Place(*(film[name] for name in COLUMNS)))
        assert data.startswith(b"\xff\xd8")
        assert data.endswith(b"\xff\xd9")
    snapshot.close()


@pytest.fixture(scope="session")
def unbroken(source: Path, index: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an archive holds after one run that nobody killed."""
    root = tmp_path_factory.mktemp("unbroken") / "archive"
    index(source, root)
    found = contents(root)
    assert len(found["near"]) >= 8
    return found


def survives(plan: Plan, root: Path, source: Path, start: Start) -> int:
    """Kill one run and check what stays."""
    acknowledged = kill(start(root, plan.hurry), root, plan)
    check_kept(root, source, acknowledged)
    return acknowledged


def vectors_in(root: Path) -> int:
    """Vectors that an archive holds."""
    snapshot = open_snapshot(root)
    snapshot.close()
    return len(snapshot.index)


def finish(root: Path, index: Callable[..., Any], source: Path, unbroken: dict[str, Any]) -> None:
    """Run to the end: the archive is the one of an unbroken run, and the report says so."""
    held = vectors_in(root) if (root / "manifest.json").exists() else 0
    done = index(source, root)
    assert done.embedded == vectors_in(root) - held
    assert done.found == FILMS == done.indexed + len(done.duplicates) + len(done.left_out)
    found = contents(root)
    for name, rows in unbroken.items():
        assert found[name] == rows, name
    snapshot = open_snapshot(root)
    (told,) = report(snapshot)
    assert (told.found, told.indexed) == (done.found, done.indexed)
    snapshot.close()
    sizes = {path.relative_to(root).as_posix(): path.stat().st_size for path in (root / "films").iterdir()}
    assert sizes == {pack.path: pack.size for pack in snapshot.manifest.packs}


@pytest.mark.parametrize("plan", plans(5, seed=11), ids=str)
def test_a_killed_indexer_loses_nothing(
    plan: Plan,
    tmp_path: Path,
    source: Path,
    start: Start,
    index: Callable[..., object],
    unbroken: dict[str, Any],
) -> None:
    root = tmp_path / "archive"
    survives(plan, root, source, start)
    finish(root, index, source, unbroken)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_five_kills_one_after_the_other(
    seed: int,
    tmp_path: Path,
    source: Path,
    start: Start,
    index: Callable[..., object],
    unbroken: dict[str, Any],
) -> None:
    root = tmp_path / "archive"
    kept = [survives(plan, root, source, start) for plan in plans(5, seed=seed)]
    assert max(kept) > 0
    finish(root, index, source, unbroken)
