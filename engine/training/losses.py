"""What a fit minimises: cross-entropy of the entities, a metric loss on the embeddings, or both.

The metric losses and miners are those of pytorch-metric-learning; all of them compare by cosine.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from pytorch_metric_learning import losses, miners
from torch import Tensor, nn

from engine.training.recipe import Loss, Method

Counts = npt.NDArray[np.int64]
Miner = Literal["none", "multi_similarity", "batch_hard"]


class CombinedLoss(nn.Module):
    """Cross-entropy on logits, a metric loss on embeddings, and their sum.

    A method without a metric loss minimises cross-entropy. With one it minimises the metric loss and, so heavily as
    `Loss.cross_entropy` says, cross-entropy. Where that is 0 the classifier learns beside the network, not with it:
    `beside` is then true, and whoever calls must compute the logits from detached features.

    Proxies are parameters of this module: give `parameters()` to the optimiser too, at the head's rate or above.
    """

    def __init__(self, method: Method, settings: Loss, counts: Counts, dimension: int, miner: Miner = "none") -> None:
        """counts: films of each entity in training, int64 (e,). dimension: of the embedding.

        miner: picks the pairs that the metric loss sees; with arcface, which has no pairs, the films.
        """
        super().__init__()
        maker = METRICS.get(method)
        self.metric = None if maker is None else maker(settings, len(counts), dimension)
        self.miner = None if maker is None or miner == "none" else MINERS[miner]()
        self.beside = maker is not None and settings.cross_entropy == 0
        self.share = settings.cross_entropy if maker is not None and not self.beside else 1.0
        weights = class_weights(counts, settings.weighting)
        self.classify = nn.CrossEntropyLoss(weights, label_smoothing=settings.label_smoothing)

    def forward(self, embeddings: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The scalars `cross_entropy`, `metric` where there is one, and `loss`, their weighted sum.

        embeddings: (n, dimension), of any length. logits: (n, e). labels: int64 (n,), 0..e-1.
        """
        parts = {"cross_entropy": self.classify(logits, labels)}
        loss = self.share * parts["cross_entropy"]
        if self.metric is not None:
            pairs = () if self.miner is None else (self.miner(embeddings, labels),)
            parts["metric"] = self.metric(embeddings, labels, *pairs)
            loss = loss + parts["metric"]
        return parts | {"loss": loss}


def class_weights(counts: Counts, weighting: str, beta: float = 0.99) -> Tensor:
    """Weights of the entities in a loss, float32 (e,); an entity without a film gets none.

    counts: films of each entity, int64 (e,). weighting: as `Loss.weighting`; "median_frequency" is the median of the
    frequencies over the entity's own (Eigen & Fergus 2015), "effective_number" the inverse of (1 - beta^n) / (1 -
    beta), brought to a mean of one (Cui et al. 2019), anything else one for all.
    """
    seen = counts > 0
    weights = seen.astype(np.float64)
    if weighting == "median_frequency":
        weights[seen] = np.median(counts[seen]) / counts[seen]
    elif weighting == "effective_number":
        weights[seen] = (1 - beta) / (1 - beta ** counts[seen])
        weights *= seen.sum() / weights.sum()
    return torch.from_numpy(weights.astype(np.float32))


Maker = Callable[[Loss, int, int], nn.Module]


def _supcon(settings: Loss, entities: int, dimension: int) -> nn.Module:
    """Supervised contrastive (Khosla et al. 2020)."""
    made: nn.Module = losses.SupConLoss(temperature=settings.temperature)
    return made


def _proxy_anchor(settings: Loss, entities: int, dimension: int) -> nn.Module:
    """Proxy anchor (Kim et al. 2020); margin is a cosine, the paper's 0.1, scale its alpha, 32."""
    made: nn.Module = losses.ProxyAnchorLoss(entities, dimension, margin=settings.margin, alpha=settings.scale)
    return made


def _arcface(settings: Loss, entities: int, dimension: int) -> nn.Module:
    """Additive angular margin (Deng et al. 2019); margin in degrees, the paper's 28.6, scale its s, 64."""
    made: nn.Module = losses.ArcFaceLoss(entities, dimension, margin=settings.margin, scale=settings.scale)
    return made


METRICS: Mapping[Method, Maker] = {
    Method.supcon: _supcon,
    Method.proxy_anchor: _proxy_anchor,
    Method.arcface: _arcface,
}
MINERS: Mapping[Miner, Callable[[], nn.Module]] = {
    "multi_similarity": miners.MultiSimilarityMiner,
    "batch_hard": miners.BatchHardMiner,
}
