"""R7 (Hinterwimmer 2024, PLOS Digital Health): metadata alone, image alone, both joined, and five summed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import TrainingError
from engine.training.attribution import mean_size, mean_size_by_fact
from engine.training.films import TrainingSet
from engine.training.looks import member_logits, members_shap, untrained
from engine.training.members import Tell, fit_recipe
from engine.training.recipe import Recipe
from engine.training.tabular import Trees
from indexer.evaluation.bootstrap import Clusters
from indexer.reproduce import published
from indexer.reproduce.neighbours import Search, Votes, neighbours
from indexer.reproduce.r1 import COMMONEST
from indexer.reproduce.r2 import FLOOR, VOTE_K
from indexer.reproduce.report import Table
from indexer.reproduce.scores import Ints, Names, answers, commonest, confusion, spreads
from indexer.reproduce.splits import Split, sides
from indexer.validation import cohort_of

METADATA, IMAGE, FUSED = "metadata only: XGBoost", "image only", "image and metadata fused"
IMAGES, ENSEMBLE = "image only: ensemble, logits summed", "fused: ensemble, logits summed"
PRINTED = {METADATA: "metadata", IMAGE: "image", FUSED: "fused", ENSEMBLE: "ensemble"}
DRAWS = 1000


@dataclass(frozen=True, eq=False)
class Compared:
    """truth: object (n,), entities of the films asked. answered: by model one row a member, object (members, n).
    clusters: of those films. shap, shap_by_fact: mean absolute SHAP by column and by fact, of "network" and "trees".
    """

    truth: Names
    answered: Mapping[str, npt.NDArray[np.object_]]
    clusters: Clusters
    shap: Mapping[str, Mapping[str, float]]
    shap_by_fact: Mapping[str, Mapping[str, float]]

    @property
    def entities(self) -> tuple[str, ...]:
        """All that are asked about or answered by the ensemble."""
        return tuple(sorted({*self.truth, *self.answered[ENSEMBLE][0]}))

    @property
    def confusion(self) -> Ints:
        """Of the fused ensemble; see `scores.confusion`."""
        return confusion(self.truth, self.answered[ENSEMBLE][0], self.entities)

    def interval(self, name: str) -> tuple[float | None, float | None]:
        """95 % of the accuracy over split groups, the members' mean."""
        right = (self.answered[name] == self.truth).mean(axis=0)
        estimate = self.clusters.mean(right[:, None])[0]
        return estimate.low, estimate.high

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        models = {}
        for name, rows in self.answered.items():
            low, high = self.interval(name)
            scored = spreads([answers(self.truth, row) for row in rows])
            models[name] = {measure: one.to_dict() for measure, one in scored.items()} | {"low": low, "high": high}
        return {
            "models": models,
            "entities": list(self.entities),
            "confusion": self.confusion.tolist(),
            "shap": {name: dict(values) for name, values in self.shap.items()},
            "shap_by_fact": {name: dict(values) for name, values in self.shap_by_fact.items()},
        }


