"""The packaged weights are whole, sit in the right layers, and see."""

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
import torch
from torch import nn

from engine.embeddings import Patch
from engine.encoders import OnnxEmbedder
from engine.encoders.packaged import ARCHITECTURE, load_classifier, timm_names
from engine.encoders.patch import normalise
from engine.encoders.spec import packaged_weights

PHOTOGRAPHS = {
    "skimage/data/chelsea.png": {281, 282, 285},  # tabby, tiger cat, Egyptian cat
    "skimage/data/coffee.png": {967},  # espresso
    "skimage/data/camera.png": {872},  # tripod
    "skimage/data/motorcycle_left.png": {665, 670},  # moped, motor scooter
    "skimage/data/rocket.jpg": {657, 744},  # missile, projectile
    "sklearn/datasets/images/china.jpg": {698},  # palace
    "sklearn/datasets/images/flower.jpg": {985},  # daisy
}
"""Files inside installed wheels, and the ImageNet-1k classes that name what they show."""


@pytest.fixture(scope="module")
def classifier() -> nn.Module:
    return load_classifier()


def photograph(name: str) -> Patch:
    package, _, inner = name.partition("/")
    found = find_spec(package)
    assert found is not None
    assert found.origin is not None
    pixels = cv2.imread(str(Path(found.origin).parent / inner), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None, name
    rows, columns = pixels.shape[:2]
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    square = cv2.resize(pixels[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray((square.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1))


def test_every_tensor_has_one_place() -> None:
    state = torch.load(packaged_weights(), weights_only=True)
    wanted = timm.create_model(ARCHITECTURE, pretrained=False).state_dict()
    mapped = timm_names(state)
    assert len(mapped) == len(state)  # no two names fall together
    assert {n: t.shape for n, t in mapped.items()} == {n: t.shape for n, t in wanted.items()}


@pytest.mark.parametrize("name", ["_extra.weight", "_blocks.16._bn0.bias", "_blocks.1._conv.weight"])
def test_foreign_names_are_refused(name: str) -> None:
    with pytest.raises((KeyError, IndexError)):
        timm_names({name: torch.zeros(1)})


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_recognised_by_torch_and_by_the_exported_network(
    name: str, classifier: nn.Module, embedder: OnnxEmbedder
) -> None:
    patch = photograph(name)
    with torch.inference_mode():
        logits = classifier(torch.from_numpy(patch[np.newaxis]))[0].numpy()
    assert logits.argmax() in PHOTOGRAPHS[name]

    head = classifier.get_submodule("classifier")
    weight, bias = (np.asarray(head.get_parameter(part).detach()) for part in ("weight", "bias"))
    # the embedding is the pooled features at unit length: find their length from the torch logits' own scale
    direction = weight @ embedder.embed([patch])[0]
    length = float((direction * (logits - bias)).sum() / (direction**2).sum())
    assert int((direction * length + bias).argmax()) == int(logits.argmax())
    assert np.allclose(direction * length + bias, logits, atol=1e-3)


def test_grey_photograph_through_the_films_own_normalisation(classifier: nn.Module, embedder: OnnxEmbedder) -> None:
    grey = np.asarray((photograph("skimage/data/camera.png")[0] + 1) / 2, np.float32)
    patch = normalise(grey, embedder.card.mean, embedder.card.std)
    with torch.inference_mode():
        assert int(classifier(torch.from_numpy(patch[np.newaxis])).argmax()) == 872
