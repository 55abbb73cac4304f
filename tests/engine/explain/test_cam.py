"""Class activation maps from the exported network's patches: equal to Grad-CAM on the torch network."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from safetensors.numpy import save_file
from torch import Tensor, nn

from engine.card import ModelCard
from engine.encoders import OnnxEmbedder, export
from engine.errors import EncoderError, QueryError
from engine.explain import Classifier, vote_activation
from engine.region import View

SIZE, ENTITIES = 32, ("chordoma", "enchondroma", "osteosarcoma", "lipoma")


class Paired(nn.Module):
    """As training exports: grey views through one backbone, features through a head, patches beside them."""

    def __init__(self, views: int) -> None:
        super().__init__()
        torch.manual_seed(views)
        self.views = views
        self.backbone = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.ReLU())
        self.head = nn.Linear(views * 5, 6)
        self.classifier = nn.Linear(views * 5, len(ENTITIES))
        self.classifier.weight.data[:, ::2].abs_()  # so that something speaks for each

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        maps: Tensor = self.backbone(patch.flatten(0, 1).unsqueeze(1).expand(-1, 3, -1, -1))
        maps = maps.unflatten(0, (-1, self.views))
        features: Tensor = self.head(maps.mean(dim=(3, 4)).flatten(1))
        return features, maps


class Scores(nn.Module):
    """The same network as a classifier, which Grad-CAM asks."""

    def __init__(self, network: Paired) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: Tensor) -> Tensor:
        scores: Tensor = self.network.classifier(self.network(patch)[1].mean(dim=(3, 4)).flatten(1))
        return scores


def served(folder: Path, network: Paired) -> OnnxEmbedder:
    data = export.onnx_bytes(network.eval(), (network.views, SIZE, SIZE))
    (folder / "encoder.onnx").write_bytes(data)
    sha256, half = hashlib.sha256(data).hexdigest(), (0.5,)
    card = ModelCard("paired", "none", sha256, 6, SIZE, half, half, "openvino-f32", "nothing", "MIT", "none")
    views = (View.region, View.film)[: network.views]
    return OnnxEmbedder(folder / "encoder.onnx", replace(card, views=views), threads=1)


def saved(folder: Path, network: Paired) -> Classifier:
    linear = network.classifier
    tensors = {"weight": linear.weight.detach().numpy(), "bias": linear.bias.detach().numpy()}
    save_file(tensors, folder / "classifier.safetensors")
    (folder / "classifier.json").write_text(json.dumps({"entities": ENTITIES}))
    found = Classifier.read(folder)
    assert found is not None
    return found


def patch_of(views: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(views).standard_normal((views, SIZE, SIZE), np.float32)


@pytest.mark.parametrize("entity", ENTITIES)
def test_activation_is_grad_cam(tmp_path: Path, entity: str) -> None:
    network = Paired(1).eval()
    patch = patch_of(1)
    _, patches = served(tmp_path, network).explain(patch)
    ours = saved(tmp_path, network).activation(patches, entity)
    with GradCAM(Scores(network), [network.backbone]) as cam:
        theirs = cam(torch.from_numpy(patch[np.newaxis]), [ClassifierOutputTarget(ENTITIES.index(entity))])
    assert theirs.max() > 0.9  # an empty map would agree with anything
    drawn = scale_cam_image(scale_cam_image(np.maximum(ours, 0), (SIZE, SIZE)))  # it scales each layer, then their mean
    assert np.allclose(drawn, theirs, atol=1e-4)


def test_activation_is_the_gradient_on_two_views(tmp_path: Path) -> None:
    network = Paired(2).eval()
    patch = patch_of(2)
    _, patches = served(tmp_path, network).explain(patch)
    classifier = saved(tmp_path, network)
    maps = network(torch.from_numpy(patch[np.newaxis]))[1].detach().requires_grad_()
    logits = network.classifier(maps.mean(dim=(3, 4)).flatten(1))[0]
    logits[2].backward()
    assert maps.grad is not None
    expected = (maps.grad.mean(dim=(3, 4), keepdim=True) * maps).sum(dim=2)[0].detach().numpy()
    ours = classifier.activation(patches, ENTITIES[2])
    assert ours.shape == (2, 6, 6)
    assert np.allclose(ours, expected, atol=1e-5)
    assert np.allclose(classifier.logits(patches), logits.detach().numpy(), atol=1e-5)
    assert ours.sum() + classifier.bias[2] == pytest.approx(float(logits[2].detach()), abs=1e-4)


def test_an_encoder_without_classifier_has_none(tmp_path: Path) -> None:
    assert Classifier.read(tmp_path) is None


def test_unknown_entities_and_foreign_patches_are_refused(tmp_path: Path) -> None:
    classifier = saved(tmp_path, Paired(1))
    with pytest.raises(QueryError, match="knows no 'gout'; choose chordoma, enchondroma"):
        classifier.activation(np.ones((1, 5, 3, 3), np.float32), "gout")
    with pytest.raises(EncoderError, match="takes 5 pooled features, the encoder gives 7"):
        classifier.activation(np.ones((1, 7, 3, 3), np.float32), "lipoma")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"entities": 3}', '{"entities": ["one"]}'])
def test_broken_classifiers_are_refused(tmp_path: Path, text: str) -> None:
    saved(tmp_path, Paired(1))
    (tmp_path / "classifier.json").write_text(text)
    with pytest.raises(EncoderError, match="train or index anew"):
        Classifier.read(tmp_path)


def test_vote_activation_sums_to_the_cosine_with_the_mean_neighbour() -> None:
    rng = np.random.default_rng(0)
    patches = rng.random((1, 8, 3, 3), np.float32)
    vector = patches.mean(axis=(2, 3))[0]
    vector /= np.linalg.norm(vector)
    others = rng.random((3, 8), np.float32)
    found = vote_activation(patches, vector, others)
    assert found is not None
    mean = others.mean(axis=0)
    assert found.sum() == pytest.approx(float(vector @ mean / np.linalg.norm(mean)), abs=1e-6)


def test_vote_activation_is_none_where_the_embedding_is_not_pooled() -> None:
    rng = np.random.default_rng(0)
    patches, others = rng.random((1, 8, 3, 3), np.float32), rng.random((3, 8), np.float32)
    assert vote_activation(patches, np.eye(8, dtype=np.float32)[0], others) is None
    assert vote_activation(patches, np.ones(4, np.float32) / 2, others[:, :4]) is None
