"""Films and the default encoder for the encoders' tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.encoders import OnnxEmbedder, open_encoder
from engine.radiograph import Pixels, Radiograph


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Two-thread torch collapses where anything else runs beside it."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def embedder(encoder_cache: Path) -> OnnxEmbedder:
    """The default encoder on two threads."""
    return open_encoder("default", encoder_cache, threads=2)


@pytest.fixture(scope="session")
def film() -> Callable[..., Radiograph]:
    """Makes a film of pixels, or of random ones of a shape."""

    def make(pixels: Pixels | tuple[int, int], full_shape: tuple[int, int] | None = None, seed: int = 0) -> Radiograph:
        if isinstance(pixels, tuple):
            pixels = np.random.default_rng(seed).random(pixels, np.float32)
        return Radiograph(pixels.astype(np.float32), "0" * 64, "generated", full_shape=full_shape)

    return make
