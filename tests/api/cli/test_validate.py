"""`caselink validate` as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.synthetic import generate

ROOT = Path(__file__).parents[3]
TINY = """
title = "Tiny"
paper = "none"
views = ["region"]
size = 32
dimension = 40
epochs = 1
[facts]
[backbone]
name = "test_resnet"
start = "random"
"""


def caselink(*words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CASELINK_THREADS": "1"}
    command = [sys.executable, "-m", "api.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("magic",), "no recipe magic"), (("default", "--folds", "5", "--leave-out", "2"), "different protocols")],
)
def test_what_cannot_be_is_said_in_a_sentence(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = caselink("validate", *words, "--data", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("caselink: ") and said in done.stderr


@pytest.mark.slow
def test_folds_stand_beside_the_untrained_encoder(tmp_path: Path) -> None:
    films, recipe, figures, state = (tmp_path / name for name in ("films", "tiny.toml", "figures.json", "state"))
    generate(films, n_patients=24, workers=1)
    recipe.write_text(TINY, encoding="utf-8")
    words = (
        recipe, "--data", films, "--layout", "dicom", "--folds", 2, "--resamples", 50, "--json", figures,
        "--state", state,
    )  # fmt: skip
    done = caselink("validate", *words)
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC" in done.stdout and "untrained" not in done.stderr
    found = json.loads(figures.read_text())
    assert found["manifest"]["synthetic"] and len(found["manifest"]["folds"]) == 2
    mine, floor = (found[name]["all"]["precision"]["1"]["value"] for name in ("groups", "floor"))
    difference = found["paired"]["groups"]["all"]["precision"]["1"]
    assert difference["this"] == mine and difference["other"] == floor
    assert difference["value"] == pytest.approx(mine - floor)
    again = caselink("validate", *words)
    assert again.returncode == 0
    assert "epoch" in done.stderr and "epoch" not in again.stderr  # the kept fits are gone on with
    assert json.loads(figures.read_text())["groups"] == found["groups"]
