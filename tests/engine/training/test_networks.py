"""The trained network: outputs, classifier, freezing, starts, ensembles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_model
from torch.testing import assert_close

from engine.errors import EncoderError
from engine.training.ensemble import EnsembleNetwork
from engine.training.metadata import Metadata
from engine.training.networks import WEIGHTS_FILE, Network
from engine.training.recipe import Recipe

TOLD = Metadata(("femur", "tibia"), ("epiphysis",))
MakeRecipe = Callable[..., Recipe]
SUPCON = {"metric": "supcon"}


def seen(n: int = 3, views: int = 2) -> torch.Tensor:
    return torch.randn(n, views, 32, 32, generator=torch.Generator().manual_seed(1))


def network(recipe: Recipe, metadata: Metadata | None = None, seed: int = 0) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Network(recipe, 4, metadata).eval()


@pytest.mark.parametrize("name", ["test_resnet", "test_efficientnet", "test_convnext"])
def test_two_outputs_of_which_the_second_explains_the_first(name: str, tiny_recipe: MakeRecipe) -> None:
    made = network(tiny_recipe(backbone={"name": name, "start": "random"}))
    with torch.no_grad():
        features, maps = made(seen())
        assert features.shape == (3, 8)
        assert maps.shape[:3] == (3, 2, made.body.num_features)
        assert_close(made.head(maps.mean((3, 4)).flatten(1)), features)


def test_views_do_not_mix_in_the_backbone(tiny_recipe: MakeRecipe) -> None:
    made, films = network(tiny_recipe()), seen()
    changed = films.clone()
    changed[:, 1] += 1
    with torch.no_grad():
        before, after = made.maps(films), made.maps(changed)
    assert_close(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1], after[:, 1])


def test_a_mirrored_network_cannot_tell_left_from_right(tiny_recipe: MakeRecipe) -> None:
    films = seen()
    plain, mirror = network(tiny_recipe()), network(tiny_recipe(mirror=True))
    with torch.no_grad():
        assert_close(mirror(films)[0], mirror(films.flip(3))[0], rtol=1e-4, atol=1e-5)
        assert_close(mirror(films)[1], mirror(films.flip(3))[1].flip(4), rtol=1e-4, atol=1e-5)
        assert not torch.allclose(plain(films)[0], plain(films.flip(3))[0], rtol=1e-3)


@pytest.mark.parametrize("metadata", [None, TOLD])
@pytest.mark.parametrize("changes", [{}, {"head": "mlp", "loss": SUPCON}])
def test_the_classifier_is_linear_in_pooled_features(
    changes: dict[str, object], metadata: Metadata | None, tiny_recipe: MakeRecipe
) -> None:
    made = network(tiny_recipe(**changes), metadata)
    with torch.no_grad():
        pooled = made.pooled(seen())
        linear = made.linear()
        assert_close(pooled @ linear.weight.T + linear.bias, made.scores(pooled, None), rtol=1e-4, atol=1e-5)


def test_metadata_move_logits_and_unknown_ones_do_not_move_embeddings(tiny_recipe: MakeRecipe) -> None:
    made = network(tiny_recipe(metadata="fused"), TOLD)
    facts = torch.zeros(3, TOLD.width)
    with torch.no_grad():
        pooled = made.pooled(seen())
        unknown = made.scores(pooled, facts)
        assert_close(unknown, made.scores(pooled, None))
        facts[0, 0] = 1
        told = made.scores(pooled, facts)
    assert not torch.allclose(told[0], unknown[0])
    assert_close(told[1:], unknown[1:])


@pytest.mark.parametrize("blocks", [0, 1, 2, -1])
def test_frozen_blocks_keep_weights_and_statistics(blocks: int, tiny_recipe: MakeRecipe) -> None:
    backbone = {"name": "test_resnet", "start": "random", "freeze_blocks": blocks, "frozen_norm": False}
    made = network(tiny_recipe(backbone=backbone)).train()
    learns = {name.split(".")[0] for name, p in made.body.named_parameters() if p.requires_grad}
    held = {name.split(".")[0] for name, p in made.body.named_parameters() if not p.requires_grad}
    expected = {0: set(), 1: {"conv1", "bn1", "layer1"}, 2: {"conv1", "bn1", "layer1", "layer2"}}
    assert held == expected.get(blocks, held | learns)
    assert not held & learns
    for name, module in made.body.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.training == (name.split(".")[0] in learns)


def test_frozen_norms_stay_in_eval_mode(tiny_recipe: MakeRecipe) -> None:
    made = network(tiny_recipe(backbone={"name": "test_resnet", "start": "random", "freeze_blocks": 0})).train()
    norms = [module for module in made.body.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert norms and not any(module.training for module in norms)
    assert made.dropout.training


def test_a_run_is_a_start(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    first = network(tiny_recipe(), seed=1)
    save_model(first, str(tmp_path / WEIGHTS_FILE))
    backbone = {"name": "test_resnet", "start": str(tmp_path)}
    second = network(tiny_recipe(backbone=backbone), seed=2)
    for name, value in first.body.state_dict().items():
        assert_close(second.body.state_dict()[name], value)
    with pytest.raises(EncoderError, match="another backbone"):
        network(tiny_recipe(backbone=backbone | {"name": "test_efficientnet"}))


@pytest.mark.parametrize(
    ("backbone", "said"),
    [
        ({"name": "nothing_like_it", "start": "random"}, "no model 'nothing_like_it'"),
        ({"name": "test_resnet", "start": "gone/away"}, "gone/away"),
    ],
)
def test_starts_that_cannot_be_had_are_named(backbone: dict[str, str], said: str, tiny_recipe: MakeRecipe) -> None:
    with pytest.raises(EncoderError, match=said):
        network(tiny_recipe(backbone=backbone))


def test_packaged_weights_see_what_they_were_made_for(tiny_recipe: MakeRecipe) -> None:
    made = network(tiny_recipe(backbone={"name": "default", "start": "packaged"}))
    assert torch.equal(made.scale, torch.ones(1, 3, 1, 1))
    assert torch.equal(made.shift, torch.zeros(1, 3, 1, 1))
    other = network(tiny_recipe())
    grey = torch.tensor(0.3)
    normalised = (grey - 0.5) / 0.5 * other.scale + other.shift
    mean, std = (torch.tensor(other.body.pretrained_cfg[name]) for name in ("mean", "std"))
    assert_close(normalised.flatten(), (grey - mean) / std)


def test_an_ensemble_sums_logits(tiny_recipe: MakeRecipe) -> None:
    members = [network(tiny_recipe(), seed=seed) for seed in range(3)]
    ensemble = EnsembleNetwork(members).eval()
    films = seen()
    with torch.no_grad():
        maps = ensemble(films)[1]
        pooled = maps.mean((3, 4)).flatten(1)
        linear = ensemble.linear()
        expected = torch.stack([member.scores(member.pooled(films), None) for member in members]).sum(0)
        assert_close(pooled @ linear.weight.T + linear.bias, expected, rtol=1e-4, atol=1e-4)
        assert_close(ensemble.scores(pooled, None), expected, rtol=1e-4, atol=1e-4)


def test_an_ensemble_of_turned_copies_embeds_as_one(tiny_recipe: MakeRecipe) -> None:
    first, second = network(tiny_recipe()), network(tiny_recipe())
    turn = torch.from_numpy(np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0].astype(np.float32))
    with torch.no_grad():
        second.head.weight.copy_(turn @ first.head.weight)
        second.head.bias.copy_(turn @ first.head.bias)
        ensemble, films = EnsembleNetwork([first, second]).eval(), seen(12)
        units = [torch.nn.functional.normalize(member(films)[0]).numpy() for member in (first, second)]
        before = ensemble(films)[0].norm(dim=1)
        ensemble.align(units)
        assert_close(ensemble(films)[0], torch.from_numpy(units[0]), rtol=1e-3, atol=1e-3)
    assert float(before.min()) < 0.99  # without turning they do not agree
