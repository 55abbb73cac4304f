"""One fit: it learns, it is the same twice, a kill costs it nothing, and hopeless films are refused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch.utilities.seed import isolate_rng

from engine.errors import TrainingError
from engine.training.films import TrainingSet
from engine.training.fit import DONE, LAST, Epoch, fit, labelled
from engine.training.inference import embed_films
from engine.training.members import Step, fit_recipe
from engine.training.recipe import Recipe
from engine.training.tensors import Tensors

Films = Callable[..., TrainingSet]
MakeRecipe = Callable[..., Recipe]

LOSSES = [
    {},
    {"loss": {"metric": "supcon"}, "batch": {"entities": 3, "films": 4}},
    {"loss": {"metric": "proxy-anchor"}},
    {"loss": {"metric": "arcface"}, "classifier": "apart"},
    {"loss": {"metric": "supcon", "metric_weight": 1}, "head": "mlp", "batch": {"entities": 3, "films": 4}},
]


def weights(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


@pytest.mark.parametrize("changes", LOSSES)
def test_a_fit_learns_and_leaves_the_world_as_it_was(
    changes: dict[str, object], drawn_films: Films, tiny_recipe: MakeRecipe
) -> None:
    told: list[Epoch] = []
    numpy_state, torch_state = np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index,union-attr]  # noqa: NPY002
    done = fit(
        drawn_films(36),
        tiny_recipe(epochs=4, **changes),
        0,
        watch=drawn_films(60).take(range(36, 60)),
        progress=told.append,
    )
    assert [epoch.number for epoch in told] == [1, 2, 3, 4]
    assert told[-1].left_s == 0 and told[0].left_s > 0
    assert told[-1].precision is not None and told[-1].precision > 0.6  # chance is a third
    assert all(epoch.precision is not None and 0 <= epoch.precision <= 1 for epoch in told)
    assert done.entities == ("bright", "dark", "rings")
    assert not done.network.training
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.random.get_state()[1].tolist() == numpy_state  # type: ignore[index,union-attr]  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_seed_decides_everything(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    with isolate_rng():
        torch.manual_seed(123)
        one = fit(drawn_films(24), tiny_recipe(), 5)
    two = fit(drawn_films(24), tiny_recipe(), 5, watch=drawn_films(12))  # looking changes nothing
    other = fit(drawn_films(24), tiny_recipe(), 6)
    assert_same(weights(one.network), weights(two.network))
    assert any(not torch.equal(a, b) for a, b in zip(one.network.parameters(), other.network.parameters(), strict=True))


def test_dropout_and_norms_are_at_work(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    backbone = {"name": "test_resnet", "start": "random", "freeze_blocks": 0, "frozen_norm": False}
    one = fit(drawn_films(24), tiny_recipe(backbone=backbone | {"dropout": 0.0}), 0)
    two = fit(drawn_films(24), tiny_recipe(backbone=backbone | {"dropout": 0.5}), 0)
    assert not torch.equal(one.network.head.weight, two.network.head.weight)  # type: ignore[union-attr,arg-type]
    norms = [value for name, value in weights(one.network).items() if name.endswith("running_mean")]
    assert norms and any(bool(value.any()) for value in norms)  # zero until films were seen


def test_only_what_is_not_frozen_moves(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    backbone = {"name": "test_resnet", "start": "random", "freeze_blocks": -1}
    recipe = tiny_recipe(backbone=backbone)
    one, two = fit(drawn_films(24), recipe, 0), fit(drawn_films(24), recipe.model_copy(update={"epochs": 1}), 0)
    assert_same(weights(one.network.body), weights(two.network.body))  # type: ignore[arg-type]
    assert not torch.equal(one.network.head.weight, two.network.head.weight)  # type: ignore[union-attr,arg-type]


def test_an_early_stop_keeps_the_best_epoch(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    recipe = tiny_recipe(epochs=12, early_stopping=2)
    watch = drawn_films(60).take(range(36, 60))
    done = fit(drawn_films(36), recipe, 0, watch=watch)
    seen = [row["precision"] for row in done.history]
    assert len(seen) < 12  # the films are easy, so the best cannot be bettered for long
    assert done.epochs == 1 + int(np.argmax(seen))
    assert len(seen) == done.epochs + 2
    again = fit(drawn_films(36), recipe.model_copy(update={"early_stopping": None, "epochs": 12}), 0, watch=watch)
    assert [row["precision"] for row in again.history][: len(seen)] == seen
    with pytest.raises(TrainingError, match="needs validation films"):
        fit(drawn_films(36), recipe, 0)


CODE = """
import sys, torch
from pathlib import Path
sys.path.insert(0, {tests!r})
import conftest
torch.set_num_threads(1)
from engine.training.fit import fit
from engine.training.films import TrainingSet
from engine.training.recipe import Recipe
films = TrainingSet(tuple(conftest.draw(k, 2) for k in range(24)), ("region", "film"), conftest.SIZE, "drawn films")
recipe = Recipe.model_validate_json({recipe!r})
fit(films, recipe, 0, checkpoints=Path({folder!r}), resume=True, progress=lambda epoch: print(epoch.number, flush=True))
"""


def test_a_kill_costs_nothing_but_the_epoch(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = tiny_recipe(epochs=6)
    code = CODE.format(tests=str(Path(__file__).parent), recipe=recipe.model_dump_json(), folder=str(tmp_path))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.strip() == "3":  # epochs 1 and 2 are saved, 3 is about to be
                break
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    assert (tmp_path / LAST).is_file() and not (tmp_path / DONE).exists()
    told: list[Epoch] = []
    resumed = fit(drawn_films(24), recipe, 0, checkpoints=tmp_path, resume=True, progress=told.append)
    assert told and told[0].number in {3, 4}
    straight = fit(drawn_films(24), recipe, 0)
    assert_same(weights(resumed.network), weights(straight.network))
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in straight.history]


def test_a_fit_that_ended_is_not_run_again(drawn_films: Films, tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    recipe = tiny_recipe()
    first = fit(drawn_films(24), recipe, 0, checkpoints=tmp_path)
    began = time.perf_counter()
    second = fit(drawn_films(24), recipe, 0, checkpoints=tmp_path, resume=True, progress=lambda _: pytest.fail("ran"))
    assert time.perf_counter() - began < first.seconds + 5
    assert_same(weights(first.network), weights(second.network))
    assert (second.history, second.epochs) == (first.history, first.epochs)


def test_hopeless_films_are_refused(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    films = drawn_films(12)
    nobody = TrainingSet(
        tuple(replace(film, entity=None) for film in films.films), films.views, films.size, "unlabelled"
    )
    with pytest.raises(TrainingError, match="none of the 12 films of unlabelled has an entity"):
        labelled(nobody, tiny_recipe())
    alike = TrainingSet(tuple(replace(film, entity="rings") for film in films.films), films.views, films.size, "alike")
    with pytest.raises(TrainingError, match="all 12 films of alike have the entity 'rings'"):
        labelled(alike, tiny_recipe())
    healthy = TrainingSet(
        tuple(replace(film, entity="no tumour") for film in films.films[:4]) + films.films[4:],
        films.views,
        films.size,
        "t",
    )
    assert len(labelled(healthy, tiny_recipe())[0]) == 8
    assert labelled(healthy, tiny_recipe(leave_out=[]))[1] == ("bright", "dark", "no tumour", "rings")


def test_five_folds_become_one_network(drawn_films: Films, tiny_recipe: MakeRecipe) -> None:
    steps: list[Step] = []
    recipe = tiny_recipe(folds=5, metadata="fused", epochs=3, early_stopping=1)
    films = drawn_films(60)
    done = fit_recipe(films, recipe, 0, name="final", tell=steps.append)
    assert {(step.name, step.number, step.of) for step in steps} == {("final", k, 5) for k in range(1, 6)}
    assert done.metadata is not None and done.metadata.sites == ("femur", "hip bone", "tibia")
    found = embed_films(done.network, Tensors.of(films, done.entities, done.metadata))
    assert found.vectors.shape == (60, 8) and found.logits.shape == (60, 3)
    assert not np.allclose(found.logits, found.untold)
    truth = Tensors.of(films, done.entities, None).labels.numpy()
    assert (found.logits.argmax(1) == truth).mean() > 0.5  # chance is a third