def compare(
    films: TrainingSet,
    recipe: Recipe,
    split: Split,
    seed: int,
    *,
    tell: Tell | None = None,
    say: Callable[[str], None] | None = None,
) -> Compared:
    """Fit every model on the split's films, each network five times without another fifth, and ask about the others.

    recipe: one with metadata fused and an ensemble; image alone is the same without metadata.

    Raises:
        EncoderError: start weights that cannot be had. TrainingError: too little to learn from.
    """
    if recipe.metadata != "fused":
        raise TrainingError(f"recipe {recipe.name} joins no metadata; name one that says metadata = 'fused'")
    taught, asked = sides(films, split)
    truth = asked.column("entity")
    answered: dict[str, npt.NDArray[np.object_]] = {}
    tellers = {IMAGE: (IMAGES, recipe.model_copy(update={"metadata": "none"})), FUSED: (ENSEMBLE, recipe)}
    entities = sorted(set(taught.column("entity")))
    trees = Trees.fit(taught, entities, seed)
    answered[METADATA] = _named(trees.shares(asked.films)[None], entities)
    for name, (summed, one) in tellers.items():
        if say is not None:
            say(f"{name}: {one.folds} networks")
        fitted = fit_recipe(taught, one, seed, name=f"{name},", tell=tell)
        logits = member_logits(fitted, asked)
        answered[name] = _named(logits, fitted.entities)
        answered[summed] = _named(logits.sum(axis=0, keepdims=True), fitted.entities)
    answered[FLOOR] = _floor(films, recipe, split)[None]
    answered[COMMONEST] = np.full((1, len(asked)), commonest(taught.column("entity")), dtype=object)
    shap = {"network": members_shap(fitted, taught, asked, seed), "trees": trees.shap(asked.films)}
    kinds = {"network": fitted.metadata or trees.metadata, "trees": trees.metadata}
    return Compared(
        truth,
        answered,
        Clusters.draw(asked.column("group"), DRAWS, np.random.default_rng(seed)),
        {name: mean_size(values, kinds[name].names) for name, values in shap.items()},
        {name: mean_size_by_fact(values, kinds[name]) for name, values in shap.items()},
    )


def _floor(films: TrainingSet, recipe: Recipe, split: Split) -> Names:
    vectors = untrained(films, recipe)
    taught, asked = sides(films, split)
    archive, queries = cohort_of(taught, vectors[split.taught]), cohort_of(asked, vectors[split.asked])
    return neighbours(archive, queries, (VOTE_K,), Votes.patients, Search.exact).voted[:, 0]


def r7_tables(found: Compared) -> list[Table]:
    """Accuracy of each model, the ensemble's confusion matrix, and SHAP by feature."""
    return [_accuracy(found), _confusion(found), _shap(found)]


def _accuracy(found: Compared) -> Table:
    rows = []
    for name, each in found.answered.items():
        scored = spreads([answers(found.truth, row) for row in each])
        low, high = found.interval(name)
        interval = "" if low is None or high is None else f" ({100 * low:.1f}–{100 * high:.1f})"
        ours = published.R7.get(PRINTED.get(name, ""), "")
        rows.append((name, f"{scored['accuracy']}{interval}", str(scored["macro_recall"]), ours))
    return Table("", ("per cent", "accuracy", "macro recall", published.COLUMN), tuple(rows))


def _confusion(found: Compared) -> Table:
    names = found.entities
    numbers = [f"{place}" for place in range(1, len(names) + 1)]
    rows = [
        (f"{number} {name}", *(str(count) for count in row))
        for number, name, row in zip(numbers, names, found.confusion.tolist(), strict=True)
    ]
    return Table("Films by true entity (row) and the fused ensemble's answer (column)", ("", *numbers), tuple(rows))


def _shap(found: Compared) -> Table:
    rows: list[tuple[str, ...]] = [("whole facts",)]
    rows += _shap_rows(found.shap_by_fact)
    rows.append(("features",))
    rows += _shap_rows(found.shap)
    header = "", "fused networks, mean of members (GradientShap)", "XGBoost (tree SHAP)"
    return Table("Mean absolute SHAP value on the logits, over films and entities", header, tuple(rows))


def _shap_rows(values: Mapping[str, Mapping[str, float]]) -> list[tuple[str, ...]]:
    network, trees = values["network"], values["trees"]
    names: Sequence[str] = [*network, *(name for name in trees if name not in network)]
    return [(name, *(f"{each[name]:.3f}" if name in each else "" for each in (network, trees))) for name in names]


def _named(logits: npt.NDArray[np.float32], entities: Sequence[str]) -> npt.NDArray[np.object_]:
    """object (members, n) of (members, n, e)."""
    named: npt.NDArray[np.object_] = np.array(entities, dtype=object)[logits.argmax(axis=2)]
    return named
