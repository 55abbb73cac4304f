"""Figures of answers held against the truth, and how they spread over splits."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

Names = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """accuracy: share of films answered rightly. macro_precision, macro_recall: means over the entities asked about; an
    entity that is never answered has a precision of 0.
    """

    accuracy: float
    macro_precision: float
    macro_recall: float


@dataclass(frozen=True)
class Spread:
    """A figure in each split. mean, sd (of the sample; nan of a single value)."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over the splits."""
        return float(np.mean(self.values))

    @property
    def sd(self) -> float:
        """Over the splits, with n - 1."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else float("nan")

    def __str__(self) -> str:
        """In per cent: mean and standard deviation."""
        if len(self.values) < 2:
            return f"{100 * self.mean:.1f}"
        return f"{100 * self.mean:.1f} ± {100 * self.sd:.1f}"

    def to_dict(self) -> dict[str, object]:
        """Shares from 0 to 1; sd None where a single value has none."""
        return {"mean": self.mean, "sd": self.sd if len(self.values) > 1 else None, "values": list(self.values)}


def answers(truth: Names, answered: Names) -> Answers:
    """Score one answer a film, object (n,) each; None answers nothing and is wrong."""
    entities = sorted({str(name) for name in truth})
    right = truth == answered
    recalls = [float(right[truth == name].mean()) for name in entities]
    given = [answered == name for name in entities]
    precisions = [float(right[said].mean()) if said.any() else 0.0 for said in given]
    return Answers(float(right.mean()), float(np.mean(precisions)), float(np.mean(recalls)))


def spreads(scored: Sequence[Answers]) -> dict[str, Spread]:
    """Each figure over splits, by its name."""
    rows = [asdict(one) for one in scored]
    return {name: Spread(tuple(row[name] for row in rows)) for name in rows[0]}


def confusion(truth: Names, answered: Names, entities: Sequence[str]) -> Ints:
    """int64 (e, e): films by true entity (row) and answered one (column), in the order of `entities`."""
    place = {name: number for number, name in enumerate(entities)}
    table = np.zeros((len(entities), len(entities)), np.int64)
    for true, said in zip(truth, answered, strict=True):
        table[place[true], place[said]] += 1
    return table


def commonest(entities: Iterable[object]) -> str:
    """What most of them are; the first by name among equals."""
    names, counts = np.unique(np.array([str(name) for name in entities]), return_counts=True)
    return str(names[counts.argmax()])
