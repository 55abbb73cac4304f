"""A segmenter on disk: segmenter.onnx and segmenter.json, in a run's folder or beside an archive's encoder."""

import json
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EncoderError
from engine.segmentation.card import SegmenterCard

SEGMENTER_ONNX = "segmenter.onnx"
SEGMENTER_CARD = "segmenter.json"


@dataclass(frozen=True)
class SegmenterFiles:
    """The network and who it is."""

    onnx: Path
    card: SegmenterCard

    @classmethod
    def read(cls, folder: Path) -> "SegmenterFiles":
        """The segmenter in `folder`. Only the card is read; `Segmenter` checks the network against it.

        Raises:
            EncoderError: where one of the two files is missing or the card cannot be understood.
        """
        onnx, card = folder / SEGMENTER_ONNX, folder / SEGMENTER_CARD
        for file in (onnx, card):
            if not file.is_file():
                raise EncoderError(
                    f"{folder.name} holds no {file.name}, so no segmenter; train one with a recipe that has "
                    "(`caselink train default` or `caselink train segment-unet`), or use --roi whole or mask"
                )
        try:
            return cls(onnx, SegmenterCard.from_json(card.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise EncoderError(f"{card.name} is not a segmenter's card ({error}); train or index anew") from error


def has_segmenter(folder: Path) -> bool:
    """Whether both files of a segmenter lie in `folder`."""
    return (folder / SEGMENTER_ONNX).is_file() and (folder / SEGMENTER_CARD).is_file()
