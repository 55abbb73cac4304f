"""Losses against plain loops, weights against numbers by hand."""

from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from engine.training.loss_settings import LossSettings, MetricLoss, Miner
from engine.training.losses import METRICS, MINERS, CombinedLoss, class_weights

COUNTS = np.array([4, 4, 4], dtype=np.int64)
PAIRED: tuple[MetricLoss, ...] = ("supcon", "multi-similarity")


def batch(seed: int = 0, n: int = 12, dimension: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """Embeddings, logits, labels."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.randn(n, width, generator=generator).requires_grad_() for width in (dimension, 3)]
    return drawn[0], drawn[1], torch.arange(n) % 3


def seeded_loss(settings: LossSettings) -> CombinedLoss:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CombinedLoss(settings, COUNTS, 8)


# ---- weights of entities


def test_median_frequency_by_hand() -> None:
    # frequencies .1 .2 .7, median .2
    expected = torch.tensor([2.0, 1.0, 2 / 7])
    torch.testing.assert_close(class_weights(np.array([10, 20, 70]), "median"), expected)


def test_effective_number_by_hand() -> None:
    # (1 - .9^n) / .1 is 1, 1.9 and 2.71 for n = 1, 2, 3
    inverse = torch.tensor([1.0, 1 / 1.9, 1 / 2.71])
    expected = inverse * 3 / inverse.sum()
    torch.testing.assert_close(class_weights(np.array([1, 2, 3]), "effective", beta=0.9), expected)


def test_effective_number_lies_between_none_and_inverse_frequency() -> None:
    counts = np.array([5, 100])
    even, steep = (class_weights(counts, "effective", beta) for beta in (0.0, 0.999999))
    torch.testing.assert_close(even, torch.ones(2))
    assert steep[0] / steep[1] == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize("weighting", ["none", "median", "effective"])
def test_an_entity_without_films_weighs_nothing_and_moves_no_other(weighting: str) -> None:
    settings = LossSettings(weighting=weighting)  # type: ignore[arg-type]
    weights = class_weights(np.array([3, 0, 9]), settings.weighting)
    assert weights[1] == 0 and weights.dtype == torch.float32
    torch.testing.assert_close(weights[[0, 2]], class_weights(np.array([3, 9]), settings.weighting))


# ---- the combined loss


def test_cross_entropy_is_weighted_and_smoothed() -> None:
    embeddings, logits, labels = batch()
    loss = CombinedLoss(LossSettings(weighting="median", smoothing=0.2), np.array([10, 20, 70]), 8)
    weights = torch.tensor([2.0, 1.0, 2 / 7])
    expected = functional.cross_entropy(logits, labels, weights, label_smoothing=0.2)
    parts = loss(embeddings, logits, labels)
    assert set(parts) == {"classify", "loss"}
    torch.testing.assert_close(parts["loss"], expected)


def test_supcon_is_the_papers() -> None:
    embeddings, logits, labels = batch()
    unit = functional.normalize(embeddings)
    terms = []
    for i in range(len(labels)):
        others = [j for j in range(len(labels)) if j != i]
        below = torch.stack([(unit[i] @ unit[j] / 0.2).exp() for j in others]).sum()
        alike = [j for j in others if labels[j] == labels[i]]
        terms.append(-torch.stack([(unit[i] @ unit[j] / 0.2) - below.log() for j in alike]).mean())
    parts = CombinedLoss(LossSettings(metric="supcon", temperature=0.2), COUNTS, 8)(embeddings, logits, labels)
    torch.testing.assert_close(parts["metric"], torch.stack(terms).mean(), rtol=1e-4, atol=1e-5)


def test_arcface_adds_its_margin_to_the_right_angle() -> None:
    embeddings, logits, labels = batch()
    loss = seeded_loss(LossSettings(metric="arcface", margin=20, scale=10))
    assert loss.metric is not None
    cosine = functional.normalize(embeddings) @ functional.normalize(loss.metric.W, dim=0)
    angle = cosine.clamp(-1 + 1e-6, 1 - 1e-6).acos()
    assert angle.max() + np.deg2rad(20) < np.pi
    right = functional.one_hot(labels, 3).bool()
    expected = functional.cross_entropy(10 * torch.where(right, angle + np.deg2rad(20), angle).cos(), labels)
    torch.testing.assert_close(loss(embeddings, logits, labels)["metric"], expected, rtol=1e-3, atol=1e-3)


def test_proxy_anchor_is_the_papers() -> None:
    embeddings, logits, labels = batch()
    loss = seeded_loss(LossSettings(metric="proxy-anchor", margin=0.2, scale=8))
    assert loss.metric is not None
    cosine = functional.normalize(embeddings) @ functional.normalize(loss.metric.proxies).T
    right = functional.one_hot(labels, 3).bool()
    pull = torch.where(right, (-8 * (cosine - 0.2)).exp(), 0.0).sum(0).log1p().mean()
    push = torch.where(right, 0.0, (8 * (cosine + 0.2)).exp()).sum(0).log1p().mean()
    torch.testing.assert_close(loss(embeddings, logits, labels)["metric"], pull + push, rtol=1e-4, atol=1e-4)


def test_parts_add_up_with_their_weights() -> None:
    settings = LossSettings(metric="supcon", classify=0.3, metric_weight=2.0)
    parts = CombinedLoss(settings, COUNTS, 8)(*batch())
    torch.testing.assert_close(parts["loss"], 0.3 * parts["classify"] + 2 * parts["metric"])


def test_a_part_without_weight_is_not_computed() -> None:
    embeddings, logits, labels = batch()
    parts = CombinedLoss(LossSettings(metric="supcon", classify=0), COUNTS, 8)(embeddings, logits, labels)
    parts["loss"].backward()
    assert "classify" not in parts and logits.grad is None and embeddings.grad is not None


@pytest.mark.parametrize("miner", get_args(Miner))
@pytest.mark.parametrize("metric", METRICS)
def test_each_pulls_embeddings_of_an_entity_together(metric: MetricLoss, miner: Miner) -> None:
    loss = seeded_loss(LossSettings(metric=metric, miner=miner))
    embeddings, logits, labels = batch()
    optimiser = torch.optim.Adam([embeddings, *loss.parameters()], lr=0.05)
    before = apart(embeddings, labels)
    for _ in range(60):
        optimiser.zero_grad()
        loss(embeddings, logits, labels)["metric"].backward()
        optimiser.step()
    assert apart(embeddings, labels) > before + 0.3


def apart(embeddings: Tensor, labels: Tensor) -> float:
    """Mean cosine of pairs of one entity less that of the others."""
    unit = functional.normalize(embeddings.detach())
    cosine, alike = unit @ unit.T, labels[:, None] == labels[None]
    own = alike & ~torch.eye(len(labels), dtype=torch.bool)
    return float(cosine[own].mean() - cosine[~alike].mean())


@pytest.mark.parametrize("metric", METRICS)
def test_lengths_of_embeddings_do_not_matter(metric: MetricLoss) -> None:
    loss = seeded_loss(LossSettings(metric=metric))
    embeddings, logits, labels = batch()
    losses = [loss(scale * embeddings, logits, labels)["metric"] for scale in (1, 5)]
    torch.testing.assert_close(*losses, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("metric", PAIRED)
def test_a_batch_without_a_pair_breaks_nothing(metric: MetricLoss) -> None:
    embeddings, logits, _ = batch(n=3)
    parts = CombinedLoss(LossSettings(metric=metric, classify=0), COUNTS, 8)(embeddings, logits, torch.arange(3))
    parts["loss"].backward()
    assert parts["loss"].isfinite() and (embeddings.grad is None or embeddings.grad.isfinite().all())


@pytest.mark.parametrize(("metric", "proxies"), [("none", 0), ("supcon", 0), ("arcface", 24), ("proxy-anchor", 24)])
def test_proxies_are_parameters(metric: MetricLoss, proxies: int) -> None:
    loss = CombinedLoss(LossSettings(metric=metric), COUNTS, 8)
    assert sum(parameter.numel() for parameter in loss.parameters()) == proxies


def test_subcentres_are_as_many_as_asked() -> None:
    loss = CombinedLoss(LossSettings(metric="subcenter-arcface", subcentres=2), COUNTS, 8)
    assert sum(parameter.numel() for parameter in loss.parameters()) == 2 * 24


def test_every_name_of_the_settings_has_a_loss_or_a_miner() -> None:
    assert {"none", *METRICS} == set(get_args(MetricLoss))
    assert {"none", *MINERS} == set(get_args(Miner))


@pytest.mark.parametrize("wrong", [{"beta": 1}, {"temperature": 0}, {"metric": "triplet"}, {"smoothing": 1}, {"x": 1}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LossSettings.model_validate(wrong)
