"""What speaks for an entity: class activation maps of a linear classifier on pooled patches."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from engine.embeddings import Patches, Vectors
from engine.errors import EncoderError, QueryError
from engine.explain.match import Floats, Map, activation, pooled

WEIGHTS, NAMES = "classifier.safetensors", "classifier.json"
POOLING_COSINE = 0.999
"""From here on an embedding counts as its pooled patches, so that its parts belong to places."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """Logits = weight @ pooled + bias. weight: float32 (entities, views x c). bias: float32 (entities,)."""

    weight: Vectors
    bias: Vectors
    entities: tuple[str, ...]

    def __post_init__(self) -> None:
        if (
            self.weight.ndim != 2
            or self.weight.shape[0] != len(self.entities)
            or self.bias.shape != self.weight.shape[:1]
        ):
            raise EncoderError(
                f"a classifier of {len(self.entities)} entities needs as many rows of weights and biases, not "
                f"{self.weight.shape} and {self.bias.shape}; train or index anew"
            )

    @classmethod
    def read(cls, folder: Path) -> "Classifier | None":
        """The classifier beside an encoder; None where it has none.

        Raises:
            EncoderError: files that are no classifier.
        """
        if not (folder / WEIGHTS).is_file():
            return None
        try:
            tensors = load_file(folder / WEIGHTS)
            names = json.loads((folder / NAMES).read_text(encoding="utf-8"))["entities"]
            return cls(tensors["weight"], tensors["bias"], tuple(names))
        except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
            raise EncoderError(f"the classifier in {folder} cannot be read ({error}); train or index anew") from error

    def logits(self, patches: Patches) -> Floats:
        """Float64 (entities,) of one film's patches (views, c, h, w)."""
        return np.asarray(self.weight @ self._pooled(patches).ravel() + self.bias, np.float64)

    def activation(self, patches: Patches, entity: str) -> Map:
        """What each cell adds to an entity's logit, (views, h, w); with the bias they sum to it (Zhou 2016, CVPR).

        For a linear classifier on the mean over places this is Grad-CAM (Selvaraju 2017, ICCV) times the number
        of cells, before its ReLU: the gradient is the weight.

        Raises:
            QueryError: an entity that it does not know. EncoderError: patches of another network.
        """
        if entity not in self.entities:
            known = ", ".join(self.entities)
            raise QueryError(f"the classifier knows no {entity!r}; choose {known}")
        mean = self._pooled(patches)
        return activation(patches, self.weight[self.entities.index(entity)].reshape(mean.shape).astype(np.float64))

    def _pooled(self, patches: Patches) -> Floats:
        mean = pooled(patches)
        if mean.size != self.weight.shape[1]:
            raise EncoderError(
                f"the classifier takes {self.weight.shape[1]} pooled features, the encoder gives {mean.size}; "
                "take both from one run"
            )
        return mean


def vote_activation(patches: Patches, vector: Vectors, neighbours: Vectors) -> Map | None:
    """What each cell adds to the cosine with the mean direction of neighbours, (views, h, w); None where unknown.

    For encoders without a classifier. vector: (d,), the film's own embedding. neighbours: float32 (n, d), n >= 1, of
    the neighbours who had the entity. It is known where the embedding is the film's pooled patches.
    """
    mean = pooled(patches)
    length = float(np.linalg.norm(mean))
    if mean.size != vector.size or length == 0 or float(mean.ravel() @ vector) / length < POOLING_COSINE:
        return None
    direction = neighbours.mean(axis=0, dtype=np.float64)
    return activation(patches, (direction / (np.linalg.norm(direction) * length)).reshape(mean.shape))
