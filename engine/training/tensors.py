"""A training set as tensors, for the loop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.training.films import TrainingSet
from engine.training.metadata import Metadata


@dataclass(frozen=True, eq=False)
class Tensors:
    """cuts: uint8 (n, views, side, side). labels: int64 (n,), -1 where the entity is no class. facts: float32 (n, m) of
    metadata, or None. patients: of each film. size: side that the network sees. loose: uint8 (n, boxes, side, side),
    the view `region` of loosened boxes; None where they were not cut.
    """

    cuts: Tensor
    labels: Tensor
    facts: Tensor | None
    patients: tuple[str, ...]
    size: int
    loose: Tensor | None = None

    @classmethod
    def of(cls, films: TrainingSet, entities: Sequence[str], metadata: Metadata | None) -> "Tensors":
        """The films of a set; entities: the classes, in order."""
        codes = {entity: code for code, entity in enumerate(entities)}
        labels = [-1 if film.entity is None else codes.get(film.entity, -1) for film in films.films]
        return cls(
            torch.from_numpy(np.stack([film.cuts for film in films.films])),
            torch.tensor(labels, dtype=torch.int64),
            None if metadata is None else torch.from_numpy(metadata.encode(films.films)),
            tuple(film.patient for film in films.films),
            films.size,
            _loose(films),
        )

    def to(self, device: torch.device) -> "Tensors":
        """The same on another device."""
        facts = None if self.facts is None else self.facts.to(device)
        loose = None if self.loose is None else self.loose.to(device)
        return Tensors(self.cuts.to(device), self.labels.to(device), facts, self.patients, self.size, loose)

    def take(self, rows: npt.NDArray[np.int64]) -> "Tensors":
        """The films at these rows."""
        chosen = torch.from_numpy(rows).to(self.labels.device)
        facts = None if self.facts is None else self.facts[chosen]
        patients = tuple(self.patients[int(row)] for row in rows)
        loose = None if self.loose is None else self.loose[chosen]
        return Tensors(self.cuts[chosen], self.labels[chosen], facts, patients, self.size, loose)


def _loose(films: TrainingSet) -> Tensor | None:
    boxes = [film.loose for film in films.films if film.loose is not None]
    return torch.from_numpy(np.stack(boxes)) if boxes and len(boxes) == len(films) else None
