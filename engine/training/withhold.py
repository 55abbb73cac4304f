"""Facts kept back while a network with metadata is trained, so that it answers without them (cf. Neverova 2016)."""

import torch
from torch import Tensor

EVERY = 0.5
"""Share of films that nothing is told of."""
EACH = 0.2
"""Share of the others' facts that are not told, each by itself."""


def withhold(
    facts: Tensor, kinds: Tensor, generator: torch.Generator, every: float = EVERY, each: float = EACH
) -> Tensor:
    """Facts as a film would have them of which less is known: unknown is zero in every column of a fact.

    facts: float (n, m), as `Metadata.encode` gives them. kinds: int64 (m,), which fact a column belongs to
    (`Metadata.kinds`); age goes with all its steps and with the column that says it is known. generator: on the CPU.
    """
    n, number = len(facts), int(kinds.max()) + 1
    all_told = torch.rand(n, 1, generator=generator) >= every
    told = (torch.rand(n, number, generator=generator) >= each) & all_told
    return facts * told.to(facts.device)[:, kinds.to(facts.device)]
