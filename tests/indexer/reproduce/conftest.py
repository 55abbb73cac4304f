"""Drawn films whose entity shows, recipes of a network that fits in a second, and cohorts made by hand."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.region import Origin, View
from engine.training.films import TrainingFilm, TrainingSet, training_side
from engine.training.recipe import Recipe
from indexer.evaluation import Cohort

SIZE = 32
ENTITIES = ("bright", "dark", "rings")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def draw(number: int, patient: int, group: str, entity: str) -> TrainingFilm:
    rng = np.random.default_rng(number)
    side = training_side(SIZE)
    grey = rng.normal(90, 20, (1, side, side))
    y, x = np.ogrid[:side, :side]
    distance = np.hypot(y - side // 2, x - side // 2)
    grey[:, distance < 9] += {"bright": 90, "dark": -70}.get(entity, 0)
    grey[:, (distance < 13) & (distance % 5 < 2)] += 90 if entity == "rings" else 0
    return TrainingFilm(
        np.clip(grey, 0, 255).astype(np.uint8), f"{number:064x}", Origin.mask, f"p{patient:03}", group, entity,
        malignancy="benign", age=None if number % 4 == 0 else float(10 + number % 50),
        sex=(None, "F", "M")[number % 3], site=("femur",),
    )  # fmt: skip


@pytest.fixture(scope="session")
def drawn() -> Callable[..., TrainingSet]:
    """drawn(n): n films, two a patient, two patients a group now and then; entities in turn."""

    def films(n: int) -> TrainingSet:
        made = [draw(k, k // 2, f"g{k // 2 - (k // 2) % 7 // 6:03}", ENTITIES[k // 2 % 3]) for k in range(n)]
        return TrainingSet(tuple(made), (View.region,), SIZE, "drawn films")

    return films


@pytest.fixture(scope="session")
def tiny() -> Callable[..., Recipe]:
    """tiny(**changes): a network of 0.2 million weights from random ones, two epochs."""

    def recipe(**changes: Any) -> Recipe:
        fields: dict[str, Any] = {
            "name": "tiny", "title": "Tiny", "paper": "none", "views": ["region"], "size": SIZE, "dimension": 8,
            "epochs": 2, "batch": {"size": 8}, "optimiser": {"backbone": 5e-3, "head": 5e-3},
            "backbone": {"name": "test_resnet", "start": "random", "freeze_blocks": 0, "frozen_norm": False},
        }  # fmt: skip
        return Recipe.model_validate(fields | changes)

    return recipe


@pytest.fixture(scope="session")
def cohort() -> Callable[..., Cohort]:
    """cohort(vectors, patients, entities): each patient a split group of their own."""

    def made(vectors: Sequence[Sequence[float]], patients: Sequence[str], entities: Sequence[str]) -> Cohort:
        rows = np.array(vectors, np.float32)
        n = len(rows)
        none = np.full(n, None, dtype=object)
        return Cohort(
            vectors=rows / np.linalg.norm(rows, axis=1, keepdims=True), film=np.arange(n),
            patient=np.array(patients, dtype=object), group=np.array(patients, dtype=object),
            entity=np.array(entities, dtype=object), age=np.full(n, np.nan), sex=none, site=none, centre=none,
            view=none, region=np.full(n, "mask", dtype=object),
        )  # fmt: skip

    return made


@pytest.fixture
def films_on_disk(tmp_path: Path) -> Callable[[int], Path]:
    """films_on_disk(n): a folder of n drawn PNG files, two a patient, with a table of them."""
    from PIL import Image

    def write(n: int) -> Path:
        root = tmp_path / "films"
        root.mkdir()
        lines = ["file,patient_id,entity,age,sex,site"]
        for k in range(n):
            entity = ENTITIES[k // 2 % 3]
            Image.fromarray(np.kron(draw(k, 0, "g", entity).cuts[0], np.ones((2, 2), np.uint8))).save(root / f"{k}.png")
            lines.append(f"{k}.png,{k // 2},{entity},{'' if k % 4 else 30},{'F' if k % 3 else 'M'},femur")
        (root / "films.csv").write_text("\n".join(lines), encoding="utf-8")
        return root

    return write
