"""`caselink reproduce` at a size of seconds, on films whose entity shows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

Run = Callable[..., Any]
ENTITIES = ("bright", "dark", "rings")
TINY = """
title = "Tiny"
paper = "none"
views = ["region"]
size = 32
dimension = 8
epochs = 2
{more}
[backbone]
name = "test_resnet"
start = "{start}"
freeze_blocks = 0
frozen_norm = false
[batch]
size = 8
[optimiser]
backbone = 5e-3
head = 5e-3
"""
FUSED = 'metadata = "fused"\nfolds = 5\nearly_stopping = 1'


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """60 films of 30 patients."""
    root = tmp_path / "films"
    root.mkdir()
    lines = ["file,patient_id,entity,age,sex,site"]
    y, x = np.ogrid[:64, :64]
    distance = np.hypot(y - 32, x - 32)
    for number in range(60):
        patient, entity = number // 2, ENTITIES[number // 2 % 3]
        grey = np.random.default_rng(number).normal(90, 20, (64, 64))
        grey[distance < 18] += {"bright": 90, "dark": -70}.get(entity, 0)
        grey[(distance < 26) & (distance % 10 < 4)] += 90 if entity == "rings" else 0
        Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(root / f"{number}.png")
        lines.append(f"{number}.png,SECRET{patient},{entity},{'' if number % 4 else 30},{'FM'[number % 2]},femur")
    (root / "films.csv").write_text("\n".join(lines), encoding="utf-8")
    return root


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, more: str = "", start: str = "random") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(TINY.format(more=more, start=start), encoding="utf-8")
        return path

    return write


def test_r1_prints_one_table_and_writes_it_with_galleries(
    caselink: Run, films: Path, recipe: Callable[..., Path], tmp_path: Path
) -> None:
    to = tmp_path / "out"
    classifiers = ["--classifier", recipe("one"), "--classifier", recipe("two", start="missing.safetensors")]
    done = caselink("reproduce", "r1", "--data", films, "--roi", "whole", "--out", to, *classifiers, "--here")
    assert done.code == 0, done.err
    for line in ("film votes, hash", "patient votes, exact", "always the commonest entity", "92.86 % cannot be"):
        assert line in done.out
    assert "not run" in done.out
    found = json.loads((to / "r1-small.json").read_text(encoding="utf-8"))
    assert found["scales"] == {"small": "run", "cpu": "not run", "paper": "not run"}
    assert set(found["figures"]["not_run"]) == {"classifier two: test_resnet"}
    assert found["figures"]["neighbours"]["film votes, hash"]["accuracy"]["3"]["mean"] > 0.5
    pictures = sorted(path.name for path in to.glob("*.png"))
    assert pictures == [f"r1-gallery-0{number}.png" for number in (1, 2, 3)]
    text = (to / "r1-small.md").read_text(encoding="utf-8")
    assert "| film votes, hash |" in text
    assert "SECRET" not in text + json.dumps(found) + done.out


def test_r2_and_r7_print_their_tables(caselink: Run, films: Path, recipe: Callable[..., Path], tmp_path: Path) -> None:
    done = caselink(
        "reproduce", "r2", "--data", films, "--roi", "whole", "--classifier", recipe("one"), "--folds", 2, "--here"
    )
    assert done.code == 0, done.err
    assert "training" in done.out
    done = caselink("reproduce", "r7", "--data", films, "--roi", "whole", "--recipe", recipe("both", FUSED), "--here")
    assert done.code == 0, done.err
    for line in ("metadata only: XGBoost", "fused: ensemble, logits summed", "whole facts", "position 0"):
        assert line in done.out


@pytest.mark.slow
def test_r3_prints_the_networks_that_were_asked_for(caselink: Run, films: Path, tmp_path: Path) -> None:
    y, x = np.ogrid[:64, :64]
    lesion = 255 * (np.hypot(y - 32, x - 32) < 18).astype(np.uint8)
    (films / "masks").mkdir()
    for number in range(60):
        Image.fromarray(lesion).save(films / "masks" / f"{number}.png")
    asked = ["--folds", 2, "--network", "unet", "--out", tmp_path / "out", "--here"]
    done = caselink("reproduce", "r3", "--data", films, *asked)
    assert done.code == 0, done.err
    (row,) = json.loads((tmp_path / "out" / "r3-small.json").read_text(encoding="utf-8"))["figures"]["rows"]
    assert (row["network"], len(row["folds"])) == ("U-Net", 2)
    line = next(line for line in done.out.splitlines() if line.strip().startswith("U-Net "))
    assert f"{100 * row['iou']['mean']:.1f} ± {100 * row['iou']['sd']:.1f}" in line


@pytest.mark.parametrize("name", ["r1", "r2", "r3", "r7"])
def test_the_papers_scale_is_not_run_without_a_gpu(caselink: Run, films: Path, name: str, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("here is a GPU, so the paper's settings would be run")
    done = caselink("reproduce", name, "--data", films, "--scale", "paper", "--out", tmp_path / "out", "--here")
    assert done.code == 0, done.err
    assert "not run: the paper's settings take a GPU" in done.out
    found = json.loads((tmp_path / "out" / f"{name}-paper.json").read_text(encoding="utf-8"))
    assert (found["state"], found["tables"]) == ("not run", [])


def test_what_cannot_be_asked_is_refused(caselink: Run, films: Path, recipe: Callable[..., Path]) -> None:
    twice = ["--classifier", recipe("one"), "--classifier", recipe("one")]
    assert "two recipes are named one" in caselink("reproduce", "r2", "--data", films, *twice, "--here").refusal()
    assert "--roi mask or whole" in caselink("reproduce", "r1", "--data", films, "--roi", "segment", "--here").refusal()
    assert (
        "no recipe nothing"
        in caselink("reproduce", "r2", "--data", films, "--classifier", "nothing", "--here").refusal()
    )
