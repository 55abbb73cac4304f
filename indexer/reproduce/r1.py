"""R1 (Hinterwimmer 2024, "A link to the past", Eur Radiol): the similar-case recommender against two classifiers.

Three shuffled stratified 80/20 splits by patient. On each, the first baseline's network (so the paper) or any recipe's
gives features of the lesion crops; the nearest films by hashed signatures vote. The paper's film votes and one vote a
patient, and exact search, stand side by side, with the floors beneath: an untrained encoder, age, sex and site alone,
and always the commonest entity.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.errors import EncoderError, TrainingError
from engine.training.films import TrainingSet
from engine.training.looks import Look, fit_and_look, untrained
from engine.training.members import Tell
from engine.training.recipe import Recipe
from engine.training.tabular import Trees
from indexer.evaluation import KS
from indexer.evaluation.cohort import Cohort
from indexer.indexes.signatures import BITS, kept
from indexer.reproduce.gallery import Example, chosen, picture
from indexer.reproduce.neighbours import MEASURES, Figures, Search, Votes, neighbours, neighbours_by_metadata
from indexer.reproduce.scores import Answers, Names, Spread, answers, commonest, spreads
from indexer.reproduce.splits import Split, sides
from indexer.validation import cohort_of

UNTRAINED, METADATA = "untrained ImageNet encoder", "age, sex, site only"
TREES, COMMONEST = "age, sex, site only: XGBoost", "always the commonest entity"
SHOWN_K = 3
"""Neighbours in a gallery, and the k at which votes are tested against classifiers: the paper's, fixed beforehand."""


@dataclass(frozen=True, eq=False)
class Model:
    """A recipe, the films as it sees them, and what to call it."""

    name: str
    recipe: Recipe
    films: TrainingSet


@dataclass(eq=False)
class Measured:
    """Figures of each split so far. votes: by who votes on what. classifiers: by name; those that could not be fitted
    are in `failed`, with the reason. kept: share of the exact ten nearest that the hash keeps. truth: object (q,),
    entities of the films asked; voted: object (q, K), what each way to vote says.
    """

    ks: tuple[int, ...]
    votes: dict[str, list[Figures]] = field(default_factory=dict)
    classifiers: dict[str, list[Answers]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    kept: list[float] = field(default_factory=list)
    truth: list[Names] = field(default_factory=list)
    voted: dict[str, list[Names]] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)

    def vote(self, who: str, measure: str) -> list[Spread]:
        """A spread for each k."""
        rows = [figures[measure] for figures in self.votes[who]]
        return [Spread(tuple(row[column] for row in rows)) for column in range(len(self.ks))]

    def classifier(self, name: str) -> dict[str, Spread]:
        """Accuracy, macro precision and macro recall."""
        return spreads(self.classifiers[name])

    def recalls(self, who: str, k: int) -> dict[str, tuple[int, float]]:
        """Entity -> films asked in all splits, and the share of them that the vote of k names."""
        truth = np.concatenate(self.truth)
        right = truth == np.concatenate([voted[:, self.ks.index(k)] for voted in self.voted[who]])
        return {
            str(name): (int((truth == name).sum()), float(right[truth == name].mean())) for name in sorted({*truth})
        }

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "recall_by_entity": {
                who: {
                    str(k): {name: {"films": n, "value": share} for name, (n, share) in self.recalls(who, k).items()}
                    for k in self.ks
                }
                for who in self.voted
            },
            "ks": list(self.ks),
            "neighbours": {
                who: {
                    measure: {str(k): one.to_dict() for k, one in zip(self.ks, self.vote(who, measure), strict=True)}
                    for measure in MEASURES
                }
                for who in self.votes
            },
            "classifiers": {
                name: {measure: one.to_dict() for measure, one in self.classifier(name).items()}
                for name in self.classifiers
            },
            NOT_RUN_KEY: dict(self.failed),
            "exact_ten_kept_by_hash": Spread(tuple(self.kept)).to_dict() if self.kept else None,
        }


NOT_RUN_KEY = "not_run"


def way(votes: Votes, search: Search) -> str:
    """What a row of the table is called."""
    return f"{votes}, {search}"


