"""The bench of bulk embedding: its arithmetic, and a small run of the single process."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import benchmarks.bulk as bench
from benchmarks.bulk import SINGLE, Round, document, main
from engine.errors import EncoderError, SourceError

ONE, TWO = "ray, 1 worker", "ray, 2 workers"


def round_of(way: str, wall: float, first: int = 10, first_s: float = 1.0, vectors: str = "v") -> Round:
    return Round(way, 100, wall, first, first_s, 0.5, vectors)


def test_rates_with_and_without_the_start() -> None:
    one = round_of(TWO, wall=10.0)
    assert one.rate == pytest.approx(10)
    assert one.steady == pytest.approx(90 / 9)
    assert round_of(TWO, wall=10.0, first=100).steady is None


def test_ratios_are_of_the_median_rounds() -> None:
    rounds = [round_of(SINGLE, wall) for wall in (10, 20, 50)] + [round_of(TWO, wall) for wall in (5, 10, 40)]
    told = json.loads(json.dumps(document("films", rounds)))
    assert told["ratios"][TWO]["whole"] == pytest.approx(2)
    assert told["ratios"][TWO]["steady"] == pytest.approx((90 / 9) / (90 / 19))
    assert told["ratios"][ONE] == {"whole": None, "steady": None}
    assert told["not_run"] == [ONE]
    assert told["same_vectors"] is True
    assert [row["films_per_s"] for row in told["rounds"][:3]] == pytest.approx([10, 5, 2])


def test_vectors_that_differ_are_no_result() -> None:
    with pytest.raises(EncoderError, match="different vectors"):
        document("films", [round_of(SINGLE, 10), round_of(TWO, 10, vectors="other")])


def test_small_run_without_ray(
    tmp_path: Path, encoder_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "find_spec", lambda name: None)
    monkeypatch.setattr(bench, "keep_ray_here", lambda: None)
    rng = np.random.default_rng(0)
    for number in range(4):
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), rng.integers(0, 255, (64, 64), np.uint8))
    more = ["--cache", str(encoder_cache), "--json", str(tmp_path / "r.json")]
    main(["--data", str(tmp_path), "--layout", "folder", "--films", "3", "--rounds", "2", *more])
    told = json.loads((tmp_path / "r.json").read_text())
    assert (told["films"], told["not_run"], len(told["rounds"])) == (3, [ONE, TWO], 2)
    assert len(told["rounds"][0]["vectors"]) == 64
    assert min(row["films_per_s"] for row in told["rounds"]) > 0
    assert "bulk indexing of" in capsys.readouterr().out


def test_a_folder_without_films_is_refused(tmp_path: Path, encoder_cache: Path) -> None:
    with pytest.raises(SourceError, match="holds no films"):
        bench.run(tmp_path, "folder", None, encoder_cache, 1)
