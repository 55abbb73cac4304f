"""Cross-validation of a recipe: each fold's patients ask films that an encoder, fitted without them, has embedded.

Beside it stands the floor: the same folds embedded by an encoder that nobody trained on such films.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.embeddings import Embedder, Vectors
from engine.encoders.patch import normalise
from engine.errors import QueryError
from engine.training.films import TrainingSet
from engine.training.fit import labelled
from engine.training.inference import as_served, embed_films
from engine.training.known import facts_code, with_facts
from engine.training.members import Tell, fit_recipe
from engine.training.recipe import Recipe
from engine.training.tensors import Tensors
from indexer.evaluation import Cohort, Fold, cross_validation, leave_out

Pair = tuple[Cohort, Cohort]
"""Archive and queries of a fold."""


@dataclass(frozen=True, eq=False)
class Partition:
    """How films are set against each other. films: those with an entity that the recipe learns. cohort: what is known
    of them, vectors still empty. names, folds: of each fold.
    """

    films: TrainingSet
    cohort: Cohort
    folds: tuple[Fold, ...]
    by: str

    @classmethod
    def grouped(cls, films: TrainingSet, recipe: Recipe, n: int, seed: int) -> "Partition":
        """n folds of whole split groups, entities in equal shares."""
        usable, _ = labelled(films, recipe)
        cohort = cohort_of(usable, _nothing(len(usable)))
        return cls(usable, cohort, tuple(cross_validation(cohort, n, seed)), "grouped")

    @classmethod
    def by_centre(cls, films: TrainingSet, recipe: Recipe, asks: Sequence[str] = ()) -> "Partition":
        """Each centre, or each of those named, asks all others.

        Raises:
            QueryError: a single centre, or one that is not there.
        """
        usable, _ = labelled(films, recipe)
        cohort = cohort_of(usable, _nothing(len(usable)))
        folds = {fold.name.removeprefix("centre="): fold for fold in leave_out(cohort, "centre")}
        strange = sorted(set(asks) - set(folds))
        if strange:
            raise QueryError(f"no film comes from centre {strange[0]!r}; name some of {', '.join(folds)}")
        return cls(usable, cohort, tuple(folds[name] for name in asks or folds), "centre")

    def of(self, vectors: Sequence[tuple[Vectors, Vectors]]) -> list[Pair]:
        """Archive and queries of each fold with their vectors, as one encoder per fold made them."""
        return [
            (
                cohort_of(self.films.take(fold.archive), near, fold.archive),
                cohort_of(self.films.take(fold.queries), far, fold.queries),
            )
            for fold, (near, far) in zip(self.folds, vectors, strict=True)
        ]

    def untrained(self, vectors: Vectors) -> list[Pair]:
        """Archive and queries of each fold, embedded by one encoder for all; vectors: (n, d), of `films` in order."""
        return self.of([(vectors[fold.archive], vectors[fold.queries]) for fold in self.folds])


def fitted(
    partition: Partition,
    recipe: Recipe,
    seed: int,
    *,
    checkpoints: Path | None = None,
    resume: bool = False,
    tell: Tell | None = None,
) -> list[Pair]:
    """The folds as encoders see them that were fitted, one per fold, on the fold's archive alone."""
    found = []
    for number, fold in enumerate(partition.folds, start=1):
        near, far = partition.films.take(fold.archive), partition.films.take(fold.queries)
        folder = None if checkpoints is None else checkpoints / f"fold{number}"
        name = f"fold {number} of {len(partition.folds)},"
        made = fit_recipe(near, recipe, seed, name=name, checkpoints=folder, resume=resume, tell=tell)
        code = facts_code(near, recipe)
        first, second = (
            with_facts(embed_films(made.network, Tensors.of(part, made.entities, made.metadata)).vectors, part, code)
            for part in (near, far)
        )
        found.append((first, second))
    return partition.of(found)


def embedded(films: TrainingSet, embedder: Embedder) -> Vectors:
    """float32 (n, d): what an encoder of three equal channels and one view makes of a training set's films.

    Raises:
        QueryError: films that were cut for another size or other views than the encoder's.
    """
    card = embedder.card
    if films.views != card.views or films.size != card.size:
        raise QueryError(
            f"the films were cut for {[*films.views]} at {films.size} pixels, {card.name} sees {[*card.views]} at "
            f"{card.size}; cut them for it"
        )
    pictures = (as_served(film.cuts, films.size) for film in films.films)
    patches = (np.concatenate([normalise(view, card.mean, card.std) for view in views]) for views in pictures)
    return np.concatenate([embedder.embed([patch]) for patch in patches])


def cohort_of(films: TrainingSet, vectors: Vectors, ids: npt.NDArray[np.int64] | None = None) -> Cohort:
    """The films as an evaluation takes them; ids: of each, None = their places in the set."""
    return Cohort(
        vectors=vectors,
        film=np.arange(len(films)) if ids is None else ids,
        patient=films.column("patient"),
        group=films.column("group"),
        entity=films.column("entity"),
        age=np.array([np.nan if film.age is None else film.age for film in films.films], dtype=np.float64),
        sex=films.column("sex"),
        site=np.array([";".join(film.site) for film in films.films], dtype=object),
        centre=films.column("centre"),
        view=np.full(len(films), None, dtype=object),
        region=np.array([film.origin.value for film in films.films], dtype=object),
        extra={"malignancy": films.column("malignancy"), "sha256": films.column("sha256")},
    )


def _nothing(n: int) -> Vectors:
    return np.ones((n, 1), np.float32)
