"""Runs an exported segmenter in OpenVINO; imports no torch.

As in `engine.encoders.runtime`, each film is run alone, on one core, by a network that its thread has to itself: the
same film gets the same region, whatever else is being proposed.
"""

import queue
from pathlib import Path

import numpy as np
import openvino as ov

from engine.encoders.network import compiled, trusted
from engine.encoders.patch import cut, normalise
from engine.encoders.runtime import DEFAULT_RUNTIME
from engine.errors import EncoderError
from engine.radiograph import Radiograph
from engine.region import Origin, Region, View
from engine.segmentation.card import SegmenterCard
from engine.segmentation.files import SegmenterFiles
from engine.segmentation.proposal import Map, confident, propose_box, to_film

RUNTIME = DEFAULT_RUNTIME


class Segmenter:
    """Proposes the region of a film. Thread-safe: as many networks are made as threads ask at the same time.

    Raises:
        EncoderError: a file that is not the one its card names, or one that OpenVINO cannot run.
    """

    def __init__(self, onnx: Path, card: SegmenterCard) -> None:
        self.card = card
        self._onnx = trusted(onnx, card.sha256, "train or index anew")
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        self.run(np.zeros((1, card.size, card.size), np.float32))

    @classmethod
    def open(cls, files: SegmenterFiles) -> "Segmenter":
        """The segmenter of files on disk."""
        return cls(files.onnx, files.card)

    @classmethod
    def load(cls, folder: Path) -> "Segmenter":
        """The segmenter in a folder (segmenter.onnx and segmenter.json)."""
        return cls.open(SegmenterFiles.read(folder))

    def probability(self, film: Radiograph) -> Map:
        """The probability of lesion on the film's square, float32 (size, size), 0..1."""
        picture = cut(film, Region.whole(film.shape), self.card.size, View.film)
        return self.run(normalise(picture, self.card.mean, self.card.std))

    def seek(self, film: Radiograph) -> Region | None:
        """The likeliest region with its confidence, however small that is; None where nothing is seen."""
        found = propose_box(self.probability(film), self.card.cut)
        if found.box is None:
            return None
        return to_film(found.box, self.card.size, film.shape, confident(found.score, self.card.calibration))

    def propose(self, film: Radiograph) -> Region:
        """The region to use: origin `segmented`, or the whole film where the confidence is under the threshold.

        Its confidence is that of the best proposal either way, 0.0 where nothing was seen at all.
        """
        found = self.seek(film)
        if found is not None and found.confidence is not None and found.confidence >= self.card.threshold:
            return found
        whole = Region.whole(film.shape)
        confidence = 0.0 if found is None else found.confidence
        return Region(*whole.box, Origin.whole, confidence)

    def run(self, patch: Map) -> Map:
        """The map of one normalised input, float32 (1, size, size) -> (size, size)."""
        if not np.isfinite(patch).all():
            raise EncoderError("a film has pixels that are no finite numbers; read it anew or leave it out")
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = _compile(self._onnx, self.card).create_infer_request()
        try:
            answer = request.infer([np.ascontiguousarray(patch)[np.newaxis]], share_inputs=True)
            return np.array(answer[0][0], np.float32)
        finally:
            self._idle.put(request)


def _compile(data: bytes, card: SegmenterCard) -> ov.CompiledModel:
    shape = len(card.mean), card.size, card.size
    network = compiled(data, card.runtime, shape, 1, f"the segmenter {card.name}", "train it anew")
    if list(network.output(0).shape) != [1, card.size, card.size]:
        raise EncoderError(f"the segmenter {card.name} answers with {network.output(0).shape}, not a map of its input")
    return network
