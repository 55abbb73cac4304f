"""Five networks, each fitted without another fifth of the patients, asked as one (Hinterwimmer 2024, R7).

Logits are summed. Embeddings of separate fits live in spaces of their own; each is turned onto the first one's by the
orthogonal map that fits the training films best (Schönemann 1966), and unit vectors are then averaged.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import orthogonal_procrustes
from torch import Tensor, nn

from engine.errors import EncoderError
from engine.training.networks import Linear, Network


class EnsembleNetwork(nn.Module):
    """Members side by side, with the outputs of one `Network`; patches are the members', channel after channel."""

    def __init__(self, members: Sequence[Network]) -> None:
        super().__init__()
        if not members:
            raise EncoderError("an ensemble needs one network or more; none was given")
        self.members: Any = nn.ModuleList(members)
        self.register_buffer("turns", torch.eye(members[0].dimension).repeat(len(members), 1, 1))
        self.turns: Tensor

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """Features (n, d), the mean of the members' turned unit vectors, and patches (n, views, members x c, h, w)."""
        found = [member(patch) for member in self.members]
        units = [
            nn.functional.normalize(features) @ turn for (features, _), turn in zip(found, self.turns, strict=True)
        ]
        return torch.stack(units).mean(0), torch.cat([maps for _, maps in found], dim=2)

    def align(self, vectors: Sequence[npt.NDArray[np.float32]]) -> None:
        """Learn the turns. vectors: unit embeddings (n, d) of the same films by each member, in order."""
        turns = [orthogonal_procrustes(each.astype(np.float64), vectors[0].astype(np.float64))[0] for each in vectors]
        self.turns.copy_(torch.from_numpy(np.stack(turns).astype(np.float32)))

    @torch.no_grad()
    def linear(self) -> Linear:
        """The summed classifier on the pooled features of all members."""
        parts = [member.linear() for member in self.members]
        views = self.members[0].views
        weights = [part.weight.reshape(len(part.weight), views, -1) for part in parts]
        return Linear(torch.cat(weights, dim=2).flatten(1), torch.stack([part.bias for part in parts]).sum(0))

    def scores(self, pooled: Tensor, facts: Tensor | None) -> Tensor:
        """Summed logits (n, entities) of pooled features as `forward`'s patches give them."""
        views = self.members[0].views
        parts = pooled.reshape(len(pooled), views, len(self.members), -1).unbind(2)
        return torch.stack(
            [member.scores(part.flatten(1), facts) for member, part in zip(self.members, parts, strict=True)]
        ).sum(0)
