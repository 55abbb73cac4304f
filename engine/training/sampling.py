"""Which films a batch holds, so that neither a common entity nor a patient with many films drowns the others.

Both samplers yield whole batches of rows, and draw each epoch from (seed, epoch): a resumed fit sees what it would
have seen. Give them as `DataLoader(films, sampler=sampler, batch_size=None)`, so that Lightning finds `set_epoch`
and a data set gets the rows of a batch at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

Labels = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Rows = list[int]


def film_weights(labels: Labels, patients: Sequence[str], balance: float = 0.5, damping: float = 0.5) -> Weights:
    """How often each film is to be seen, float64 (n,), sum 1.

    labels: entity of each film, int64 (n,), 0..e-1. A film weighs (films of its patient)^-damping x (films of its
    entity)^-balance: at 1 every patient, or every entity, counts alike; at 0 every film does.
    """
    _check(labels, patients)
    patient = _codes(patients)
    weights = np.bincount(patient)[patient] ** -float(damping) * np.bincount(labels)[labels] ** -float(balance)
    return np.asarray(weights / weights.sum(), np.float64)


class Batches(Sampler[Rows], ABC):
    """Batches of one epoch after the other. Of several processes, each takes every `world`-th batch."""

    def __init__(self, films: int, batch: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.batch, self.seed, self.epoch, self.rank, self.world = batch, seed, 0, rank, world
        self.count = max(1, films // batch // world)

    def __len__(self) -> int:
        return self.count

    def set_epoch(self, epoch: int) -> None:
        """The epoch that the next pass draws; passes count on by themselves."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Rows]:
        rng = np.random.default_rng((self.seed, self.epoch))
        self.epoch += 1
        yield from islice(self.draw(rng), self.rank, self.count * self.world, self.world)

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Iterator[Rows]:
        """Batches without end."""


class WeightedBatches(Batches):
    """Films drawn by their weights, with replacement; about as many in an epoch as there are films."""

    def __init__(self, weights: Weights, batch: int, seed: int, rank: int = 0, world: int = 1) -> None:
        """weights: float64 (n,), at or above zero (`film_weights`)."""
        super().__init__(len(weights), batch, seed, rank, world)
        self.weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator) -> Iterator[Rows]:
        """Batches without end."""
        while True:
            yield rng.choice(len(self.weights), size=self.batch, p=self.weights).tolist()


class PKBatches(Batches):
    """P entities with K films each, of K patients where the entity has so many.

    Entities, and patients within them, take turns at the rate of their films' summed weights, so that an epoch passes
    over nearly all patients and none waits long (stride scheduling, Waldspurger & Weihl 1994); a patient's films come
    in a shuffled round. Where an entity has fewer than K films, films repeat: augmentation makes pairs of them. With
    fewer than P entities a batch holds them all, and is smaller.
    """

    def __init__(
        self,
        labels: Labels,
        patients: Sequence[str],
        weights: Weights,
        p: int,
        k: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """labels: int64 (n,). weights: float64 (n,), above zero (`film_weights`)."""
        _check(labels, patients)
        self.p, self.k = min(p, len(np.unique(labels))), k
        super().__init__(len(labels), self.p * k, seed, rank, world)
        self.labels, self.patients, self.weights = labels, _codes(patients), weights

    def draw(self, rng: np.random.Generator) -> Iterator[Rows]:
        """Batches without end."""
        names = np.unique(self.labels)
        entities = [_Entity(np.flatnonzero(self.labels == name), self, rng) for name in names]
        turns = _Turns([self.weights[self.labels == name].sum() for name in names], rng)
        while True:
            yield [row for entity in turns.take(self.p) for row in entities[entity].take(self.k)]


class _Turns:
    """Who is next, when each is to come at its rate: the one whose time is up first."""

    def __init__(self, rates: Sequence[float], rng: np.random.Generator) -> None:
        self.pause, self.rng = 1 / np.asarray(rates), rng
        self.due = self.pause * rng.random(len(rates))

    def take(self, count: int) -> list[int]:
        """Up to `count` different ones."""
        chosen = np.argsort(self.due, kind="stable")[:count]
        self.due[chosen] += self.pause[chosen] * self.rng.uniform(0.5, 1.5, len(chosen))
        return [int(one) for one in chosen]


class _Entity:
    """The films of one entity, patient after patient."""

    def __init__(self, rows: npt.NDArray[np.int64], of: PKBatches, rng: np.random.Generator) -> None:
        names = np.unique(of.patients[rows])
        self.films = [rng.permutation(rows[of.patients[rows] == name]).tolist() for name in names]
        self.turns = _Turns([of.weights[films].sum() for films in self.films], rng)

    def take(self, count: int) -> Rows:
        """`count` films of as many patients as there are, and none twice before all were taken."""
        taken: Rows = []
        while len(taken) < count:
            for patient in self.turns.take(count - len(taken)):
                taken.append(self._next(patient, taken))
        return taken

    def _next(self, patient: int, taken: Rows) -> int:
        """The patient's next film; another patient's where this one's were all taken and others are left."""
        left = [film for film in self.films[patient] if film not in taken]
        if not left:
            left = [film for films in self.films for film in films if film not in taken] or self.films[patient]
        film: int = left[0]
        owner = next(films for films in self.films if film in films)
        owner.remove(film)
        owner.append(film)
        return film


def _codes(names: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def _check(labels: Labels, patients: Sequence[str]) -> None:
    if len(labels) != len(patients) or not len(labels) or labels.min() < 0:
        raise ValueError(
            f"{len(labels)} labels from {labels.min() if len(labels) else 0} and {len(patients)} patients; give each "
            "film one of both, entities counted from 0, and leave films without an entity out"
        )
