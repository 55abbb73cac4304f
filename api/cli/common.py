"""What several commands share: opening encoders, reading query films, printing."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from api.settings import settings
from engine.embeddings import Embedder
from engine.encoders import DEFAULT, OnnxEmbedder, encoder_files, load_exported
from engine.errors import QueryError
from indexer.duplicates.groups import NearCounts
from indexer.durable import write_durably
from indexer.manifest import NAME
from indexer.records import Proof

out = Console(soft_wrap=False, markup=False, highlight=False)
err = Console(stderr=True, markup=False, highlight=False)
LOUD = "bold"
QUIET = "dim"
UNKNOWN = "unknown"


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


def print_json(value: object) -> None:
    """JSON on stdout, and nothing else there."""
    print(as_json(value))


def as_json(value: object) -> str:
    """JSON text of a result; NumPy scalars become plain, dates and paths their text."""
    return json.dumps(value, indent=2, default=_plain)


def proof_of(how: str | None) -> str | None:
    """How a diagnosis was proven; a data set's label proves nothing by itself, and is called what it is."""
    return "label of the data set" if how == Proof.reference else how


def near_sentence(near: NearCounts) -> str:
    """How many films of an archive are one exposure with another, and what becomes of them."""
    return (
        f"{near.films} near-duplicate films in {near.groups} groups, of {near.patients} patients: kept on one side of "
        "every split, and never two votes"
    )


def save(path: Path, text: str) -> None:
    """Write a result to a file, whole or not at all.

    Raises:
        QueryError: a place that cannot be written. DiskFull: the old file, if any, is as it was.
    """
    if path.exists() and not path.is_file():  # a rename would put a file in place of a folder or device
        raise QueryError(f"{path} is no plain file; name a file to write, or - for stdout")
    try:
        write_durably(path, f"{text}\n".encode())
    except OSError as error:
        raise QueryError(f"{path} cannot be written ({error.strerror}); name another place") from None


def known(value: object) -> str:
    """A fact on the screen: ages to a tenth, 12 rather than 12.0, and a word for what is not known."""
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(value) if value else UNKNOWN


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return str(value)
