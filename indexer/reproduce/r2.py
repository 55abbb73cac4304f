"""R2 (Hinterwimmer 2024, "A link to the past"): ResNet and NesT by cross-entropy, over folds of whole patients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import EncoderError, TrainingError
from engine.training.looks import fit_and_look, untrained
from engine.training.members import Tell
from indexer.reproduce import published
from indexer.reproduce.neighbours import Search, Votes, neighbours
from indexer.reproduce.r1 import UNTRAINED, Model, floors
from indexer.reproduce.report import NOT_RUN, Table
from indexer.reproduce.scores import Answers, Spread, answers, spreads
from indexer.reproduce.splits import Split, sides
from indexer.validation import cohort_of

MEASURES = {"accuracy": "accuracy", "macro_precision": "macro precision", "macro_recall": "macro recall"}
VOTE_K = 5
FLOOR = f"{UNTRAINED}, vote of {VOTE_K} patients"


@dataclass(eq=False)
class Folded:
    """By model, a score a fold: on films learned from, and on films asked. failed: why a model was not fitted."""

    taught: dict[str, list[Answers]] = field(default_factory=dict)
    asked: dict[str, list[Answers]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        parts = {"training": self.taught, "test": self.asked}
        return {
            part: {
                name: {measure: one.to_dict() for measure, one in spreads(rows).items()} for name, rows in by.items()
            }
            for part, by in parts.items()
        } | {NOT_RUN.replace(" ", "_"): dict(self.failed)}


def cross_validate(
    models: Sequence[Model],
    splits: Sequence[Split],
    seed: int,
    *,
    tell: Tell | None = None,
    say: Callable[[str], None] | None = None,
) -> Folded:
    """Fit each model on each split's films and ask it about the others. One that cannot be had is told in `failed`."""
    found = Folded()
    vectors = untrained(models[0].films, models[0].recipe)
    for number, split in enumerate(splits):
        if say is not None:
            say(f"fold {number + 1} of {len(splits)}")
        taught, asked = sides(models[0].films, split)
        truth = asked.column("entity")
        for name, answered in floors(taught, asked, seed).items():
            found.asked.setdefault(name, []).append(answers(truth, answered))
        archive, queries = cohort_of(taught, vectors[split.taught]), cohort_of(asked, vectors[split.asked])
        voted = neighbours(archive, queries, (VOTE_K,), Votes.patients, Search.exact).voted[:, 0]
        found.asked.setdefault(FLOOR, []).append(answers(truth, voted))
        for model in models:
            _fold(found, model, split, seed, f"fold {number + 1}, {model.name}", tell)
    return found


def _fold(found: Folded, model: Model, split: Split, seed: int, name: str, tell: Tell | None) -> None:
    if model.name in found.failed:
        return
    taught, asked = sides(model.films, split)
    try:
        look = fit_and_look(taught, asked, model.recipe, seed, name=name, tell=tell)
    except (EncoderError, TrainingError) as error:  # weights that only a hub has, or too little to learn from
        found.failed[model.name] = str(error)
        return
    found.taught.setdefault(model.name, []).append(answers(taught.column("entity"), look.taught))
    found.asked.setdefault(model.name, []).append(answers(asked.column("entity"), look.asked))


def r2_table(found: Folded, models: Sequence[str]) -> Table:
    """As table 2 of the paper; per cent, mean ± standard deviation over folds."""
    order = [*models, *(name for name in found.asked if name not in models)]
    rows: list[tuple[str, ...]] = []
    for measure, title in MEASURES.items():
        rows.append((title,))
        for name in order:
            if name in found.failed:
                rows.append((name, NOT_RUN, NOT_RUN, ""))
                continue
            taught = _spread(found.taught[name], measure) if name in found.taught else ""
            printed = published.baseline(name, measure)
            rows.append((name, taught, _spread(found.asked[name], measure), printed))
    return Table("", ("per cent", "training", "test", published.COLUMN), tuple(rows))


def _spread(rows: Sequence[Answers], measure: str) -> str:
    one: Spread = spreads(rows)[measure]
    return str(one)
