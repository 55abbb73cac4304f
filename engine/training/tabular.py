"""What age, sex, site and position tell without any pixel: XGBoost (Hinterwimmer 2024, PLOS Digital Health).

Its figure stands beside every figure of an encoder: what films add is what they add to this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost

from engine.errors import TrainingError
from engine.facts import NO_LESION
from engine.folds import grouped_folds
from engine.training.attribution import Values, mean_size, mean_size_by_fact
from engine.training.films import TrainingFilm, TrainingSet
from engine.training.loss_settings import Weighting
from engine.training.losses import class_weights
from engine.training.metadata import Metadata

FOLDS = 5
ROUNDS = 100
BOOSTER = {"max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.8, "min_child_weight": 2.0}
DRAWS = 1000
NO_CLASS = (NO_LESION,)

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float32]

WITHHELD: dict[str, Callable[[TrainingFilm], TrainingFilm]] = {
    "age": lambda film: replace(film, age=None),
    "sex": lambda film: replace(film, sex=None),
    "site": lambda film: replace(film, site=()),
    "position": lambda film: replace(film, position=None),
    "everything": lambda film: replace(film, age=None, sex=None, site=(), position=None),
}
"""Films of which a fact, or all of them, is not told."""
UNTOLD = 0.2
"""Weight in a fit of each such copy of a film, beside 1 for the film itself: trees that were always told an age would
take its absence for an infant."""


@dataclass(frozen=True)
class Trees:
    """Boosted trees on metadata. entities: of the columns of what it answers, in order."""

    booster: xgboost.Booster
    metadata: Metadata
    entities: tuple[str, ...]

    @classmethod
    def fit(cls, films: TrainingSet, entities: Sequence[str], seed: int, weighting: Weighting = "effective") -> "Trees":
        """Trees of films that all have one of the entities; weighting: of entities, see `class_weights`."""
        metadata = Metadata.of(films)
        copies = [films.films, *([withhold(film) for film in films.films] for withhold in WITHHELD.values())]
        labels = _labels(films.films, entities)
        weights = class_weights(np.bincount(labels, minlength=len(entities)), weighting).numpy()[labels]
        told = xgboost.DMatrix(
            np.concatenate([metadata.encode(copy) for copy in copies]),
            np.tile(labels, len(copies)),
            weight=np.outer([1.0, *[UNTOLD] * len(WITHHELD)], weights).ravel(),
        )
        how = BOOSTER | {"objective": "multi:softprob", "num_class": len(entities), "seed": seed, "nthread": 1}
        return cls(xgboost.train(how, told, ROUNDS), metadata, tuple(entities))

    def shares(self, films: Sequence[TrainingFilm]) -> Rows:
        """Probability of each entity, float32 (n, e); any fact may be missing, and any word unknown."""
        return np.asarray(self.booster.predict(self._told(films)), np.float32)

    def shap(self, films: Sequence[TrainingFilm]) -> Values:
        """What each column adds to each entity's log-odds, float64 (n, e, m), by the trees' exact SHAP values."""
        found = self.booster.predict(self._told(films), pred_contribs=True, strict_shape=True)
        return np.asarray(found[:, :, :-1], np.float64)  # the last is what all films have in common

    def _told(self, films: Sequence[TrainingFilm]) -> xgboost.DMatrix:
        return xgboost.DMatrix(self.metadata.encode(films))


def reproduce_metadata(
    films: TrainingSet, seed: int, leave_out: Sequence[str] = NO_CLASS, weighting: Weighting = "effective"
) -> dict[str, Any]:
    """Figures of metadata alone, each film answered by trees that saw no film of its split group (`FOLDS` folds).

    films: their pictures are not looked at, cuts may be empty. leave_out: entities that are no class; films without an
    entity count for nothing. weighting: of entities while fitting. Returns, fit for JSON:
        films, patients, groups, folds, entities, seed, weighting
        accuracy, macro_recall, majority: each {value, low, high}, 95 % over split groups; majority is the accuracy of
            always saying the training folds' commonest entity
        recall: entity -> {value, n}
        confusion: int, a row a true entity and a column an answered one, in the order of `entities`
        withheld: fact -> {accuracy, macro_recall} where it is not told at query time; "everything" for none told
        shap: column -> mean absolute value; shap_by_fact: the same for age, sex, site, position

    Raises:
        TrainingError: films of fewer than two entities.
        QueryError: fewer split groups than folds.
    """
    chosen = _with_entity(films, leave_out)
    entities = tuple(sorted(set(chosen.column("entity"))))
    if len(entities) < 2:
        raise TrainingError(
            f"the films of {films.title} name {len(entities)} entities and a classifier needs two; add their records"
        )
    folded = _answers(chosen, entities, seed, weighting)
    labels = _labels(chosen.films, entities)
    groups = np.unique(chosen.column("group").astype(str), return_inverse=True)[1]
    scores = {
        "accuracy": _scored(labels, folded.told, groups, seed)["accuracy"],
        "macro_recall": _scored(labels, folded.told, groups, seed)["macro_recall"],
        "majority": _scored(labels, folded.majority, groups, seed)["accuracy"],
    }
    counts = {"films": len(chosen), "patients": len(set(chosen.column("patient"))), "groups": int(groups.max()) + 1}
    return (
        counts
        | {"folds": FOLDS, "entities": list(entities), "seed": seed, "weighting": weighting}
        | scores
        | {
            "recall": _recalls(labels, folded.told, entities),
            "confusion": _confusion(labels, folded.told, len(entities)).tolist(),
            "withheld": {fact: _plain(labels, answer) for fact, answer in folded.withheld.items()},
            "shap": folded.shap,
            "shap_by_fact": folded.shap_by_fact,
        }
    )


@dataclass(frozen=True)
class _Folded:
    """What films were answered by trees of the other folds, each int64 (n,); SHAP means over all films."""

    told: Ints
    majority: Ints
    withheld: dict[str, Ints]
    shap: dict[str, float]
    shap_by_fact: dict[str, float]


def _answers(films: TrainingSet, entities: Sequence[str], seed: int, weighting: Weighting) -> _Folded:
    fold = grouped_folds(films.column("group"), films.column("entity"), FOLDS, seed)
    labels = _labels(films.films, entities)
    told, majority = np.empty(len(films), np.int64), np.empty(len(films), np.int64)
    withheld = {fact: np.empty(len(films), np.int64) for fact in WITHHELD}
    columns, facts = _Mean(len(films)), _Mean(len(films))
    for number in range(FOLDS):
        asked = np.flatnonzero(fold == number)
        trees = Trees.fit(films.take(np.flatnonzero(fold != number)), entities, seed, weighting)
        queries = films.take(asked).films
        told[asked] = trees.shares(queries).argmax(axis=1)
        majority[asked] = np.bincount(labels[fold != number]).argmax()
        for fact, withhold in WITHHELD.items():
            withheld[fact][asked] = trees.shares([withhold(film) for film in queries]).argmax(axis=1)
        values = trees.shap(queries)
        columns.add(mean_size(values, trees.metadata.names), len(asked))
        facts.add(mean_size_by_fact(values, trees.metadata), len(asked))
    return _Folded(told, majority, withheld, columns.means(), facts.means())


class _Mean:
    """Means over folds whose vocabularies may differ, each film counting once."""

    def __init__(self, films: int) -> None:
        self.films, self.sums = films, dict[str, float]()

    def add(self, means: dict[str, float], films: int) -> None:
        for name, mean in means.items():
            self.sums[name] = self.sums.get(name, 0.0) + mean * films

    def means(self) -> dict[str, float]:
        """Largest first."""
        return {name: self.sums[name] / self.films for name in sorted(self.sums, key=lambda name: -self.sums[name])}


def _with_entity(films: TrainingSet, leave_out: Sequence[str]) -> TrainingSet:
    known = [film.entity is not None and film.entity not in leave_out for film in films.films]
    return films.take(np.flatnonzero(known))


def _labels(films: Sequence[TrainingFilm], entities: Sequence[str]) -> Ints:
    places = {entity: place for place, entity in enumerate(entities)}
    return np.array([places[str(film.entity)] for film in films], dtype=np.int64)


def _confusion(labels: Ints, answers: Ints, entities: int) -> Ints:
    table = np.zeros((entities, entities), np.int64)
    np.add.at(table, (labels, answers), 1)
    return table


def _recalls(labels: Ints, answers: Ints, entities: Sequence[str]) -> dict[str, dict[str, float]]:
    table = _confusion(labels, answers, len(entities))
    return {
        entity: {"value": float(table[place, place] / table[place].sum()), "n": int(table[place].sum())}
        for place, entity in enumerate(entities)
    }


def _plain(labels: Ints, answers: Ints) -> dict[str, float]:
    table = _confusion(labels, answers, int(labels.max()) + 1)
    return {
        "accuracy": float((labels == answers).mean()),
        "macro_recall": float((table.diagonal() / table.sum(axis=1)).mean()),
    }


def _scored(labels: Ints, answers: Ints, groups: Ints, seed: int) -> dict[str, dict[str, float]]:
    """Accuracy and macro recall with 95 % intervals, whole groups drawn with replacement."""
    shape = int(groups.max()) + 1, int(labels.max()) + 1
    seen, right = np.zeros(shape), np.zeros(shape)
    np.add.at(seen, (groups, labels), 1)
    np.add.at(right, (groups, labels), labels == answers)
    times = np.random.default_rng(seed).multinomial(shape[0], np.full(shape[0], 1 / shape[0]), DRAWS)
    seen, right = times @ seen, times @ right
    drawn = {
        "accuracy": right.sum(axis=1) / seen.sum(axis=1),
        # an entity that no drawn group has does not count in that draw
        "macro_recall": np.divide(right, seen, out=np.zeros_like(right), where=seen > 0).sum(1) / (seen > 0).sum(1),
    }
    points = _plain(labels, answers)
    ends = {name: np.quantile(values, [0.025, 0.975]) for name, values in drawn.items()}
    return {name: {"value": points[name], "low": float(low), "high": float(high)} for name, (low, high) in ends.items()}
