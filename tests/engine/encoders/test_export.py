"""From torch to ONNX: quiet, complete or absent, the same file every time."""

import errno
import hashlib
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.torch
import timm
import torch
from torch import Tensor, nn

from engine.card import ModelCard
from engine.encoders import OnnxEmbedder, encoder_files, export, load_exported, reference
from engine.encoders.files import LOCK_FILE, EncoderFiles, copy, is_intact, published
from engine.encoders.patches import explained, grid
from engine.encoders.spec import parse
from engine.encoders.torch_models import load
from engine.errors import DiskFull, EncoderError
from engine.region import View

SIZE = 32


class Small(nn.Module):
    """A network of two layers, which exports in a moment."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.convolution = nn.Conv2d(3, 5, 3)

    def forward(self, patch: Tensor) -> Tensor:
        answer: Tensor = self.convolution(patch).relu().mean(dim=(2, 3))
        return answer


class Paired(nn.Module):
    """A network such as training makes: two grey views, one backbone, features through a head, patches beside them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.backbone, self.head = nn.Conv2d(3, 5, 3, stride=2), nn.Linear(10, 6)

    def forward(self, patch: Tensor) -> tuple[Tensor, Tensor]:
        grey = patch.flatten(0, 1).unsqueeze(1).expand(-1, 3, -1, -1)
        maps: Tensor = self.backbone(grey).relu().unflatten(0, (-1, 2))
        features: Tensor = self.head(maps.mean(dim=(3, 4)).flatten(1))
        return features, maps


class Branching(Small):
    """Takes a branch on its input, which the newer exporter refuses and the older freezes."""

    def forward(self, patch: Tensor) -> Tensor:
        return super().forward(patch) if patch.sum() < 1e30 else patch.mean(dim=(2, 3))


class Unexportable(Small):
    """Needs an operation that ONNX has not."""

    def forward(self, patch: Tensor) -> Tensor:
        if patch.sum() < 1e30:
            values: Tensor = torch.linalg.eigvalsh(patch.mean(dim=1))
            return values
        return super().forward(patch)


def card_of(data: bytes, dimension: int = 5, runtime: str = "openvino-f32") -> ModelCard:
    half = (0.5, 0.5, 0.5)
    sha256 = hashlib.sha256(data).hexdigest()
    return ModelCard("small", "none", sha256, dimension, SIZE, half, half, runtime, "nothing", "MIT", "none")


def saved(folder: Path, model: nn.Module) -> OnnxEmbedder:
    data = export.onnx_bytes(model.eval(), (3, SIZE, SIZE))
    (folder / "encoder.onnx").write_bytes(data)
    return OnnxEmbedder(folder / "encoder.onnx", card_of(data), threads=1)


def patches(count: int, size: int = SIZE) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return list(np.random.default_rng(0).standard_normal((count, 3, size, size), np.float32))


@pytest.mark.parametrize("kind", [Small, Branching])
def test_both_exporters_keep_the_function(tmp_path: Path, kind: type[Small]) -> None:
    model = kind().eval()
    assert np.allclose(saved(tmp_path, model).embed(patches(3)), reference.embed(model, patches(3)), atol=1e-5)


def test_export_says_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    for kind in (Small, Branching):
        export.onnx_bytes(kind().eval(), (3, SIZE, SIZE))
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


def test_what_cannot_be_exported_is_named() -> None:
    with pytest.raises(EncoderError, match="cannot be exported to ONNX"):
        export.onnx_bytes(Unexportable().eval(), (3, SIZE, SIZE))


def test_same_network_same_bytes_and_no_trace_of_the_machine() -> None:
    first, second = (export.onnx_bytes(Small().eval(), (3, SIZE, SIZE)) for _ in range(2))
    assert first == second != export.onnx_bytes(Small(seed=1).eval(), (3, SIZE, SIZE))
    assert b"site-packages" not in first
    assert str(Path(__file__).parent).encode() not in first
    graph = onnx.load_model_from_string(first).graph
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param  # the batch is free
    assert [d.dim_value for d in graph.input[0].type.tensor_type.shape.dim[1:]] == [3, SIZE, SIZE]


