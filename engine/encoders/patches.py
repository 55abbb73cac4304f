"""The last feature map of a timm network beside its features, in one pass. Needed for export only."""

import math
from typing import Any

import torch
from torch import Tensor, nn


class WithPatches(nn.Module):
    """(n, 3, size, size) -> features (n, d) as the network itself gives them, and patches (n, 1, c, h, w)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model
        self.prefix: int = getattr(model, "num_prefix_tokens", 0)  # only timm's plain transformers have any

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs of one pass."""
        raw: Tensor = self.model.forward_features(patch)
        features: Tensor = self.model.forward_head(raw)
        patches = grid(raw, self.model.num_features, self.prefix)
        assert patches is not None  # `explained` tried
        return features, patches.unsqueeze(1)


def explained(model: nn.Module, size: int) -> nn.Module:
    """`model` with a second output for patches, or itself where its features lie on no grid.

    model: of timm, maps (n, 3, size, size) to pooled features, as `torch_models.load` gives it.
    """
    whole = WithPatches(model).eval()
    with torch.inference_mode():
        raw = whole.model.forward_features(torch.zeros(1, 3, size, size))
    on_grid = isinstance(raw, Tensor) and grid(raw, whole.model.num_features, whole.prefix) is not None
    return whole if on_grid else model


def grid(raw: Tensor, channels: int, prefix: int) -> Tensor | None:
    """A network's last features as (n, channels, h, w); None where they lie on no square grid.

    raw: (n, c, h, w) of convolutions, (n, h, w, c) of Swin, or (n, prefix + h w, c) tokens of a plain transformer, the
    first `prefix` of which (class token, registers) belong to no place.
    """
    if raw.ndim == 4 and raw.shape[1] == channels:
        return raw
    if raw.ndim == 4 and raw.shape[3] == channels:
        return raw.permute(0, 3, 1, 2)
    if raw.ndim != 3 or raw.shape[2] != channels:
        return None
    side = math.isqrt(max(raw.shape[1] - prefix, 0))
    if side * side + prefix != raw.shape[1]:
        return None
    return raw[:, prefix:].transpose(1, 2).reshape(len(raw), channels, side, side)
