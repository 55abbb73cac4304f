"""Query films of all folds in one table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from indexer.evaluation.cohort import Cohort, Column, numbered
from indexer.evaluation.ranking import Ints
from indexer.evaluation.scores import Reals, Scores
from indexer.evaluation.trial import MODEL, Answered, malignant_or_benign

PER_FILM = ("precision", "hit", "correct", "average_precision", "patients")
Floats = np.typing.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Figures:
    """What neighbours of one kind are worth, film by film: see `Scores`."""

    precision: Reals
    hit: Reals
    correct: Reals
    average_precision: Reals
    patients: Ints


@dataclass(frozen=True, eq=False)
class Pooled:
    """Every query film with what it met in its own fold's archive.

    queries: without vectors (each a single 1), as those of two folds may come of two encoders. fold: int64 (q,).
    truth: int64 (q,), places in `entities`. found: "model" and the baselines. Of the nearest patients, (q, most):
    label (places in `entities`, -1 if empty), similarity, neighbour (film ids, -1 if empty), malignant (see
    `trial.UNKNOWN`). predicted: object (q, K). majority: object (q,), the commonest entity of the fold's archive.
    prior: float64 (q, e), its share of patients of each entity.
    """

    queries: Cohort
    fold: Ints
    truth: Ints
    entities: list[str]
    found: dict[str, Figures]
    label: Ints
    similarity: Floats
    neighbour: Ints
    malignant: Ints
    predicted: Column
    majority: Column
    prior: Reals

    def __len__(self) -> int:
        return len(self.fold)

    def take(self, rows: Ints) -> "Pooled":
        """Some of the films."""
        arrays = ("fold", "truth", "label", "similarity", "neighbour", "malignant", "predicted", "majority", "prior")
        found = {
            name: Figures(*(getattr(figures, field)[rows] for field in PER_FILM))
            for name, figures in self.found.items()
        }
        chosen = {name: getattr(self, name)[rows] for name in arrays}
        return replace(self, queries=self.queries.take(rows), found=found, **chosen)

    @property
    def malignant_query(self) -> Ints:
        """int64 (q,): 1 malignant, 0 benign, -1 unknown or neither."""
        return malignant_or_benign(self.queries)


def pool(answers: Sequence[Answered]) -> Pooled:
    """The folds' films one after the other."""
    queries = joined([answer.trial.queries for answer in answers])
    names = np.concatenate([answer.neighbour_entity.ravel() for answer in answers])
    shape = (-1, answers[0].neighbour_entity.shape[1])
    known = np.array([name is not None for name in names], dtype=bool)
    entities, codes = numbered(np.concatenate([queries.entity, names[known]]))
    label = np.full(len(names), -1, dtype=np.int64)
    label[known] = codes[len(queries) :]
    counts = [len(answer.trial.queries) for answer in answers]
    return Pooled(
        queries,
        np.repeat(np.arange(len(answers)), counts),
        codes[: len(queries)],
        entities,
        {name: _figures([answer.found[name] for answer in answers]) for name in answers[0].found},
        label.reshape(shape),
        np.concatenate([answer.found[MODEL].similarity for answer in answers]),
        np.concatenate([answer.neighbour for answer in answers]),
        np.concatenate([answer.neighbour_malignant for answer in answers]),
        np.concatenate([answer.predicted for answer in answers]),
        np.repeat(np.array([answer.majority for answer in answers], dtype=object), counts),
        np.repeat([[answer.prior.get(name, 0.0) for name in entities] for answer in answers], counts, axis=0),
    )


def joined(cohorts: Sequence[Cohort]) -> Cohort:
    """Cohorts one after the other, without their vectors; of the extra columns those that all have."""
    bare = [replace(cohort, vectors=np.ones((len(cohort), 1), dtype=np.float32)) for cohort in cohorts]
    names = [field.name for field in fields(Cohort) if field.name != "extra"]
    shared = [name for name in bare[0].extra if all(name in cohort.extra for cohort in bare)]
    columns = {name: np.concatenate([getattr(cohort, name) for cohort in bare]) for name in names}
    extra = {name: np.concatenate([cohort.extra[name] for cohort in bare]) for name in shared}
    return Cohort(**columns, extra=extra)


def _figures(scores: Sequence[Scores]) -> Figures:
    return Figures(*(np.concatenate([getattr(one, name) for one in scores]) for name in PER_FILM))
