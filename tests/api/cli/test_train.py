"""`caselink train` as a user runs it: to a run folder that `index` and `query` take."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.segmentation.recipe import segment_recipe_names
from engine.training.recipe import recipe_names
from indexer.synthetic import generate

ROOT = Path(__file__).parents[3]
TINY = """
title = "Tiny"
paper = "none"
size = 64
dimension = 64
epochs = 3
watch_every = 1
[facts]
[backbone]
name = "test_resnet"
start = "random"
freeze_blocks = 0
frozen_norm = false
[batch]
size = 16
[optimiser]
backbone = 5e-3
head = 5e-3
"""


def caselink(*words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CASELINK_THREADS": "1"}
    command = [sys.executable, "-m", "api.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "films"
    generate(folder, n_patients=60, workers=1)
    return folder


def test_recipes_are_listed() -> None:
    done = caselink("train", "--list")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {*recipe_names(), *segment_recipe_names()} <= set(lines)  # whole, however narrow the terminal
    for said in ("Hinterwimmer", "small", "paper"):
        assert said in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--data"),
        (("magic", "--data", ".", "--out", "x"), "no recipe magic"),
        (("default", "--data", ".", "--out", "x", "--dev-only", "--final-only"), "no fit to make"),
        (("default", "--data", ".", "--out", "x", "--roi", "segment"), "--roi mask or whole"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(words: tuple[str, ...], said: str) -> None:
    done = caselink("train", *words)
    assert done.returncode == 1
    assert done.stderr.startswith("caselink: ") and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_from_films_to_an_answer(synthetic: Path, tmp_path: Path) -> None:
    recipe, run, archive = tmp_path / "tiny.toml", tmp_path / "run", tmp_path / "archive"
    recipe.write_text(TINY, encoding="utf-8")
    told = tmp_path / "told.json"
    done = caselink("train", recipe, "--data", synthetic, "--layout", "dicom", "--out", run, "--json", told)
    assert done.returncode == 0, done.stderr
    figures, took = json.loads((run / "metrics.json").read_text()), json.loads(told.read_text())
    fits = figures["development"]["seconds"] + figures["final"]["seconds"]
    assert took["took"]["seconds"] > fits and took["took"]["cores"] >= 1 and not took["took"]["resumed"]
    assert {name: took[name] for name in figures} == figures
    lines = [line for line in done.stderr.splitlines() if "epoch" in line]
    assert len(lines) == 6
    assert all("loss" in line and "left" in line for line in lines)
    assert "validation P@1" in lines[0]
    assert not any(word in done.stderr for word in ("Lightning", "GPU", "Warning", "HPU"))
    assert not (ROOT / "lightning_logs").exists()
    indexed = caselink("index", synthetic, "--archive", archive, "--encoder", run, "--roi", "mask", "--json")
    assert indexed.returncode == 0, indexed.stderr
    assert (archive / "encoder" / "classifier.json").is_file()
    film = next((synthetic / "query").glob("*.dcm"))
    answer = json.loads(caselink("query", film, "--archive", archive, "--json").stdout)
    assert len(answer["cases"]) == 5
    fingerprint = json.loads((run / "card.json").read_text())["fingerprint"]
    assert fingerprint in json.dumps(answer["manifest"])
    again = caselink("train", recipe, "--data", synthetic, "--layout", "dicom", "--out", run)
    assert again.returncode == 1 and "--resume" in again.stderr
    (run / "card.json").unlink()
    resumed = caselink("train", recipe, "--data", synthetic, "--layout", "dicom", "--out", run, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads((run / "card.json").read_text())["fingerprint"] == fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["default", "adapter"])
def test_small_scales_beat_chance(recipe: str, tmp_path: Path) -> None:
    films = tmp_path / "films"
    generate(films, n_patients=120, workers=1)
    words = ("--data", films, "--layout", "dicom", "--out", tmp_path / "run", "--scale", "small", "--dev-only")
    done = caselink("train", recipe, *words)
    assert done.returncode == 0, done.stderr
    development = json.loads((tmp_path / "run" / "metrics.json").read_text())["development"]
    counts = development["calibration"]["entities"].values()
    chance = max(counts) / sum(counts)  # of always saying the commonest
    assert development["retrieval"]["precision_at_1"]["value"] > chance
    assert np.isfinite(development["history"][-1]["loss"])
    assert cv2.imread(str(tmp_path / "run" / "curves.png")) is not None
