"""Measuring: resumed where it stopped, refused where it does not fit, and an engine's end is not the run's."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.ann import __main__ as command
from benchmarks.ann import harness
from benchmarks.ann.data import Data, from_arrays
from benchmarks.ann.engines import ENGINES
from benchmarks.ann.engines.base import Engine
from benchmarks.ann.harness import Plan, chosen, run, words
from benchmarks.ann.lane import Lane, LaneEnded
from benchmarks.ann.store import Store
from benchmarks.ann.worker import on_disk, resident
from engine.embeddings import Vectors
from engine.errors import ArchiveError, NotFound

EXACT = ("caselink-exact", "faiss-flat")


def unit(n: int, seed: int) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(n, 256))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Data:
    folder = tmp_path / "data"
    folder.mkdir()
    return from_arrays("drawn", unit(600, 0), unit(70, 1), 10, folder)


class FakeLane:
    """Answers as a worker would, and writes down what it was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012  shared on purpose
    ends: str | None = None

    def __init__(self, engine: str, variant: str, data: Data, threads: int, patience: float) -> None:
        self.engine, self.variant = engine, variant

    def build(self) -> dict[str, Any]:
        self._note("build")
        return {"build_s": 1.0, "resident_bytes": 1, "settings": [{"ef": 1}, {"ef": 2}]}

    def recall(self, setting: dict[str, Any]) -> float:
        return 0.5 + setting["ef"] / 10

    def measure(self, setting: dict[str, Any]) -> dict[str, float]:
        self._note("measure")
        speed = float(len(self.asked))
        return {"batch_qps": speed, "single_qps": speed, "p50_ms": 1.0, "p99_ms": 2.0, "load": 0.0}

    def save(self) -> dict[str, Any]:
        return {"disk_bytes": None}

    def close(self) -> None:
        self._note("close")

    def _note(self, what: str) -> None:
        self.asked.append((self.engine, what))
        if self.engine == self.ends and what == "measure":
            raise LaneEnded("ended with -9: out of memory")


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> type[FakeLane]:
    monkeypatch.setattr(harness, "Lane", FakeLane)
    monkeypatch.setattr(FakeLane, "asked", [])
    return FakeLane


