"""What a fit is watched by: the classifier's recall, and whether the nearest film of another patient is alike."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix


class MacroRecall(MulticlassConfusionMatrix):
    """Mean recall over the entities that have a film; one that is only ever predicted does not count as a zero."""

    def compute(self) -> Tensor:
        """A scalar, 0..1; nan before any film."""
        table = super().compute().double()
        films = table.sum(dim=1)
        return (table.diagonal()[films > 0] / films[films > 0]).mean().float()


def classifier_metrics(entities: int, prefix: str = "") -> MetricCollection:
    """Accuracy and macro recall of logits (n, e) against labels int64 (n,); names begin with `prefix`."""
    made: dict[str, Metric | MetricCollection] = {
        "accuracy": MulticlassAccuracy(entities, average="micro"),
        "macro_recall": MacroRecall(entities),
    }
    return MetricCollection(made, compute_groups=False, prefix=prefix)


@dataclass(frozen=True, eq=False)
class Films:
    """Embedded films: vectors float (n, d), labels int64 (n,), groups int64 (n,) of those who must not meet."""

    vectors: Tensor
    labels: Tensor
    groups: Tensor

    def __post_init__(self) -> None:
        if not len(self.vectors) == len(self.labels) == len(self.groups):
            raise ValueError(
                f"{len(self.vectors)} vectors, {len(self.labels)} labels and {len(self.groups)} groups; give one each"
            )


def precision_at_1(queries: Films, gallery: Films | None = None) -> float:
    """Share of queries whose nearest film by cosine, out of another group, has the same label; nan without a query.

    gallery: what is searched; None for the queries themselves. groups: patients or, stricter, split groups, counted
    alike in both. A query with nothing left to find does not count.
    """
    gallery = queries if gallery is None else gallery
    alike = functional.normalize(queries.vectors.float()) @ functional.normalize(gallery.vectors.float()).T
    alike = alike.masked_fill(queries.groups[:, None] == gallery.groups[None], -torch.inf)
    best, nearest = alike.max(dim=1)
    found = best > -torch.inf
    right = gallery.labels[nearest][found] == queries.labels[found]
    return float(right.double().mean())
