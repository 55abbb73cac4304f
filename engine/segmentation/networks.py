"""The five segmentation networks of R3 (Bloier 2022), from segmentation-models-pytorch."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from engine.encoders.packaged import timm_names
from engine.encoders.spec import Spec, packaged_weights
from engine.encoders.torch_models import load
from engine.errors import EncoderError
from engine.segmentation.losses import USUAL_AREA
from engine.segmentation.recipe import Architecture, Net

GREY = 0.5
"""Mean and deviation of the one grey channel that the exported network takes."""
ENCODERS = {"lite0": "tu-tf_efficientnet_lite0", "resnet34": "resnet34"}
HEADS = ("classifier.", "fc.", "conv_head.", "bn2.")
"""What a classifier has after its last stage, and an encoder has not; no layer of ResNet begins so."""
STATISTICS = {
    "lite0": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "resnet34": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}
"""Mean and deviation per channel of the pictures that each encoder's ImageNet weights were made for."""


class SegmentationNetwork(nn.Module):
    """(n, 1, size, size) grey, normalised by `GREY` -> (n, size, size) log-odds of lesion."""

    scale: Tensor
    shift: Tensor

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.model: Any = build(net)
        mean, std = STATISTICS[net.encoder]
        centre, spread = torch.tensor(mean)[:, None, None], torch.tensor(std)[:, None, None]
        self.register_buffer("scale", GREY / spread, persistent=False)
        self.register_buffer("shift", (GREY - centre) / spread, persistent=False)
        self.held = _early(self.model.encoder, net)
        for part in self.held:
            part.requires_grad_(False)

    def forward(self, patch: Tensor) -> Tensor:
        """Log-odds of lesion per pixel."""
        # three channels first: ONNX's optimiser drops a broadcast whose arithmetic it has folded away
        picture = torch.cat([patch] * 3, dim=1) * self.scale + self.shift
        logits: Tensor = self.model(picture.contiguous(memory_format=torch.channels_last))[:, 0]
        return logits

    def train(self, mode: bool = True) -> "SegmentationNetwork":
        """As ever, but the encoder's batch norms keep the statistics they start with: batches are small."""
        super().train(mode)
        for part in self.model.encoder.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.eval()
        return self


class Probability(nn.Module):
    """A segmentation network as it is exported: (n, 1, size, size) -> (n, size, size), 0..1.

    mirror: the map is the mean of the film's and its mirror image's, at twice the cost.
    """

    def __init__(self, network: nn.Module, *, mirror: bool = False) -> None:
        super().__init__()
        self.network, self.mirror = network, mirror

    def forward(self, patch: Tensor) -> Tensor:
        """Probability of lesion per pixel."""
        seen = torch.sigmoid(self.network(patch))
        return (seen + torch.sigmoid(self.network(patch.flip(-1))).flip(-1)) / 2 if self.mirror else seen


def build(net: Net) -> nn.Module:
    """The network of a recipe with its encoder's start, one output channel of log-odds; channels last in memory.

    Raises:
        EncoderError: a start that cannot be had.
    """
    encoder = ENCODERS[net.encoder]
    common: dict[str, Any] = {"encoder_name": encoder, "encoder_weights": None, "classes": 1}
    makers: dict[Architecture, tuple[Any, dict[str, Any]]] = {
        Architecture.unet: (smp.Unet, {"decoder_channels": net.decoder}),
        Architecture.unetpp: (smp.UnetPlusPlus, {"decoder_channels": net.decoder}),
        Architecture.manet: (smp.MAnet, {"decoder_channels": net.decoder, "decoder_pab_channels": net.decoder[1]}),
        Architecture.deeplabv3: (smp.DeepLabV3, {"decoder_channels": net.decoder[0]}),
        Architecture.deeplabv3plus: (smp.DeepLabV3Plus, {"decoder_channels": net.decoder[0]}),
    }
    maker, own = makers[net.architecture]
    model: Any = maker(**common, **own)
    if net.half:
        model.decoder.blocks = model.decoder.blocks[:-1]
        model.segmentation_head = smp.base.SegmentationHead(net.decoder[-2], 1, kernel_size=3, upsampling=2)
    _expect_little(model.segmentation_head)
    state = _start(net)
    if state is not None:
        prefix = "model." if net.encoder == "lite0" else ""
        kept = {prefix + name: value for name, value in state.items() if not name.startswith(HEADS)}
        _load(model.encoder, kept, net)
    whole: nn.Module = model.to(memory_format=torch.channels_last)
    return whole


def _expect_little(head: nn.Module) -> None:
    """Begin with the probability that a pixel usually has (Lin 2017, focal loss, section 4.1).

    From even odds, the first steps teach all channels to say "no lesion"; rectified, they can then say nothing else.
    """
    last = [part for part in head.modules() if isinstance(part, nn.Conv2d)][-1]
    assert last.bias is not None
    nn.init.constant_(last.bias, math.log(USUAL_AREA / (1 - USUAL_AREA)))


def _start(net: Net) -> dict[str, Tensor] | None:
    """The encoder's first weights, None for random ones."""
    if net.start == "random":
        return None
    if net.start == "packaged":
        return timm_names(torch.load(packaged_weights(), map_location="cpu", weights_only=True))
    name = "tf_efficientnet_lite0" if net.encoder == "lite0" else net.encoder
    spec = Spec(name) if net.start == "imagenet" else Spec(name, Path(net.start).expanduser())
    return dict(load(spec)[0].state_dict())


def _load(encoder: nn.Module, state: dict[str, Tensor], net: Net) -> None:
    try:
        encoder.load_state_dict(state, strict=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise EncoderError(f"net.start = {net.start!r} does not fit {net.encoder} ({reason}); choose another") from None


def _early(encoder: Any, net: Net) -> Sequence[nn.Module]:
    """The stem and the first stages, which are held as they are; none where nothing is to be."""
    if not net.freeze_blocks:
        return []
    if net.encoder == "lite0":
        timm = encoder.model
        return [timm.conv_stem, timm.bn1, *list(timm.blocks)[: net.freeze_blocks]]
    layers = [encoder.layer1, encoder.layer2, encoder.layer3, encoder.layer4]
    return [encoder.conv1, encoder.bn1, *layers[: net.freeze_blocks]]
