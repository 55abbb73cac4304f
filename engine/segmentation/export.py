"""From a trained network to segmenter.onnx and segmenter.json: serving then needs no torch."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from engine.encoders.export import onnx_bytes
from engine.errors import EncoderError
from engine.segmentation.card import Calibration, SegmenterCard
from engine.segmentation.files import SEGMENTER_CARD, SEGMENTER_ONNX, SegmenterFiles
from engine.segmentation.networks import GREY, Probability, SegmentationNetwork
from engine.segmentation.recipe import SegmentRecipe
from engine.segmentation.runtime import RUNTIME, Segmenter

TOLERANCE = 5e-3
"""Largest difference of a probability between the exported network and the original, on any pixel tried."""
LICENCE = "that of the training films; start weights: Apache 2.0 (packaged EfficientNet-Lite0) or their own"


def export_segmenter(
    network: SegmentationNetwork,
    recipe: SegmentRecipe,
    calibration: Calibration,
    metrics: dict[str, float],
    trained_on: str,
    folder: Path,
) -> SegmenterFiles:
    """Write both files; network: in eval mode on the CPU.

    Raises:
        EncoderError: a network that cannot be exported, or that computes something else afterwards.
    """
    whole = Probability(network, mirror=recipe.mirror).eval()
    data = onnx_bytes(whole, (1, recipe.size, recipe.size))
    card = SegmenterCard(
        name=recipe.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=recipe.size,
        threshold=recipe.threshold,
        cut=recipe.cut,
        calibration=calibration,
        mean=(GREY,),
        std=(GREY,),
        runtime=RUNTIME,
        trained_on=trained_on,
        licence=LICENCE,
        paper=recipe.paper,
        metrics=metrics,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SEGMENTER_ONNX).write_bytes(data)
    (folder / SEGMENTER_CARD).write_text(card.to_json(), encoding="utf-8")
    files = SegmenterFiles.read(folder)
    _check(whole, Segmenter.open(files))
    return files


def _check(network: Probability, segmenter: Segmenter) -> None:
    """Compare the exported network with the original on blurred noise, which resembles no training picture."""
    size = segmenter.card.size
    coarse = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 1, 7, 7), np.float32))
    patch = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    with torch.inference_mode():
        wanted = network(patch)[0].numpy()
    apart = float(np.abs(segmenter.run(patch[0].numpy()) - wanted).max())
    if not apart <= TOLERANCE:
        raise EncoderError(
            f"{segmenter.card.name} exported to {segmenter.card.runtime} differs from torch by {apart:.4f}, over "
            f"{TOLERANCE}; choose another architecture"
        )
