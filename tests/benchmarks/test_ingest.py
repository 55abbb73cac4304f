"""The bench of bulk indexing: its arithmetic, and a small run."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.ingest import Cost, Round, Verdict, main, run

BUSY = Cost(decode_s=0.01, forward_s=0.03)
"""Two cores allow 50 films/s."""
ALONE = Cost(decode_s=0.005, forward_s=0.02)
"""Two cores as fast as this one would allow 80."""
SLOW = Round(films=90, cost=BUSY, alone=ALONE, wall_s=3.0, busy_s=4.5, load=0.5)
"""30 films/s."""
FAST = Round(films=90, cost=BUSY, alone=ALONE, wall_s=1.875, busy_s=3.0, load=0.5)
"""48 films/s."""
FILMS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures and one that is cut off."""
    root = tmp_path_factory.mktemp("source")
    rng = np.random.default_rng(0)
    for number in range(FILMS):
        noise = rng.integers(0, 255, (90, 70), np.uint8)
        assert cv2.imwrite(str(root / f"{number}.png"), cv2.GaussianBlur(noise, (0, 0), 1 + number))
    (root / "broken.png").write_bytes((root / "0.png").read_bytes()[:500])
    return root


def test_round_compares_the_pace_with_what_the_cores_allow() -> None:
    assert BUSY.allows(2) == pytest.approx(50)
    assert BUSY.allows(4) == pytest.approx(100)
    assert ALONE.allows(2) == pytest.approx(80)
    assert SLOW.achieved == pytest.approx(30)
    assert SLOW.ratio(2) == pytest.approx(0.6)
    assert SLOW.ratio_alone(2) == pytest.approx(0.375)
    assert FAST.ratio(2) == pytest.approx(0.96)
    assert FAST.ratio_alone(2) == pytest.approx(0.6)


def test_costs_before_and_after_a_run_are_averaged() -> None:
    mean = Cost.mean([BUSY, ALONE])
    assert (mean.decode_s, mean.forward_s) == pytest.approx((0.0075, 0.025))


def test_verdict_goes_by_the_median_round() -> None:
    assert Verdict(2, (SLOW, FAST, FAST)).ratio == pytest.approx(0.96)
    assert Verdict(2, (SLOW, FAST, FAST)).holds
    assert Verdict(2, (SLOW, SLOW, FAST)).ratio == pytest.approx(0.6)
    assert not Verdict(2, (SLOW, SLOW, FAST)).holds
    assert Verdict(2, (SLOW, FAST)).ratios == pytest.approx([0.6, 0.96])


def test_verdict_is_told_with_its_raw_figures() -> None:
    told = json.loads(json.dumps(Verdict(2, (SLOW, FAST, FAST)).to_dict()))
    assert (told["cores"], told["wanted"], told["holds"]) == (2, 0.9, True)
    first = told["rounds"][0]
    assert (first["films"], first["wall_s"], first["busy_s"], first["load"]) == (90, 3.0, 4.5, 0.5)
    assert first["cost"] == {"decode_s": 0.01, "forward_s": 0.03}
    assert first["alone"] == {"decode_s": 0.005, "forward_s": 0.02}
    assert (first["ratio"], first["ratio_alone"]) == pytest.approx((0.6, 0.375))


def test_small_run_counts_the_films_that_were_embedded(folder: Path, encoder_cache: Path) -> None:
    found = run(folder, "folder", encoder_cache, rounds=1)
    (one,) = found.rounds
    assert one.films == FILMS
    costs = (one.cost.decode_s, one.cost.forward_s, one.alone.decode_s, one.alone.forward_s)
    assert min(*costs, one.wall_s, one.busy_s) > 0
    # indexing decodes and embeds, so it cannot be much cheaper than both
    assert one.busy_s > one.films * one.alone.forward_s * 0.3
    assert 0 < found.ratio < 2


def test_command_ends_by_its_verdict_and_writes_the_figures(
    folder: Path, encoder_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--source", str(folder), "--rounds", "1", "--cache", str(encoder_cache), "--json", str(tmp_path / "r")])
    told = json.loads((tmp_path / "r").read_text())
    assert told["source"] == folder.name
    assert len(told["rounds"]) == 1
    assert ended.value.code == (0 if told["holds"] else 1)
    assert "at least 0.9 is wanted" in capsys.readouterr().out


def test_source_without_a_readable_film_is_refused(tmp_path: Path, encoder_cache: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(SystemExit, match="holds no film that can be read"):
        run(tmp_path, "folder", encoder_cache, rounds=1)
