"""Encoders: regions of films to unit vectors. Opening one that was exported before imports no torch."""

from pathlib import Path

from engine.encoders.files import EncoderFiles, copy, is_intact
from engine.encoders.runtime import OnnxEmbedder
from engine.encoders.spec import DEFAULT, parse, run_folder

__all__ = ["DEFAULT", "EncoderFiles", "OnnxEmbedder", "copy_encoder", "encoder_files", "load_exported", "open_encoder"]

copy_encoder = copy


def encoder_files(spec: str, cache: Path) -> EncoderFiles:
    """The exported encoder of `spec` under `cache`; exported there (some ten seconds) on its first use.

    spec: "default", a timm name, NAME@FILE, or the folder of a training run, whose encoder is used where it lies. A
    file in the cache that was damaged is exported anew.

    Raises:
        EncoderError: an unknown encoder, weights that cannot be had, or a cache that cannot be written.
    """
    run = run_folder(spec)
    if run is not None:
        return EncoderFiles.read(run)
    parsed = parse(spec)
    folder = cache / f"{parsed.name}-{parsed.key}"
    if is_intact(folder):
        return EncoderFiles.read(folder)
    from engine.encoders.export import export  # torch takes seconds to import, and a cached encoder needs none of it

    return export(parsed, folder)


def open_encoder(spec: str, cache: Path, *, threads: int | None = None) -> OnnxEmbedder:
    """The encoder of `spec`, ready to run on `threads` cores (None for all); see `encoder_files`."""
    return OnnxEmbedder.open(encoder_files(spec, cache), threads=threads)


def load_exported(folder: Path, *, threads: int | None = None) -> OnnxEmbedder:
    """The encoder that an archive carries in `folder` (encoder.onnx and card.json).

    Raises:
        EncoderError: a missing file, or a network that is not the one its card names.
    """
    return OnnxEmbedder.open(EncoderFiles.read(folder), threads=threads)
