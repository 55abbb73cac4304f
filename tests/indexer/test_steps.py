"""Kills and full disks at random steps of indexing, merging, publishing and erasing: nothing acknowledged is lost."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.card import ModelCard
from indexer.archive import open_snapshot, read_segments
from indexer.manifest import NAME
from indexer.packs import COLUMNS, Place, read_picture
from indexer.verify import verify
from indexer.writer import open_writer

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("stepped.py")
FULL = 3
Live = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def sources(
    tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., bytes], lay: Callable[..., Path]
) -> list[Path]:
    """Ten films of patients 0 to 4 and four of 3 to 5; a copy, and a film that two patients have."""
    made = []
    for folder, (patients, count) in {"one": (range(5), 10), "two": (range(3, 6), 4)}.items():
        numbers = [patients[n % len(patients)] for n in range(count)]
        films = {f"{folder}-{n:02d}-of-{p}.png": draw(n + 50 * (folder == "two")) for n, p in enumerate(numbers)}
        names = list(films)
        films[names[-1]] = films[names[0]]
        if folder == "one":
            films[names[7]] = films[names[2]]  # twice of patient 2
        rows = [{"file": name, "patient_id": name[-5], "entity": "enchondroma", "age": 9} for name in films]
        events = "patient_id,kind,date,text\n" + "".join(f"{p},follow-up,2020-01-01,well\n" for p in patients)
        made.append(lay(tmp_path_factory.mktemp("lives") / folder, films | {"events.csv": events.encode()}, rows))
    return made


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an encoder that nobody runs."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "encoder.onnx").write_bytes(b"network")
    half = (0.5, 0.5, 0.5)
    digest = hashlib.sha256(b"network").hexdigest()
    card = ModelCard("tiny", "none", digest, 16, 64, half, half, "numpy", "nothing", "MIT", "none")
    (folder / "card.json").write_text(card.to_json())
    return folder


@pytest.fixture(scope="session")
def live(sources: list[Path], tiny: Path) -> Iterator[Live]:
    """Lives an archive's life in a process of its own, killed at a step: see `stepped.py`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(PROGRAM)], env=environment, **pipes) as server:  # type: ignore[call-overload]

        def go(root: Path, step: int = 0, *, full: bool = False) -> dict[str, Any]:
            plan = {
                "root": str(root),
                "encoder": str(tiny),
                "sources": [*map(str, sources)],
                "step": step,
                "full": full,
            }
            server.stdin.write(json.dumps(plan) + "\n")
            server.stdin.flush()
            return dict(json.loads(server.stdout.readline()))

        yield go
        server.stdin.close()
        server.wait()


class Ledger:
    """What a life has acknowledged: the files that must be held, and the patients of whom nothing may be left."""

    def __init__(self, sources: list[Path]) -> None:
        self._files = [sorted(path.name for path in source.glob("*.png")) for source in sources]
        self.owed: set[str] = set()
        self.gone: set[str] = set()
        self.leaving: str | None = None

    def read(self, said: list[str]) -> None:
        self.leaving = None
        self.gone.clear()
        for line in said:
            word, *rest = line.split()
            if word == "acknowledged":
                self.owed |= set(self._files[int(rest[0])][: int(rest[1])])
            elif word == "erasing":
                self.leaving = rest[0]
                self.owed = {file for file in self.owed if f"-of-{rest[0]}." not in file}
            elif word == "erased":
                self.leaving = None
                self.gone.add(rest[0])


def check(root: Path, ledger: Ledger, tiny: Path) -> None:
    """The archive is whole and holds what it owes; of those erased there is no byte once a writer has been there."""
    if not (root / NAME).exists():
        assert not ledger.owed
        return
    found = verify(root)
    assert found.whole, found.findings
    snapshot = open_snapshot(root)
    told = {row["file"]: row for row in snapshot.catalogue.rows("SELECT * FROM ledger")}
    assert ledger.owed <= set(told)
    assert all(told[file]["outcome"] in {"indexed", "duplicate"} for file in ledger.owed)
    names = {number: snapshot.pseudonyms.patient(number) for number in (*ledger.gone, ledger.leaving) if number}
    held = {
        number: sum(film["patient"] == name for film in snapshot.films.to_pylist()) for number, name in names.items()
    }
    snapshot.close()
    assert not any(held[number] for number in ledger.gone)
    with open_writer(root, ModelCard.from_json((tiny / "card.json").read_text()), tiny):
        pass
    assert verify(root).whole
    traces = [name.encode() for number, name in names.items() if not held[number]]
    traces += [f"-of-{number}.png".encode() for number in names if not held[number]]
    for path in root.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(trace in data for trace in traces), path


