"""A trained network on films, as serving will run it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.embeddings import Vectors
from engine.training.augment import plain
from engine.training.ensemble import EnsembleNetwork
from engine.training.films import Cuts
from engine.training.networks import GREY_MEAN, GREY_STD, Network
from engine.training.tensors import Tensors

CHUNK = 64


@dataclass(frozen=True, eq=False)
class Embedded:
    """vectors: float32 (n, d) of unit length. pooled: float32 (n, views x c), what they are made of.

    logits: float32 (n, entities), of the films and what is told about them. untold: of the films alone, the same
    numbers where the network knows no metadata.
    """

    vectors: Vectors
    pooled: npt.NDArray[np.float32]
    logits: npt.NDArray[np.float32]
    untold: npt.NDArray[np.float32]


def as_served(cuts: Cuts, size: int) -> npt.NDArray[np.float32]:
    """float32 (views, size, size), 0..1: the middle of a film's training cuts, which is what serving sees of it."""
    return np.asarray(plain(torch.from_numpy(cuts[None]), size)[0].numpy(), np.float32)


def normalised(pictures: Tensor) -> Tensor:
    """Grey values 0..1 as the network takes them."""
    return (pictures - GREY_MEAN) / GREY_STD


@torch.no_grad()
def embed_films(network: Network | EnsembleNetwork, films: Tensors) -> Embedded:
    """Every film of a set, in order, on the device of the network, which is in eval mode afterwards."""
    network.eval()
    linear = network.linear()
    parts: list[tuple[Tensor, ...]] = []
    for some in _chunks(films, linear.weight.device):
        features, maps = network(normalised(plain(some.cuts, films.size)))
        pooled = maps.mean((3, 4)).flatten(1)
        untold = pooled @ linear.weight.T + linear.bias
        told = untold if some.facts is None else network.scores(pooled, some.facts)
        parts.append((torch.nn.functional.normalize(features), pooled, told, untold))
    return Embedded(*(torch.cat(column).float().cpu().numpy() for column in zip(*parts, strict=True)))


@torch.no_grad()
def glance(network: Network, films: Tensors) -> Tensor:
    """Embeddings (n, d) without mirror images, at half the cost where the network has them; in eval mode afterwards."""
    network.eval()
    device = network.classifier.weight.device
    seen = (normalised(plain(some.cuts, films.size)) for some in _chunks(films, device))
    return torch.cat([network.head(network.pooled(patch)).float() for patch in seen]).cpu()


def _chunks(films: Tensors, device: torch.device) -> Iterator[Tensors]:
    for rows in np.array_split(np.arange(len(films.labels)), max(1, len(films.labels) // CHUNK)):
        yield films.take(rows).to(device)
