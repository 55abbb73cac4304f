"""The encoder as PyTorch runs it: what every exported one is held against."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from engine.embeddings import Patch, Vectors


def features(model: nn.Module, patches: Sequence[Patch]) -> Vectors:
    """The network's own output, float32 (n, ...), for n >= 1 prepared patches in one forward pass."""
    with torch.inference_mode():
        return np.asarray(model(torch.from_numpy(np.stack(patches))).numpy(), np.float32)


def embed(model: nn.Module, patches: Sequence[Patch]) -> Vectors:
    """float32 (n, d) unit rows for n >= 1 prepared patches in one forward pass."""
    rows = features(model, patches)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def use_threads(threads: int) -> None:
    """Let PyTorch use `threads` cores in this process, for a fair race; a setting of the whole process."""
    torch.set_num_threads(threads)
