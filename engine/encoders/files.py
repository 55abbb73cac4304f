"""An encoder on disk: a folder with encoder.onnx and card.json, published whole by one rename."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from engine.card import ModelCard
from engine.encoders.spec import CARD_FILE, ONNX_FILE, sha256_of
from engine.errors import EncoderError

__all__ = ["CARD_FILE", "ONNX_FILE", "EncoderFiles", "copy", "is_intact", "published"]

LOCK_FILE = ".publishing"
"""Beside the encoders of a cache: of processes that export one encoder at once, the first publishes it."""


@dataclass(frozen=True)
class EncoderFiles:
    """The network and who it is; `card.sha256` is that of the file `onnx` when it was exported."""

    onnx: Path
    card: ModelCard

    @classmethod
    def read(cls, folder: Path) -> "EncoderFiles":
        """The encoder in `folder`. Only the card is read; `OnnxEmbedder` checks the network against it.

        Raises:
            EncoderError: where one of the two files is missing or the card cannot be understood.
        """
        onnx, card = folder / ONNX_FILE, folder / CARD_FILE
        for file in (onnx, card):
            if not file.is_file():
                raise EncoderError(f"{folder} holds no {file.name}, so no encoder; export or index anew")
        try:
            return cls(onnx, ModelCard.from_json(card.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise EncoderError(f"{card} is not a model card ({error}); export or index anew") from error

    @property
    def intact(self) -> bool:
        """Whether the network still has the bytes that its card names."""
        return sha256_of(self.onnx) == self.card.sha256


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """An empty folder to fill; becomes `folder` when the block ends without an error, and vanishes otherwise.

    Where an intact encoder is already there (another process was faster), it stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".encoder-") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        yield draft
        with FileLock(folder.parent / LOCK_FILE):
            if not is_intact(folder):
                if folder.exists():
                    folder.rename(Path(scratch) / "broken")
                draft.rename(folder)


def is_intact(folder: Path) -> bool:
    """Whether `folder` holds an encoder whose bytes are those its card names."""
    try:
        return EncoderFiles.read(folder).intact
    except EncoderError:
        return False


def copy(files: EncoderFiles, folder: Path) -> EncoderFiles:
    """A copy of an encoder in `folder`, which an archive carries so that it can be asked without the exporter."""
    with published(folder) as draft:
        shutil.copyfile(files.onnx, draft / ONNX_FILE)
        (draft / CARD_FILE).write_text(files.card.to_json(), encoding="utf-8")
    return EncoderFiles.read(folder)
