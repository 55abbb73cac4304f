"""What several commands share: opening encoders, reading query films, printing."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from api.settings import settings
from engine.embeddings import Embedder
from engine.encoders import DEFAULT, OnnxEmbedder, encoder_files, load_exported
from engine.errors import RegionError
from indexer.manifest import NAME

out = Console(soft_wrap=False)
err = Console(stderr=True)


@dataclass(frozen=True)
class OpenEncoder:
    """An encoder ready to run, and the folder with its files."""

    embedder: Embedder
    folder: Path


def encoder_for(archive: Path, spec: str | None) -> OpenEncoder:
    """The encoder asked for; None = the archive's own, or the default where there is no archive yet."""
    own = archive / "encoder"
    if spec is None and (archive / NAME).exists():
        return OpenEncoder(load_exported(own, threads=settings().threads), own)
    files = encoder_files(spec or DEFAULT, settings().cache / "encoders")
    return OpenEncoder(OnnxEmbedder.open(files, threads=settings().threads), files.onnx.parent)


def parse_box(text: str) -> tuple[int, int, int, int]:
    """x0,y0,x1,y1 in film pixels.

    Raises:
        RegionError: where it is not four whole numbers.
    """
    try:
        x0, y0, x1, y1 = (int(part) for part in text.split(","))
    except ValueError:
        raise RegionError(f"region {text!r} is not x0,y0,x1,y1 in whole film pixels, e.g. 120,80,310,260") from None
    return x0, y0, x1, y1


def print_json(value: object) -> None:
    """JSON on stdout, and nothing else there."""
    print(json.dumps(value, indent=2, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
