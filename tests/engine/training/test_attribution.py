"""SHAP values of a metadata branch: exact where it is linear, adding up where it is not."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine.training.attribution import mean_size, mean_size_by_fact, network_shap
from engine.training.metadata import Metadata


def facts(n: int, seed: int = 0, width: int = 5) -> Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed))


def branch() -> nn.Sequential:
    """As the metadata branch is built: ReLU, batch norm, a linear layer without bias."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3, bias=False))
        made.train()(facts(64, 9))  # running statistics that are not the start's
    return made


def test_a_linear_branch_is_explained_by_its_weights() -> None:
    line = nn.Linear(5, 2)
    usual = facts(1, 1)
    values = network_shap(line, facts(4), usual, seed=0)
    expected = (line.weight[None] * (facts(4) - usual)[:, None]).detach().numpy()
    np.testing.assert_allclose(values, expected, atol=1e-5)


def test_values_add_up_to_what_the_facts_change() -> None:
    network, asked, usual = branch(), facts(6), facts(20, 2)
    values = network_shap(network, asked, usual, seed=0, samples=1000)
    network.eval()
    with torch.no_grad():
        change = (network(asked) - network(usual).mean(0)).numpy()
    np.testing.assert_allclose(values.sum(axis=2), change, atol=0.1)


def test_a_column_that_is_not_looked_at_has_no_value() -> None:
    network = branch()
    with torch.no_grad():
        network[0].weight[:, 3] = 0
    sizes = mean_size(network_shap(network, facts(8), facts(20, 2), seed=0), ["a", "b", "c", "blind", "e"])
    assert sizes["blind"] == 0 and list(sizes)[-1] == "blind" and min(list(sizes.values())[:-1]) > 0


def test_same_seed_same_values_and_the_global_generators_are_left_alone() -> None:
    network = branch()
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (network_shap(network, facts(4), facts(9, 2), seed, samples=5) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numbers)  # noqa: NPY002


@pytest.mark.parametrize("training", [True, False])
def test_the_branch_keeps_its_mode_and_its_statistics(training: bool) -> None:
    network = branch().train(training)
    statistics = network[1].running_mean.clone()
    network_shap(network, facts(4), facts(9, 2), seed=0, samples=5)
    assert network.training is training and torch.equal(network[1].running_mean, statistics)


def test_facts_are_summed_before_they_are_sized() -> None:
    metadata = Metadata(("femur", "tibia"), ())
    values = np.zeros((2, 1, metadata.width))
    names = list(metadata.names)
    values[:, 0, names.index("site femur")] = 3
    values[:, 0, names.index("site tibia")] = -2
    values[0, 0, names.index("age >= 5")] = 1
    assert mean_size_by_fact(values, metadata) == {"site": 1, "age": 0.5, "sex": 0, "position": 0}
    assert mean_size(values, names)["site femur"] == 3