def stored(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_two_engines_are_measured_in_processes_of_their_own(data: Data, tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    found = stored(path)
    assert [row["engine"] for row in found["rows"]] == list(EXACT)
    assert not found["failures"]
    for row in found["rows"]:
        assert row["recall"] == 1 and len(row["rounds"]) == 2
        assert row["batch_qps"] == pytest.approx(np.median([one["batch_qps"] for one in row["rounds"]]))
        assert 0 < row["p50_ms"] <= row["p99_ms"] and row["disk_bytes"] >= 600 * 256 * 4
    ratio = found["ratios"]["index_over_best_library"]
    assert ratio["ratio"] == pytest.approx(found["rows"][0]["batch_qps"] / found["rows"][1]["batch_qps"])
    assert found["ratios_of"] == "drawn 600"


def test_rounds_take_turns_to_and_fro(data: Data, lanes: type[FakeLane]) -> None:
    said: list[str] = []
    run(data, Plan(EXACT, 1, together=2), Store(None, threads=1, rounds=2), said.append)
    first, second = EXACT
    assert said[:2] == [f"builds {first} default", f"builds {second} exact"]
    assert said[2:] == ["round 1 of 2: 2 in turns", "round 2 of 2: 2 in turns"]
    turns = [engine for engine, what in lanes.asked if what == "measure"]
    assert turns == [first] * 2 + [second] * 4 + [first] * 2
    assert [what for _, what in lanes.asked].count("close") == 2


def test_a_run_goes_on_where_it_stopped(data: Data, lanes: type[FakeLane], tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    run(data, Plan(EXACT[:1], 1), Store(path, threads=1, rounds=2))
    before = stored(path)["rows"]
    lanes.asked.clear()
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    assert {engine for engine, _ in lanes.asked} == {EXACT[1]}
    assert stored(path)["rows"][: len(before)] == before
    lanes.asked.clear()
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    assert not lanes.asked


def test_half_a_variant_and_another_version_begin_anew(data: Data, lanes: type[FakeLane], tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    half = stored(path)
    half["rows"][0]["rounds"].pop()
    half["rows"][2]["version"] = "0.0"
    path.write_text(json.dumps(half), encoding="utf-8")
    lanes.asked.clear()
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    assert {engine for engine, _ in lanes.asked} == set(EXACT)
    rows = stored(path)["rows"]
    assert len(rows) == 4 and all(len(row["rounds"]) == 2 for row in rows)


def test_other_facts_are_refused(data: Data, lanes: type[FakeLane], tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    run(data, Plan(EXACT, 1), Store(path, threads=1, rounds=2))
    with pytest.raises(ArchiveError, match="threads 1, not 2; name another file"):
        Store(path, threads=2, rounds=2)
    (tmp_path / "other").mkdir()
    other = from_arrays("drawn", unit(600, 5), unit(70, 1), 10, tmp_path / "other")
    with pytest.raises(ArchiveError, match="sha256"):
        run(other, Plan(EXACT, 1), Store(path, threads=1, rounds=2))


def test_an_engines_end_is_noted_and_the_others_go_on(
    data: Data, lanes: type[FakeLane], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLane, "ends", EXACT[0])
    store = Store(None, threads=1, rounds=3)
    run(data, Plan(EXACT, 1), store)
    assert [(one["engine"], one["why"]) for one in store.document["failures"]] == [
        (EXACT[0], "ended with -9: out of memory")
    ]
    assert {row["engine"] for row in store.of("drawn 600")} == {EXACT[1]}
    assert [engine for engine, what in lanes.asked if what == "close"] == list(EXACT)


def test_a_crash_is_told_with_its_last_words(data: Data, tmp_path: Path) -> None:
    lane = Lane("faiss-flat", "no such variant", data, 1, 60)
    with pytest.raises(LaneEnded, match=r"(?s)ended with 1: .*KeyError: 'no such variant'"):
        lane.build()
    lane.close()
    slow = Lane("faiss-flat", "exact", data, 1, 0.01)
    with pytest.raises(LaneEnded, match=r"no answer within 0\.01 s"):
        slow.build()
    slow.close()


def test_what_is_absent_or_asked_too_much_is_noted(data: Data, lanes: type[FakeLane]) -> None:
    absent = type("Absent", (ENGINES["faiss-flat"],), {"modules": ("no_such_module",)})
    small = type("Small", (ENGINES["faiss-flat"],), {"most": 500, "remark": "compares every row"})
    engines: dict[str, type[Engine]] = {"absent": absent, "small": small}
    store = Store(None, threads=1, rounds=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(harness, "ENGINES", engines)
        run(data, Plan(tuple(engines), 1), store)
    whys = [one["why"] for one in store.document["failures"]]
    assert "no_such_module" in whys[0] and "install the extra" in whys[0]
    assert whys[1] == "asked up to 500 vectors only; compares every row"
    assert not lanes.asked


def test_engines_are_chosen_by_name_and_kind() -> None:
    assert chosen(None) == tuple(ENGINES)
    assert chosen("faiss-flat, own") == tuple(
        name for name, engine in ENGINES.items() if name == "faiss-flat" or engine.kind == "own"
    )
    with pytest.raises(NotFound, match="'faiss-flatt'; choose of caselink, caselink-exact"):
        chosen("faiss-flatt")


def test_sizes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    assert on_disk(tmp_path) == 5
    before = resident()
    held = np.ones(30_000_000, np.uint8)
    after = resident()
    assert before is None or after is None or 25e6 < after - before < 60e6
    assert held[0]


def test_command_refuses_with_the_cure_and_writes_all(
    data: Data,
    lanes: type[FakeLane],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="make one with `caselink index`"):
        command.main(["--n", "500"])
    monkeypatch.setattr(command, "make", lambda *_: data)
    command.main(
        ["--archive", "a", "--engines", "library", "--rounds", "1", "--json", str(tmp_path / "out" / "x.json")]
    )
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["x-drawn-600.md", "x-drawn-600.png", "x-drawn-600.svg", "x.json"]
    assert "| best library | none" in capsys.readouterr().out


def test_variants_are_chosen_of_engines_that_have_them() -> None:
    plan = Plan((), 1, variants=words("M16, PQ64"))
    assert plan.of(ENGINES["hnswlib"]) == ["M16"]
    assert plan.of(ENGINES["faiss-ivf-pq"]) == ["PQ64"]
    assert plan.of(ENGINES["faiss-flat"]) == ["exact"]
    assert Plan((), 1).of(ENGINES["hnswlib"]) == ["M16", "M32"]
