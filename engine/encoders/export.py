"""From PyTorch to ONNX, once: serving and indexing then need no torch.

The exported graph maps "patch" (n, views x channels, size, size) float32, normalised, to "features" (n, d) float32, not
yet of unit length, and to "patches" (n, views, c, h, w) float32: the last feature map of each view before it is pooled,
which explains an answer. A network whose features lie on no grid has the first output only.

Notes that the exporter leaves in the file (stack traces, paths of the machine) are removed, so that one set of weights
and tools gives one file, bit for bit, wherever it is made.
"""

import contextlib
import errno
import hashlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn

from engine.card import ModelCard
from engine.encoders.files import CARD_FILE, ONNX_FILE, EncoderFiles, published
from engine.encoders.patches import explained
from engine.encoders.reference import embed, features
from engine.encoders.runtime import DEFAULT_RUNTIME, OnnxEmbedder
from engine.encoders.spec import Spec
from engine.encoders.torch_models import Facts, load
from engine.errors import DiskFull, EncoderError

MIN_COSINE = 0.999
"""What an exported network must share with its PyTorch original on every patch tried."""

OUTPUTS = ["features", "patches"]

NOISY = ("torch.onnx", "torch.export", "torch.fx.experimental.symbolic_shapes", "onnxscript", "onnx_ir")
"""Loggers that tell a user of caselink nothing."""


def export(spec: Spec, folder: Path, *, runtime: str = DEFAULT_RUNTIME) -> EncoderFiles:
    """Export the encoder of `spec` to `folder`, which appears complete or not at all.

    Raises:
        EncoderError: weights that cannot be had, a network that cannot be exported, or one that computes something
            else afterwards.
        DiskFull: no room for the file.
    """
    model, facts = load(spec)
    data = onnx_bytes(explained(model, facts.size), (3, facts.size, facts.size))
    card = _card(model, facts, data, runtime)
    try:
        with published(folder) as draft:
            (draft / ONNX_FILE).write_bytes(data)
            (draft / CARD_FILE).write_text(card.to_json(), encoding="utf-8")
            _check(model, OnnxEmbedder(draft / ONNX_FILE, card, threads=1))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no room to export {facts.name} ({len(data) >> 20} MiB) to {folder}; free some") from error
        raise EncoderError(
            f"cannot export {facts.name} to {folder} ({error.strerror}); choose another place"
        ) from error
    return EncoderFiles.read(folder)


def onnx_bytes(model: nn.Module, shape: tuple[int, int, int]) -> bytes:
    """`model` as an ONNX file with a free batch dimension and without notes.

    model: in eval mode; its forward takes (n, *shape) float32 and gives features (n, d), or features and patches.
    shape: of one film's input, as `ModelCard.shape`.

    Raises:
        EncoderError: a network that cannot be exported.
    """
    patches = torch.zeros(2, *shape)
    names = OUTPUTS[: _outputs(model, patches)]
    with _quiet():
        try:
            program = torch.onnx.export(
                model,
                (patches,),
                input_names=["patch"],
                output_names=names,
                dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
            proto = program.model_proto if program is not None else onnx.ModelProto()
        except torch.onnx.OnnxExporterError:
            proto = _traced(model, patches, names)
    _strip_notes(proto)
    return bytes(proto.SerializeToString(deterministic=True))


def _outputs(model: nn.Module, patches: torch.Tensor) -> int:
    """How many of `OUTPUTS` a network gives."""
    with torch.inference_mode():
        answer = model(patches)
    return len(answer) if isinstance(answer, tuple) else 1


def _traced(model: nn.Module, patches: torch.Tensor, names: list[str]) -> onnx.ModelProto:
    """The older exporter, which takes some networks (NesT) that the newer does not."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ONNX_FILE
        try:
            torch.onnx.export(
                model,
                (patches,),
                file,
                input_names=["patch"],
                output_names=names,
                dynamo=False,
                dynamic_axes={name: {0: "batch"} for name in ("patch", *names)},
            )
        except RuntimeError as error:
            reason = (str(error).strip().splitlines() or [""])[0]
            raise EncoderError(f"this network cannot be exported to ONNX ({reason}); choose another encoder") from error
        return onnx.load(file)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No remarks of the exporter on the user's screen; its errors still pass."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),  # a graph that it refuses is printed there
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _strip_notes(proto: onnx.ModelProto) -> None:
    graph = proto.graph
    for noted in (proto, graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        noted.doc_string = ""
        del noted.metadata_props[:]


def _card(model: nn.Module, facts: Facts, data: bytes, runtime: str) -> ModelCard:
    answer = features(model, [np.zeros((3, facts.size, facts.size), np.float32)])
    if answer.ndim != 2:
        raise EncoderError(f"{facts.name} answers with {answer.shape} for one film; an encoder needs one row each")
    sha256 = hashlib.sha256(data).hexdigest()
    return ModelCard(**asdict(facts), sha256=sha256, dimension=answer.shape[1], runtime=runtime)


def _check(model: nn.Module, embedder: OnnxEmbedder) -> None:
    """Compare the exported network with the original on blurred noise, which resembles no training picture."""
    size = embedder.card.size
    coarse = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3, 7, 7), np.float32))
    patches = list(nn.functional.interpolate(coarse, size=(size, size), mode="bilinear").numpy())
    cosine = (embedder.embed(patches) * embed(model, patches)).sum(axis=1)
    if not cosine.min() >= MIN_COSINE:
        raise EncoderError(
            f"{embedder.card.name} exported to {embedder.card.runtime} agrees with torch to cosine {cosine.min():.4f} "
            f"only, under {MIN_COSINE}; choose another encoder"
        )
