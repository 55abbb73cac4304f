"""An ONNX file that is the one its card names, made ready to run on one core; for encoders and segmenters alike."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import openvino as ov
from openvino import properties
from openvino.properties import hint

from engine.errors import EncoderError
from engine.said import Said

PRECISIONS = {"openvino-f32": ov.Type.f32, "openvino-bf16": ov.Type.bf16}


def trusted(onnx: Path, sha256: str, cure: str) -> bytes:
    """The network's bytes, checked against its card before anything parses them. cure: ends the sentence of an error.

    Raises:
        EncoderError: a file that cannot be read, or that is not the one its card names.
    """
    try:
        data = onnx.read_bytes()
    except OSError as error:
        told = "cannot read {file} ({said}); {cure}"
        raise EncoderError(Said("encoder_unread", told, file=str(onnx), said=str(error.strerror), cure=cure)) from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        told = "{file} has sha256 {held}, its card says {stated}; the file was damaged or exchanged, so {cure}"
        held, stated = found[:12], sha256[:12]
        raise EncoderError(Said("encoder_changed", told, file=str(onnx), held=held, stated=stated, cure=cure))
    return data


def compiled(data: bytes, runtime: str, shape: Sequence[int], outputs: int, who: str, cure: str) -> ov.CompiledModel:
    """The network on one core: with one stream of one thread OpenVINO works in the thread that calls it.

    shape: of one input, without the batch. outputs: how many of its results are computed. who, cure: for errors.

    Raises:
        EncoderError: a runtime that is not there, or a network that it cannot run.
    """
    if runtime not in PRECISIONS:
        raise EncoderError(f"the card asks for runtime {runtime!r}; this caselink has {', '.join(PRECISIONS)}")
    settings = {
        hint.inference_precision: PRECISIONS[runtime],
        hint.enable_cpu_pinning: False,  # decoding runs beside it
        properties.num_streams: 1,
        properties.inference_num_threads: 1,
    }
    try:
        core = ov.Core()
        model = core.read_model(io.BytesIO(data))
        model.reshape([1, *shape])
        for unused in model.get_results()[outputs:]:
            model.remove_result(unused)
        return core.compile_model(model, "CPU", settings)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise EncoderError(f"OpenVINO cannot run {who} ({reason}); {cure}") from error
