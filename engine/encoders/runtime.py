"""Runs an exported encoder in OpenVINO; imports neither torch nor timm.

Which runtime and precision: the fastest that stays within cosine 0.999 of torch and changes no neighbour that matters.
`benchmarks/runtime.py` measures it, docs/results.md shows it. bf16, OpenVINO's own choice where the processor has it,
is faster, but drifts and changes neighbours; so f32 is asked for by name, on every machine.

Each film is run alone, on one core, and as many films at a time as there are threads: a film's vector is then the
same, bit for bit, whatever else is embedded with it. Each thread has a network of its own, which works in that thread;
one network with as many streams would hand every film to another thread and back.

Embedding runs the network without its second output, the patches, which would cost it 1 to 2 %; `explain` compiles a
network with both at its first use. Their vectors agree to rounding, not always bit for bit: layers are fused otherwise.
"""

import os
import queue
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov

from engine.card import ModelCard
from engine.embeddings import Patch, Patches, Vectors
from engine.encoders.files import EncoderFiles
from engine.encoders.network import compiled, trusted
from engine.encoders.patch import cut, normalise
from engine.errors import EncoderError
from engine.facts import UNKNOWN, Facts
from engine.radiograph import Radiograph
from engine.region import Region

DEFAULT_RUNTIME = "openvino-f32"


class OnnxEmbedder:
    """An `Embedder` over an exported network.

    threads: films embedded at the same time, each on one core; None for every core this process may use.

    Raises:
        EncoderError: a file that is not the one its card names, or one that OpenVINO cannot run.
    """

    def __init__(self, onnx: Path, card: ModelCard, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise EncoderError(f"an encoder cannot run on {threads} threads; give 1 or more, or nothing for all cores")
        self._card = card
        self._threads = threads or usable_cores()
        self._onnx = trusted(onnx, card.sha256, "export or index anew")
        self._requests: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        self._requests.put(_compile(self._onnx, card).create_infer_request())
        self._made, self._making = 1, threading.Lock()
        self._explainer: ov.InferRequest | None = None
        self._explaining = threading.Lock()
        # The binding sets itself up at the first inference, and locks itself out where two threads come first.
        self._vector(np.ones(card.shape, np.float32))
        self._workers = ThreadPoolExecutor(self._threads, thread_name_prefix="encoder")

    @classmethod
    def open(cls, files: EncoderFiles, *, threads: int | None = None) -> "OnnxEmbedder":
        """The embedder of an encoder on disk."""
        return cls(files.onnx, files.card, threads=threads)

    @property
    def card(self) -> ModelCard:
        """Who makes the vectors."""
        return self._card

    @property
    def threads(self) -> int:
        """Films embedded at the same time."""
        return self._threads

    def prepare(self, film: Radiograph, region: Region) -> Patch:
        """The float32 input (`ModelCard.shape`) for a region, view after view; see `patch.cut`. Thread-safe.

        Raises:
            RegionError: a region that leaves its film.
        """
        card = self.card
        if len(card.views) == 1:
            return normalise(cut(film, region, card.size, card.views[0]), card.mean, card.std)
        views = [normalise(cut(film, region, card.size, view), card.mean, card.std) for view in card.views]
        return np.concatenate(views)

    def embed(self, patches: Sequence[Patch], facts: Sequence[Facts] | None = None) -> Vectors:
        """float32 (n, d) rows for n prepared patches, any n >= 0, in their order. Thread-safe.

        facts: what is known of each film's patient, for an encoder whose card has a code for them; None for nothing.

        Raises:
            EncoderError: patches of another shape or not finite, or a network that answers with zeros or not-a-number.
        """
        for patch in patches:
            self._check(patch)
        vectors = np.empty((len(patches), self.card.features), np.float32)
        # a film alone stays in the caller's thread: bulk indexing has threads of its own
        run = map if len(patches) == 1 else self._workers.map
        for row, vector in zip(vectors, run(self._vector, patches), strict=True):
            row[:] = vector
        return self._joined(vectors, facts)

    def _joined(self, vectors: Vectors, facts: Sequence[Facts] | None) -> Vectors:
        code = self.card.facts
        return vectors if code is None else code.join(vectors, facts or [UNKNOWN] * len(vectors))

    def explain(self, patch: Patch) -> tuple[Vectors, Patches]:
        """The vector of a prepared patch (float32 (d,), unit; `embed`'s to rounding) and its patches. Thread-safe.

        The patches are float32 (views, c, h, w): the last feature map of each view before it is pooled; cell (0, 0) is
        the top left of what the view sees.

        Raises:
            EncoderError: as `embed`, and for a network that was exported without patches.
        """
        self._check(patch)
        self._check_finite(patch)
        with self._explaining:
            if self._explainer is None:
                self._explainer = _with_patches(self._onnx, self.card).create_infer_request()
            answer = self._explainer.infer([np.ascontiguousarray(patch)[np.newaxis]], share_inputs=True)
        return self._unit(answer[0][0]).astype(np.float32), np.asarray(answer[1][0], np.float32)

    def _check(self, patch: Patch) -> None:
        shape = self.card.shape
        if patch.shape != shape or patch.dtype != np.float32:
            raise EncoderError(f"{self.card.name} takes float32 {shape} patches, not {patch.dtype} {patch.shape}")

    def _check_finite(self, patch: Patch) -> None:
        if not np.isfinite(patch).all():  # a clipping network would make a plausible vector of it
            raise EncoderError("a film has pixels that are no finite numbers; read it anew or leave it out")

    def _vector(self, patch: Patch) -> npt.NDArray[np.float64]:
        self._check_finite(patch)
        request = self._request()
        try:
            answer = request.infer([np.ascontiguousarray(patch)[np.newaxis]], share_inputs=True)
        finally:
            self._requests.put(request)
        return self._unit(answer[0][0])

    def _request(self) -> ov.InferRequest:
        """One that is idle; made where none is and fewer than `threads` are, since many callers need but one."""
        with self._making:
            if self._requests.empty() and self._made < self._threads:
                self._made += 1
                return _compile(self._onnx, self.card).create_infer_request()
        return self._requests.get()

    def _unit(self, features: Vectors) -> npt.NDArray[np.float64]:
        wide = features.astype(np.float64)
        length = float(np.linalg.norm(wide))
        if not (np.isfinite(length) and length > 0):
            raise EncoderError(f"{self.card.name} gave features of length {length}; its weights cannot be used")
        return wide / length


def usable_cores() -> int:
    """Cores this process may run on, which in a container may be fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _compile(data: bytes, card: ModelCard, *, patches: bool = False) -> ov.CompiledModel:
    """The network on one core. patches: whether it also gives those, where it can."""
    network = compiled(data, card.runtime, card.shape, 2 if patches else 1, card.name, "try `--encoder default`")
    if list(network.output(0).shape) != [1, card.features]:
        raise EncoderError(f"{card.name} answers with {network.output(0).shape}, its card says [1, {card.features}]")
    return network


def _with_patches(data: bytes, card: ModelCard) -> ov.CompiledModel:
    network = _compile(data, card, patches=True)
    if len(network.outputs) < 2 or network.output(1).partial_shape.rank.get_length() != 5:
        raise EncoderError(
            f"{card.name} was exported without patch features, so what it compares cannot be shown on a film; index "
            "anew with this version of caselink, and with an encoder whose features lie on a grid (`--encoder default`)"
        )
    return network