def test_default_agrees_with_torch(embedder: OnnxEmbedder) -> None:
    model, _ = load(parse("default"))
    cosine = (embedder.embed(patches(4, 224)) * reference.embed(model, patches(4, 224))).sum(axis=1)
    assert cosine.min() > 0.99999


def test_timm_model_from_a_local_checkpoint_end_to_end(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model = timm.create_model("test_resnet", pretrained=False).eval()
    safetensors.torch.save_file(model.state_dict(), tmp_path / "mine.safetensors")
    files = encoder_files(f"test_resnet@{tmp_path}/mine.safetensors", tmp_path / "cache")
    assert (files.card.name, files.card.size) == ("test_resnet@mine.safetensors", 160)
    model.reset_classifier(0)  # type: ignore[operator]
    found = OnnxEmbedder.open(files, threads=1).embed(patches(2, 160))
    assert np.allclose(found, reference.embed(model, patches(2, 160)), atol=1e-5)


def test_a_trained_network_of_two_views_gives_its_patches(tmp_path: Path) -> None:
    model = Paired().eval()
    data = export.onnx_bytes(model, (2, SIZE, SIZE))
    (tmp_path / "encoder.onnx").write_bytes(data)
    card = replace(card_of(data, 6), mean=(0.5,), std=(0.5,), views=(View.region, View.film))
    embedder = OnnxEmbedder(tmp_path / "encoder.onnx", card, threads=1)
    patch = np.random.default_rng(0).standard_normal((2, SIZE, SIZE), np.float32)
    vector, maps = embedder.explain(patch)
    assert np.allclose(vector, embedder.embed([patch])[0], atol=1e-6)
    with torch.inference_mode():
        features, expected = (answer.numpy()[0] for answer in model(torch.from_numpy(patch[np.newaxis])))
    assert np.allclose(maps, expected, atol=1e-5)
    assert np.allclose(vector, features / np.linalg.norm(features), atol=1e-5)


def test_patches_of_the_default_average_to_its_features(embedder: OnnxEmbedder) -> None:
    vector, maps = embedder.explain(patches(1, 224)[0])
    assert (maps.shape, maps.dtype.name) == ((1, 1280, 7, 7), "float32")
    pooled = maps[0].mean(axis=(1, 2))
    assert np.allclose(pooled / np.linalg.norm(pooled), vector, atol=1e-6)
    assert np.allclose(vector, embedder.embed(patches(1, 224))[0], atol=1e-6)


def test_a_network_without_patches_says_so(tmp_path: Path) -> None:
    embedder = saved(tmp_path, Small())
    with pytest.raises(EncoderError, match="exported without patch features"):
        embedder.explain(patches(1)[0])
    assert embedder.embed(patches(1)).shape == (1, 5)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("test_vit", (1, 1, 64, 10, 10)), ("test_convnext", (1, 1, 64, 5, 5)), ("test_byobnet", (1, 1, 256, 5, 5))],
)
def test_maps_of_timm_networks(name: str, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, num_classes=0).eval()
    network = explained(model, 160)
    patch = torch.from_numpy(np.stack(patches(1, 160)))
    with torch.inference_mode():
        features, maps = network(patch)
        assert torch.equal(features, model(patch))
    assert maps.shape == shape


def test_tokens_and_swin_maps_keep_their_places() -> None:
    places = torch.arange(12).float().reshape(1, 3, 2, 2)
    assert torch.equal(grid(places, 3, 0), places)  # type: ignore[arg-type]
    assert torch.equal(grid(places.permute(0, 2, 3, 1), 3, 0), places)  # type: ignore[arg-type]
    tokens = torch.cat([torch.full((1, 1, 3), 99.0), places.flatten(2).transpose(1, 2)], dim=1)
    assert torch.equal(grid(tokens, 3, 1), places)  # type: ignore[arg-type]
    assert grid(tokens, 3, 0) is None  # five tokens make no square
    assert grid(torch.zeros(1, 7), 7, 0) is None


@pytest.mark.slow
def test_nest_goes_through_the_older_exporter(tmp_path: Path) -> None:
    model = timm.create_model("nest_tiny_jx", pretrained=False).eval()
    safetensors.torch.save_file(model.state_dict(), tmp_path / "nest.safetensors")
    files = encoder_files(f"nest_tiny_jx@{tmp_path}/nest.safetensors", tmp_path / "cache")
    assert files.card.dimension == 384
    _, maps = OnnxEmbedder.open(files, threads=1).explain(patches(1, 224)[0])
    assert maps.shape == (1, 384, 14, 14)


