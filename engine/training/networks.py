"""The network that is trained: one backbone for all views of a film, an embedding, and a classifier.

A film's views, one grey channel each, pass the same backbone; the means of their last feature maps, side by side, are
`pooled`. The embedding is a head on it. Whatever the method, logits are linear in `pooled` (and in what metadata add),
so that class activation maps (Zhou 2016) are exact: with a linear head the classifier stands on the embedding and the
two matrices are multiplied on the way out; behind an MLP it stands on `pooled` itself.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from engine.encoders.packaged import load_classifier
from engine.encoders.patches import grid
from engine.encoders.spec import CHECKPOINT_SUFFIXES, DEFAULT, Spec
from engine.encoders.torch_models import load
from engine.errors import EncoderError
from engine.training.metadata import Metadata
from engine.training.recipe import Backbone, Recipe

WEIGHTS_FILE = "encoder.safetensors"
GREY_MEAN, GREY_STD = 0.5, 0.5
"""Of the input that the exported network takes; what its backbone wants is computed from it inside."""
HIDDEN = 64
"""Numbers that metadata become before they join the image."""


@dataclass(frozen=True)
class Linear:
    """A classifier: logits = weight @ pooled + bias. weight: (entities, pooled). bias: (entities,)."""

    weight: Tensor
    bias: Tensor


class Network(nn.Module):
    """Maps (n, views, size, size), grey normalised by `GREY_MEAN` and `GREY_STD`, to features and patches."""

    scale: Tensor
    shift: Tensor

    def __init__(self, recipe: Recipe, entities: int, metadata: Metadata | None = None) -> None:
        super().__init__()
        body, mean, std = _backbone(recipe.backbone, recipe.size)
        self.body: Any = body
        self.views, self.mirror = len(recipe.views), recipe.mirror
        self.prefix: int = getattr(body, "num_prefix_tokens", 0)
        self.register_buffer("scale", torch.tensor([GREY_STD / s for s in std]).reshape(1, 3, 1, 1))
        self.register_buffer(
            "shift", torch.tensor([(GREY_MEAN - m) / s for m, s in zip(mean, std, strict=True)]).reshape(1, 3, 1, 1)
        )
        width = self.views * int(body.num_features)
        self.dimension = recipe.features
        self.dropout = nn.Dropout(recipe.backbone.dropout)
        self.head = _head(recipe, width)
        self.composed: bool = recipe.head == "linear"
        self.classifier = nn.Linear(recipe.features if self.composed else width, entities)
        self.told = None if metadata is None else Told(metadata.width, entities)
        _freeze(body, recipe.backbone.freeze_blocks)
        self.frozen_norm = recipe.backbone.frozen_norm
        _check_grid(self, recipe)

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        """What is exported: features (n, d), not yet unit, and patches (n, views, c, h, w), whose means they see."""
        maps = self.maps(patch)
        if self.mirror:
            maps = (maps + self.maps(patch.flip(3)).flip(4)) / 2
        features: Tensor = self.head(maps.mean((3, 4)).flatten(1))
        return features, maps

    def maps(self, patch: Tensor) -> Tensor:
        """The last feature maps, (n, views, c, h, w)."""
        n, views = patch.shape[:2]
        # spelt out, since exporters drop a product with ones together with the channels that it would make
        three = patch.reshape(n * views, 1, *patch.shape[2:]).expand(-1, 3, -1, -1) * self.scale + self.shift
        found = grid(self.body.forward_features(three), self.body.num_features, self.prefix)
        assert found is not None  # tried when it was built
        return found.reshape(n, views, *found.shape[1:])

    def pooled(self, patch: Tensor) -> Tensor:
        """(n, views x c), of the film as it is, without its mirror image."""
        return self.maps(patch).mean((3, 4)).flatten(1)

    def embed(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """From pooled features, with dropout while training: the embedding and what the classifier stands on."""
        dropped = self.dropout(pooled)
        embedding = self.head(dropped)
        return embedding, (embedding if self.composed else dropped)

    def scores(self, pooled: Tensor, facts: Tensor | None) -> Tensor:
        """(n, entities) in eval mode; facts: metadata (n, m), None = all unknown."""
        return self.logits(self.embed(pooled)[1], facts)

    def logits(self, base: Tensor, facts: Tensor | None = None) -> Tensor:
        """(n, entities) from the second part of `embed`; facts: metadata (n, m), None = all unknown."""
        scores: Tensor = self.classifier(base)
        if self.told is None:
            return scores
        told: Tensor = self.told(self.told.unknown(len(base), base) if facts is None else facts)
        return scores + told

    @torch.no_grad()
    def linear(self) -> Linear:
        """The classifier on pooled features alone; unknown metadata are part of its bias. In eval mode."""
        weight, bias = self.classifier.weight.detach().clone(), self.classifier.bias.detach().clone()
        if self.composed:
            head = self.head
            assert isinstance(head, nn.Linear)
            weight, bias = weight @ head.weight, weight @ head.bias + bias
        if self.told is not None:
            bias = bias + self.told(self.told.unknown(1, bias))[0]
        return Linear(weight, bias)

    def train(self, mode: bool = True) -> "Network":
        """Frozen parts, and batch norms where the recipe says so, keep their statistics while training."""
        super().train(mode)
        for module in self.body.modules():
            still = not any(p.requires_grad for p in module.parameters(recurse=False))
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and (self.frozen_norm or still):
                module.eval()
        if not any(p.requires_grad for p in self.body.parameters()):
            self.body.eval()
        return self


class Told(nn.Module):
    """Metadata to logits: an MLP (ReLU, batch norm) whose numbers join the image's before the last layer.

    Hinterwimmer 2024 (PLOS Digital Health) joins both and applies one linear layer; that is a sum of two, so the
    image's part stays linear on its own. Facts are kept back while training (`withhold`), so that
    none is ever required.
    """

    def __init__(self, width: int, entities: int) -> None:
        super().__init__()
        self.width = width
        self.mlp = nn.Sequential(
            nn.Linear(width, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, entities, bias=False),
        )  # fmt: skip

    def forward(self, facts: Tensor) -> Tensor:
        """(n, entities) from (n, width)."""
        scores: Tensor = self.mlp(facts)
        return scores

    def unknown(self, n: int, like: Tensor) -> Tensor:
        """Metadata of films of which nothing is known: zeros, see `Metadata.encode`."""
        return torch.zeros(n, self.width, device=like.device, dtype=like.dtype)


def _head(recipe: Recipe, width: int) -> nn.Module:
    if recipe.head == "linear":
        return nn.Linear(width, recipe.features)
    hidden = 2 * recipe.features
    return nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, recipe.features))


def _backbone(chosen: Backbone, size: int) -> tuple[Any, list[float], list[float]]:
    """The body without classifier, and the mean and deviation of the pictures it was made for."""
    if chosen.name == DEFAULT and chosen.start == "packaged":
        body: Any = load_classifier()
        body.reset_classifier(0)
        return body, [0.5] * 3, [0.5] * 3
    name = "tf_efficientnet_lite0" if chosen.name == DEFAULT else chosen.name
    body = _empty(name, size)
    config = body.pretrained_cfg
    if chosen.start == "imagenet":
        body.load_state_dict(load(Spec(name))[0].state_dict())
    elif chosen.start != "random":
        _start_from(body, Path(chosen.start).expanduser(), name)
    half = chosen.name == DEFAULT
    return body, [0.5] * 3 if half else list(config["mean"]), [0.5] * 3 if half else list(config["std"])


def _empty(name: str, size: int) -> Any:
    if not timm.is_model(name):
        raise EncoderError(f"timm has no model {name!r}; choose another backbone.name in the recipe")
    # NesT counts its blocks when it is built
    sized: dict[str, Any] = {"img_size": size} if name.startswith("nest") else {}
    return timm.create_model(name, pretrained=False, num_classes=0, **sized)


def _start_from(body: nn.Module, path: Path, name: str) -> None:
    """Weights of a former run's body, or of a checkpoint of the architecture."""
    file = path / WEIGHTS_FILE if path.is_dir() else path
    if not file.is_file() or file.suffix not in CHECKPOINT_SUFFIXES:
        raise EncoderError(
            f"backbone.start = {str(path)!r} is no run and no file of weights ({', '.join(CHECKPOINT_SUFFIXES)}); "
            'give one, or "packaged", "imagenet" or "random"'
        )
    if file.suffix != ".safetensors" or path.is_file():
        body.load_state_dict(load(Spec(name, file))[0].state_dict())
        return
    try:
        state = load_file(file)
        body.load_state_dict({key[5:]: value for key, value in state.items() if key.startswith("body.")})
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise EncoderError(f"the run {path.name} has another backbone than {name} ({reason}); choose its own") from None


def _freeze(body: Any, blocks: int) -> None:
    """Hold the stem and the first `blocks` blocks, as timm counts them; 0 holds nothing, -1 everything."""
    if blocks == 0:
        return
    groups = timm.models.group_parameters(body, body.group_matcher(coarse=True))
    held = {name for group, names in groups.items() if blocks < 0 or group <= blocks for name in names}
    for name, parameter in body.named_parameters():
        if blocks < 0 or name in held:
            parameter.requires_grad = False


def _check_grid(network: Network, recipe: Recipe) -> None:
    network.eval()
    with torch.no_grad():
        raw = network.body.forward_features(torch.zeros(1, 3, recipe.size, recipe.size))
    if not isinstance(raw, Tensor) or grid(raw, network.body.num_features, network.prefix) is None:
        raise EncoderError(
            f"{recipe.backbone.name} answers with features on no grid; choose ResNet, NesT, EfficientNet"
        )