def measure(
    features: Model,
    baselines: Sequence[Model],
    splits: Sequence[Split],
    seed: int,
    *,
    ks: Sequence[int] = KS,
    bits: int = BITS,
    tell: Tell | None = None,
    say: Callable[[str], None] | None = None,
) -> Measured:
    """Fit and ask on every split. features: whose embedding is hashed; where a baseline has its recipe, one fit serves.

    A baseline whose start weights cannot be had is told in `failed`.

    Raises:
        EncoderError, TrainingError: where the features themselves cannot be had.
    """
    found = Measured(tuple(ks))
    for number, split in enumerate(splits):
        if say is not None:
            say(f"split {number + 1} of {len(splits)}: {len(split.taught)} films teach, {len(split.asked)} ask")
        name = f"split {number + 1},"
        look = _fitted(features, split, seed + number, name, tell)
        cohorts = [
            cohort_of(side, vectors, rows)
            for side, vectors, rows in zip(
                sides(features.films, split), (look.near, look.far), (split.taught, split.asked), strict=True
            )
        ]
        nearest = _by_features(found, cohorts[0], cohorts[1], bits)
        _floors(found, features, split, cohorts, seed + number)
        for model in baselines:
            own = look if model.recipe is features.recipe else None
            _classified(found, model, split, seed + number, name, tell, own)
        if number == 0:
            found.pictures |= _galleries(features.films, split, nearest, seed)
    return found


def _fitted(model: Model, split: Split, seed: int, name: str, tell: Tell | None) -> Look:
    taught, asked = sides(model.films, split)
    return fit_and_look(taught, asked, model.recipe, seed, name=f"{name} {model.name}", tell=tell)


def _by_features(found: Measured, archive: Cohort, queries: Cohort, bits: int) -> np.typing.NDArray[np.int64]:
    """Every way to vote; returns the nearest films of each query by the paper's."""
    nearest = np.empty((len(queries), 0), np.int64)
    for votes in Votes:
        for search in (Search.hash, Search.exact):
            one = neighbours(archive, queries, found.ks, votes, search, bits)
            found.votes.setdefault(way(votes, search), []).append(one.figures)
            found.voted.setdefault(way(votes, search), []).append(one.voted)
            if (votes, search) == (Votes.films, Search.hash):
                nearest = one.film
    found.truth.append(queries.entity)
    found.kept.append(kept(queries.vectors, archive.vectors, bits=bits))
    return nearest


def _floors(found: Measured, model: Model, split: Split, cohorts: Sequence[Cohort], seed: int) -> None:
    """What must be beaten: the same crops by an encoder that nobody trained, records alone, and no look at all."""
    taught, asked = sides(model.films, split)
    vectors = untrained(model.films, model.recipe)
    archive, queries = cohort_of(taught, vectors[split.taught]), cohort_of(asked, vectors[split.asked])
    for votes in Votes:
        plain = neighbours(archive, queries, found.ks, votes, Search.exact).figures
        found.votes.setdefault(f"{UNTRAINED}, {votes}", []).append(plain)
    for votes in Votes:
        told = neighbours_by_metadata(cohorts[0], cohorts[1], found.ks, votes, seed)
        found.votes.setdefault(f"{METADATA}, {votes}", []).append(told)
    for name, answered in floors(taught, asked, seed).items():
        found.classifiers.setdefault(name, []).append(answers(asked.column("entity"), answered))


def floors(taught: TrainingSet, asked: TrainingSet, seed: int) -> dict[str, Names]:
    """Answers that look at no pixel, object (n,) each: trees on the records, and always the commonest entity."""
    entities = sorted(set(taught.column("entity")))
    shares = Trees.fit(taught, entities, seed).shares(asked.films)
    always = np.full(len(asked), commonest(taught.column("entity")), dtype=object)
    return {TREES: np.array(entities, dtype=object)[shares.argmax(axis=1)], COMMONEST: always}


def _classified(
    found: Measured, model: Model, split: Split, seed: int, name: str, tell: Tell | None, own: Look | None
) -> None:
    if model.name in found.failed:
        return
    try:
        look = own or _fitted(model, split, seed, name, tell)
    except (EncoderError, TrainingError) as error:  # weights that only a hub has, or too little to learn from
        found.failed[model.name] = str(error)
        return
    truth = model.films.take(split.asked).column("entity")
    found.classifiers.setdefault(model.name, []).append(answers(truth, look.asked))


def _galleries(films: TrainingSet, split: Split, nearest: np.typing.NDArray[np.int64], seed: int) -> dict[str, bytes]:
    """A picture for a query of each entity, with its nearest films by the paper's way."""
    shown = {}
    for number, row in enumerate(chosen(films.take(split.asked).column("entity"), seed), start=1):
        near = [films.films[int(film)] for film in nearest[row, :SHOWN_K] if film >= 0]
        example = Example.of(films.films[int(split.asked[row])], near, films)
        shown[f"r1-gallery-{number:02}.png"] = picture(example)
    return shown
