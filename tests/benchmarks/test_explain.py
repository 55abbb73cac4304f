"""Scores of maps against masks, by hand; a small run end to end."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.explain import CENTRE, RANDOM, VOTE, centre, main, score


def test_score_by_hand() -> None:
    mask = np.zeros((4, 4), bool)
    mask[0, :3] = True
    picture = np.zeros((4, 4), np.float32)
    picture[0, 1], picture[0, 2], picture[3, 3] = 3, 2, 1
    assert score(picture, mask).pointing == 1
    assert score(picture, mask).iou == 2 / 4  # two of three in common, four in all
    assert score(picture, ~mask).pointing == 0
    assert score(mask.astype(np.float32), mask).iou == 1


def test_centre_is_a_box_of_the_films_aspect() -> None:
    drawn = centre((10, 20)) > 0.25
    assert np.argwhere(drawn).min(axis=0).tolist() == [3, 5]
    assert drawn.sum() == 4 * 10


def write(folder: Path, films: int) -> Path:
    rng = np.random.default_rng(0)
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(
            ["image", "patient_id", "split_group", "centre", "age", "sex", "entity", "malignancy", "site", "view"]
        )
        for number in range(films):
            grey = rng.integers(0, 60, (64, 48)).astype(np.uint8)
            grey[20:34, 14:30] = 220
            mask = np.where(grey == 220, 255, 0).astype(np.uint8)
            for part, pixels in (("images", grey), ("masks", mask)):
                cv2.imwrite(str(folder / part / f"{number}.png"), pixels)
            entity = ("osteosarcoma", "osteochondroma")[number % 2]
            table.writerow(
                [f"{number}.png", f"P{number}", f"G{number // 2}", 1, 20, "F", entity, "", "femur", "frontal"]
            )
    return folder


def test_a_small_run(tmp_path: Path, encoder_cache: Path) -> None:
    out = tmp_path / "out.json"
    data = write(tmp_path, 8)
    main(["--data", str(data), "--cache", str(encoder_cache), "--json", str(out)])
    found = json.loads(out.read_text())
    rows = {row["map"]: row for row in found["maps"]}
    assert {RANDOM, CENTRE, VOTE} < set(rows)
    assert found["films"] == 8 and rows[VOTE]["groups"] == 4
    assert found["lesion_share"] == pytest.approx(14 * 16 / (64 * 48), abs=0.01)
    assert rows[CENTRE]["pointing"]["value"] == 1  # the lesion lies in the middle
    assert 0 <= rows[RANDOM]["iou"]["low"] <= rows[RANDOM]["iou"]["value"] <= rows[RANDOM]["iou"]["high"] < 0.3


def test_too_few_films(tmp_path: Path, encoder_cache: Path) -> None:
    with pytest.raises(SystemExit, match="3 films with a mask; this bench needs more than 5"):
        main(["--data", str(write(tmp_path, 3)), "--cache", str(encoder_cache)])
