"""What a fit minimises: cross-entropy of the entities, a metric loss on the embeddings, or both.

The metric losses and miners are those of pytorch-metric-learning; all of them compare by cosine.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor, nn

from engine.training.loss_settings import LossSettings, MetricLoss, Miner, Weighting

__all__ = ["METRICS", "MINERS", "CombinedLoss", "LossSettings", "class_weights"]

Counts = npt.NDArray[np.int64]


class CombinedLoss(nn.Module):
    """The weighted sum of cross-entropy and a metric loss.

    Some metric losses have parameters of their own, the entities' proxies: give `parameters()` of this module to the
    optimiser beside those of the network, at the head's rate or above.
    """

    def __init__(self, settings: LossSettings, counts: Counts, dimension: int) -> None:
        """counts: films of each entity in training, int64 (e,). dimension: of the embedding."""
        super().__init__()
        self.settings = settings
        weights = class_weights(counts, settings.weighting, settings.beta)
        self.classify = nn.CrossEntropyLoss(weights, label_smoothing=settings.smoothing)
        self.metric = None if settings.metric == "none" else METRICS[settings.metric](settings, len(counts), dimension)
        self.miner = None if settings.miner == "none" else MINERS[settings.miner]()

    def forward(self, embeddings: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Scalars: `classify` and `metric`, where they weigh anything, and `loss`, their weighted sum.

        embeddings: (n, dimension), of any length. logits: (n, e). labels: int64 (n,), 0..e-1.
        """
        parts = {}
        loss = embeddings.new_zeros(())
        if self.settings.classify:
            parts["classify"] = self.classify(logits, labels)
            loss = loss + self.settings.classify * parts["classify"]
        if self.metric is not None:
            pairs = () if self.miner is None else (self.miner(embeddings, labels),)
            parts["metric"] = self.metric(embeddings, labels, *pairs)
            loss = loss + self.settings.metric_weight * parts["metric"]
        return parts | {"loss": loss}


def class_weights(counts: Counts, weighting: Weighting, beta: float = 0.99) -> Tensor:
    """Weights of the entities in a loss, float32 (e,); an entity without a film gets none.

    counts: films of each entity, int64 (e,). median: the median of the frequencies over the entity's own (Eigen &
    Fergus 2015). effective: the inverse of the effective number (1 - beta^n) / (1 - beta), brought to a mean of one
    over the entities that have films (Cui et al. 2019). none: one for all.
    """
    seen = counts > 0
    weights = seen.astype(np.float64)
    if weighting == "median":
        weights[seen] = np.median(counts[seen]) / counts[seen]
    elif weighting == "effective":
        weights[seen] = (1 - beta) / (1 - beta ** counts[seen])
        weights *= seen.sum() / weights.sum()
    return torch.from_numpy(weights.astype(np.float32))


Maker = Callable[[LossSettings, int, int], nn.Module]


def _supcon(settings: LossSettings, entities: int, dimension: int) -> nn.Module:
    """Supervised contrastive (Khosla et al. 2020)."""
    made: nn.Module = losses.SupConLoss(temperature=settings.temperature)
    return made


def _multi_similarity(settings: LossSettings, entities: int, dimension: int) -> nn.Module:
    """Multi-similarity (Wang et al. 2019)."""
    made: nn.Module = losses.MultiSimilarityLoss()
    return made


def _proxy_anchor(settings: LossSettings, entities: int, dimension: int) -> nn.Module:
    """Proxy anchor (Kim et al. 2020)."""
    margin, alpha = settings.margin or 0.1, settings.scale or 32
    made: nn.Module = losses.ProxyAnchorLoss(entities, dimension, margin=margin, alpha=alpha)
    return made


def _arcface(settings: LossSettings, entities: int, dimension: int) -> nn.Module:
    """Additive angular margin (Deng et al. 2019)."""
    made: nn.Module = losses.ArcFaceLoss(entities, dimension, **_angular(settings))
    return made


def _subcentre_arcface(settings: LossSettings, entities: int, dimension: int) -> nn.Module:
    """Additive angular margin with several centres an entity, for entities of several looks (Deng et al. 2020)."""
    made: nn.Module = losses.SubCenterArcFaceLoss(
        num_classes=entities, embedding_size=dimension, sub_centers=settings.subcentres, **_angular(settings)
    )
    return made


def _angular(settings: LossSettings) -> dict[str, float]:
    return {"margin": settings.margin or 28.6, "scale": settings.scale or 64}


METRICS: Mapping[MetricLoss, Maker] = {
    "supcon": _supcon,
    "proxy-anchor": _proxy_anchor,
    "arcface": _arcface,
    "subcenter-arcface": _subcentre_arcface,
    "multi-similarity": _multi_similarity,
}
MINERS: Mapping[Miner, Callable[[], nn.Module]] = {
    "multi-similarity": miners.MultiSimilarityMiner,
    "batch-hard": miners.BatchHardMiner,
}