def contents(root: Path) -> dict[str, Any]:
    """Each film by its file, with its bytes, and the ledger; patients by their numbers, none by an archive's own."""
    snapshot = open_snapshot(root)
    numbers = {snapshot.pseudonyms.patient(f"{n}"): n for n in range(6)}
    parts = read_segments(root, snapshot.manifest)
    vectors = {int(n): v.tobytes() for ids, rows in parts for n, v in zip(ids, rows, strict=True)}
    films = {}
    for film in snapshot.films.to_pylist():
        picture = read_picture(root, Place(*(film[name] for name in COLUMNS)))
        films[film["file"]] = numbers[film["patient"]], vectors[film["vector"]], picture, film["entity"], film["age"]
    ledger = snapshot.catalogue.rows("SELECT file, outcome FROM ledger ORDER BY file")
    told = snapshot.catalogue.rows("SELECT patient, text FROM events")
    events = sorted((numbers[row["patient"]], row["text"]) for row in told)
    snapshot.close()
    assert set(vectors) >= {film["vector"] for film in snapshot.films.to_pylist()}
    return {"films": films, "ledger": ledger, "events": events}


@pytest.fixture(scope="session")
def unbroken(live: Live, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], int]:
    """What a life that nobody ended leaves, and how many steps it took."""
    root = tmp_path_factory.mktemp("unbroken") / "archive"
    done = live(root)
    assert done["status"] == 0, done
    assert "merging" in done["said"]
    found = contents(root)
    assert {film[0] for film in found["films"].values()} == {0, 2, 4, 5}
    return found, int(done["said"][-1].split()[1])


def lives(root: Path, live: Live, sources: list[Path], tiny: Path, steps: int, seed: int, ends: int) -> dict[int, int]:
    """Lives in one archive, one after the other, until so many were killed; how many ended which way."""
    rng, ledger, ended = np.random.default_rng(seed), Ledger(sources), {-signal.SIGKILL: 0, FULL: 0, 0: 0}
    while ended[-signal.SIGKILL] < ends:
        full = bool(rng.random() < 0.25)
        done = live(root, int(rng.integers(1, steps + 1)), full=full)
        assert done["status"] in ended, done
        ended[done["status"]] += 1
        ledger.read(done["said"])
        check(root, ledger, tiny)
    return ended


@pytest.mark.parametrize("seed", range(4))
def test_five_kills_at_any_step(
    seed: int, tmp_path: Path, live: Live, sources: list[Path], tiny: Path, unbroken: tuple[dict[str, Any], int]
) -> None:
    found, steps = unbroken
    lives(tmp_path / "a", live, sources, tiny, steps, seed, 5)
    assert live(tmp_path / "a")["status"] == 0
    assert contents(tmp_path / "a") == found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_ten_kills_at_any_step(
    seed: int, tmp_path: Path, live: Live, sources: list[Path], tiny: Path, unbroken: tuple[dict[str, Any], int]
) -> None:
    found, steps = unbroken
    lives(tmp_path / "a", live, sources, tiny, steps, seed, 10)
    assert live(tmp_path / "a")["status"] == 0
    assert contents(tmp_path / "a") == found


def narrow(root: Path, live: Live, sources: list[Path], tiny: Path, seed: int, lives: int) -> int:
    """Lives on a real disk with little room left, another little each time; how many of them found it full."""
    rng, ledger, full = np.random.default_rng(seed), Ledger(sources), 0
    ballast = root.parent / "ballast"
    for _ in range(lives):
        free = shutil.disk_usage(root.parent).free
        with ballast.open("wb") as file:
            file.truncate(0)
            os.posix_fallocate(file.fileno(), 0, max(1, free - int(rng.integers(50_000, 4_000_000))))
        done = live(root)
        ballast.unlink()
        assert done["status"] in {0, FULL}, done
        full += done["status"] == FULL
        ledger.read(done["said"])
        check(root, ledger, tiny)
    return full


def test_a_disk_that_fills_up(
    small_disk: Path, live: Live, sources: list[Path], tiny: Path, unbroken: tuple[dict[str, Any], int]
) -> None:
    assert narrow(small_disk / "a", live, sources, tiny, 1, 4) > 0
    assert live(small_disk / "a")["status"] == 0
    assert contents(small_disk / "a") == unbroken[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_disk_that_fills_up_again_and_again(
    seed: int, small_disk: Path, live: Live, sources: list[Path], tiny: Path, unbroken: tuple[dict[str, Any], int]
) -> None:
    assert narrow(small_disk / "a", live, sources, tiny, 10 + seed, 10) > 0
    assert live(small_disk / "a")["status"] == 0
    assert contents(small_disk / "a") == unbroken[0]


def test_an_erasure_waits_for_no_writer(live: Live, tmp_path: Path, tiny: Path) -> None:
    root = tmp_path / "a"
    card = ModelCard.from_json((tiny / "card.json").read_text())
    with open_writer(root, card, tiny):
        before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
        done = live(root)
        assert done["status"] == 1
        assert done["said"] == []
        assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
