"""Film and mask are bent as one; what cannot be learned from is refused."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from engine.errors import TrainingError
from engine.region import View
from engine.segmentation.data import SegmentTensors, bent, plain, teachable
from engine.segmentation.losses import area_weights, segmentation_loss
from engine.segmentation.recipe import SegmentRecipe
from engine.training.films import TrainingSet

Discs = Callable[[int, int], TrainingSet]


def test_masks_follow_their_films(discs: Discs, recipe: SegmentRecipe) -> None:
    films = SegmentTensors.of(discs(24, 0))
    pictures, masks = bent(films.cuts, films.masks, recipe, torch.Generator().manual_seed(3))
    assert pictures.shape == (24, 1, 64, 64)
    assert masks.shape == (24, 64, 64)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    inside = torch.stack(
        [p[0][m > 0].mean() - p[0][m == 0].mean() for p, m in zip(pictures, masks, strict=True) if m.any()]
    )
    assert len(inside) > 12
    assert (inside > 0.2).all()  # the disc is where its mask is, however it was bent
    again, _ = bent(films.cuts, films.masks, recipe, torch.Generator().manual_seed(3))
    assert torch.equal(pictures, again)


def test_the_plain_view_is_the_middle_of_the_cut(discs: Discs) -> None:
    films = SegmentTensors.of(discs(8, 2))
    pictures, masks = plain(films.cuts, films.masks, 64)
    side = films.cuts.shape[1]
    start = (side - 64) // 2
    wanted = films.cuts[:, start : start + 64, start : start + 64].float() / 255
    # the cut's side is odd, so that the middle lies between pixels
    assert (pictures[:, 0] - wanted).abs().mean() < 0.06
    assert masks[:8].sum(dim=(1, 2)).min() > 0
    assert not masks[8:].any()
    assert films.lesion.tolist() == [True] * 8 + [False] * 2


def test_what_teaches_nothing_is_left_out(discs: Discs) -> None:
    films = discs(12, 4)
    unknown = TrainingSet(
        (*films.films, *[type(films.films[0])(**vars(films.films[0]) | {"mask": None})]), films.views, 64, "discs"
    )
    assert len(teachable(unknown)) == 16


def test_films_without_masks_or_view_are_refused(discs: Discs) -> None:
    with pytest.raises(TrainingError, match="3 films of discs have a lesion mask"):
        teachable(discs(3, 9))
    films = discs(10, 0)
    with pytest.raises(TrainingError, match="whole films"):
        teachable(TrainingSet(films.films, (View.context, View.region), 64, "discs"))


def test_small_lesions_weigh_more() -> None:
    lesions = torch.zeros(3, 100, 100)
    lesions[0, :50, :50] = 1
    lesions[1, :2, :2] = 1
    weights = area_weights(lesions, 0.5)
    assert weights[0].max() == 1
    assert weights[1, 0, 0] == pytest.approx((0.02 / 0.0004) ** 0.5)
    assert weights[1, 50, 50] == 1
    assert (area_weights(lesions, 0.0) == 1).all()


def test_the_loss_counts_films_alike(recipe: SegmentRecipe) -> None:
    lesions = torch.zeros(2, 32, 32)
    lesions[0, :16, :16] = 1
    lesions[1, 20:23, 20:23] = 1
    right = (lesions * 2 - 1) * 12
    miss_large, miss_small = right.clone(), right.clone()
    miss_large[0] = miss_small[1] = -12
    only_dice = recipe.model_copy(update={"dice": 1.0})
    none = recipe.model_copy(update={"dice": 0.0})
    lost = [
        float(segmentation_loss(each, lesions, only_dice) - segmentation_loss(each, lesions, none))
        for each in (right, miss_large, miss_small)
    ]
    assert lost[0] == pytest.approx(0, abs=1e-3)
    assert lost[1] == pytest.approx(0.5, abs=0.05)
    assert lost[2] == pytest.approx(0.5, abs=0.12)  # one pixel of smoothing
    assert np.isfinite(float(segmentation_loss(-right, torch.zeros(2, 32, 32), only_dice)))
