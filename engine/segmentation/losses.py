"""What a segmenter is taught by: cross-entropy on pixels and Dice on films, small lesions counting as well as large."""

import segmentation_models_pytorch as smp
import torch
from torch import Tensor
from torch.nn import functional

from engine.segmentation.recipe import SegmentRecipe

USUAL_AREA = 0.02
"""Share of a film's square that a lesion of middling size takes."""
MOST_WEIGHT = 20.0


def segmentation_loss(logits: Tensor, lesions: Tensor, recipe: SegmentRecipe) -> Tensor:
    """Weighted cross-entropy plus `recipe.dice` times one less the soft Dice (Milletari 2016), film by film.

    logits, lesions: (n, h, w), lesions 0 or 1. Films without a lesion have no Dice.
    """
    weights = area_weights(lesions, recipe.small)
    loss = functional.binary_cross_entropy_with_logits(logits, lesions, weight=weights)
    if recipe.dice:
        # films in the place of classes, since the library's Dice of a batch is that of its largest lesions
        dice = smp.losses.DiceLoss("multilabel", from_logits=True, smooth=1.0)
        loss = loss + recipe.dice * dice(logits[None], lesions[None])
    return loss


def area_weights(lesions: Tensor, small: float) -> Tensor:
    """Weight of each pixel, (n, h, w): 1 beside the lesion, on it (usual area / its area) ** small, 1 to 20."""
    share = lesions.mean(dim=(1, 2), keepdim=True).clamp_min(1e-6)
    weight = (USUAL_AREA / share).pow(small).clamp(1.0, MOST_WEIGHT)
    return torch.where(lesions > 0, weight, 1.0)
