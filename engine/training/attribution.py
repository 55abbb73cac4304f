"""Which facts a network with metadata goes by: SHAP values of its metadata branch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import GradientShap
from torch import Tensor, nn

from engine.training.metadata import FACTS, Metadata

SAMPLES = 50

Values = npt.NDArray[np.float64]
"""float64 (n, e, m): what each of m columns adds to the score of each of e entities, for each of n films."""


def network_shap(branch: nn.Module, facts: Tensor, usual: Tensor, seed: int, samples: int = SAMPLES) -> Values:
    """SHAP values of a network's branch for metadata, by expected gradients (captum's GradientShap).

    branch: maps float (n, m) to logits (n, e), as `Network.told` does; logits of image and metadata are summed, so its
    values are those of the metadata in the whole network. facts: (n, m), the films explained. usual: (r, m), films that
    "nothing special" is drawn from, as a rule those of training. For a film and an entity the values add up to its
    logit less the mean logit over `usual`, as nearly as `samples` allow. The branch is left in the mode it was in.
    """
    was = branch.training
    branch.eval()
    method = GradientShap(branch)
    with torch.no_grad():
        entities = branch(facts[:1]).shape[1]
    values = []
    for entity in range(entities):
        with _seeded(seed + entity):
            found = method.attribute(facts, usual, n_samples=samples, stdevs=0.0, target=entity)
        values.append(found.detach().double().cpu().numpy())
    branch.train(was)
    return np.stack(values, axis=1)


def mean_size(values: Values, names: Sequence[str]) -> dict[str, float]:
    """Mean absolute value of each column over films and entities, largest first; names: of the columns (m)."""
    sizes = np.abs(values).mean(axis=(0, 1))
    return {names[column]: float(sizes[column]) for column in np.argsort(-sizes, kind="stable")}


def mean_size_by_fact(values: Values, metadata: Metadata) -> dict[str, float]:
    """As `mean_size`, for age, sex, site and position as wholes: their columns are summed first, as SHAP adds up."""
    kinds = np.array(metadata.kinds)
    return mean_size(np.stack([values[:, :, kinds == kind].sum(axis=2) for kind in range(len(FACTS))], axis=2), FACTS)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """captum draws from the global generators: they are seeded for it, and put back as they were."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
