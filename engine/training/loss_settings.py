"""What a recipe says about its loss. Imports no torch; `engine.training.losses` makes the loss of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MetricLoss = Literal["none", "supcon", "proxy-anchor", "arcface", "subcenter-arcface", "multi-similarity"]
Miner = Literal["none", "multi-similarity", "batch-hard"]
Weighting = Literal["none", "median", "effective"]

Weight = Annotated[float, Field(ge=0)]
Above = Annotated[float, Field(gt=0)]


class LossSettings(BaseModel):
    """A table of a recipe.

    classify, metric_weight: weights of the two parts. metric: the loss on embeddings; `none` trains the classifier
    alone. miner: picks the pairs that a pair loss (supcon, multi-similarity) sees. smoothing: of the labels in the
    cross-entropy. weighting: of the entities there, with beta of the effective number. temperature: of supcon. margin
    and scale: of proxy-anchor (a cosine) and of the arcface losses (degrees); None for their papers' values.
    subcentres: an entity, of subcenter-arcface.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    classify: Weight = 1.0
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    weighting: Weighting = "none"
    beta: Annotated[float, Field(ge=0, lt=1)] = 0.99
    metric: MetricLoss = "none"
    metric_weight: Weight = 0.5
    miner: Miner = "none"
    temperature: Above = 0.1
    margin: Above | None = None
    scale: Above | None = None
    subcentres: Annotated[int, Field(ge=1)] = 3