def test_a_network_that_changed_on_the_way_is_refused(tmp_path: Path) -> None:
    embedder = saved(tmp_path, Small(seed=1))
    with pytest.raises(EncoderError, match=r"agrees with torch to cosine -?0\.\d+ only, under 0\.999"):
        export._check(Small(seed=2).eval(), embedder)


@pytest.mark.parametrize("weight", [0.0, float("nan")])
def test_a_network_that_answers_nothing_is_refused(tmp_path: Path, weight: float) -> None:
    model = Small()
    for parameter in model.parameters():
        nn.init.constant_(parameter, weight)
    with pytest.raises(EncoderError, match=r"features of length (0\.0|nan); its weights cannot be used"):
        saved(tmp_path, model).embed(patches(1))


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(export, "onnx_bytes", lambda model, shape: b"x")
    with pytest.raises(EncoderError, match="choose another place"):
        export.export(parse("default"), tmp_path / "file" / "encoder")


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export, "onnx_bytes", lambda model, shape: b"x")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFull, match="no room to export default"):
        export.export(parse("default"), tmp_path / "cache" / "encoder")
    assert list((tmp_path / "cache").iterdir()) == []


def fill(folder: Path, data: bytes) -> None:
    (folder / "encoder.onnx").write_bytes(data)
    (folder / "card.json").write_text(card_of(data).to_json())


def test_published_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="killed"), published(tmp_path / "e") as draft:
        fill(draft, b"half")
        raise RuntimeError("killed")
    assert list(tmp_path.iterdir()) == []
    with published(tmp_path / "e") as draft:
        fill(draft, b"whole")
        assert not (tmp_path / "e").exists()
    assert is_intact(tmp_path / "e")
    assert {path.name for path in tmp_path.iterdir()} <= {"e", LOCK_FILE}


def test_first_intact_encoder_stays_and_a_broken_one_is_replaced(tmp_path: Path) -> None:
    for content in (b"first", b"second"):
        with published(tmp_path / "e") as draft:
            fill(draft, content)
    assert (tmp_path / "e" / "encoder.onnx").read_bytes() == b"first"
    (tmp_path / "e" / "encoder.onnx").write_bytes(b"damaged")
    with published(tmp_path / "e") as draft:
        fill(draft, b"third")
    assert (tmp_path / "e" / "encoder.onnx").read_bytes() == b"third"


@pytest.mark.parametrize("before", [None, b"damaged"])
def test_all_who_publish_at_once_end_well(tmp_path: Path, before: bytes | None) -> None:
    for turn in range(20):
        folder, start = tmp_path / f"{turn}" / "e", threading.Barrier(6)
        if before is not None:
            folder.mkdir(parents=True)
            fill(folder, b"whole")
            (folder / "encoder.onnx").write_bytes(before)

        def publish(folder: Path = folder, start: threading.Barrier = start) -> bool:
            with published(folder) as draft:
                fill(draft, b"whole")
                start.wait()
            return folder.is_dir()

        with ThreadPoolExecutor(6) as pool:
            assert all(done.result() for done in [pool.submit(publish) for _ in range(6)])
        assert is_intact(folder)
        assert {path.name for path in folder.parent.iterdir()} <= {"e", LOCK_FILE}


def test_copy_runs_like_the_original(tmp_path: Path, embedder: OnnxEmbedder, encoder_cache: Path) -> None:
    copied = copy(encoder_files("default", encoder_cache), tmp_path / "archive" / "encoder")
    assert copied.card == embedder.card
    patch = patches(1, 224)
    assert np.array_equal(
        load_exported(tmp_path / "archive" / "encoder", threads=1).embed(patch), embedder.embed(patch)
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"mean": 3}', "\ufeff{", '{"name": "x"}'])
def test_cards_that_are_none(tmp_path: Path, text: str) -> None:
    fill(tmp_path, b"x")
    (tmp_path / "card.json").write_text(text, encoding="utf-8")
    with pytest.raises(EncoderError, match="is not a model card"):
        EncoderFiles.read(tmp_path)
