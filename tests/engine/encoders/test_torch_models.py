"""Where weights come from: local checkpoints, a hub (a small one on loopback), and what is said when they cannot."""

import hashlib
import pickle
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
from torch import nn

from engine.encoders import torch_models
from engine.encoders.spec import parse
from engine.encoders.torch_models import load
from engine.errors import EncoderError

TINY = "test_resnet"
"""timm's own network for tests: 0.5 million weights, 160 pixels."""
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def tiny() -> nn.Module:
    torch.manual_seed(5)
    return timm.create_model(TINY, pretrained=False).eval()


def same_features(model: nn.Module, original: nn.Module) -> bool:
    patch = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = original.forward_head(original.forward_features(patch), pre_logits=True)  # type: ignore[operator]
        return bool(torch.allclose(model(patch), expected, atol=1e-5))


def test_default_says_what_it_is() -> None:
    model, facts = load(parse("default"))
    assert not model.training
    assert (facts.size, facts.mean, facts.std) == (224, (0.5,) * 3, (0.5,) * 3)
    assert (facts.licence, facts.trained_on) == ("Apache-2.0", "ImageNet-1k")
    assert "57934424" in facts.weights


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_local_checkpoint_with_its_head(tmp_path: Path, tiny: nn.Module, suffix: str) -> None:
    file = tmp_path / f"mine{suffix}"
    if suffix == ".safetensors":
        safetensors.torch.save_file(tiny.state_dict(), file)
    else:
        torch.save({"state_dict": tiny.state_dict(), "epoch": 3}, file)
    model, facts = load(parse(f"{TINY}@{file}"))
    assert same_features(model, tiny)
    assert facts.name == f"{TINY}@mine{suffix}"
    assert str(tmp_path) not in facts.weights
    assert hashlib.sha256(file.read_bytes()).hexdigest() in facts.weights
    assert facts.licence == "not stated by the checkpoint"


def test_local_checkpoint_without_a_head(tmp_path: Path, tiny: nn.Module) -> None:
    state = {name: tensor for name, tensor in tiny.state_dict().items() if not name.startswith("fc.")}
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    assert same_features(load(parse(f"{TINY}@{tmp_path}/w.safetensors"))[0], tiny)


def test_checkpoint_of_another_architecture_is_refused(tmp_path: Path, tiny: nn.Module) -> None:
    safetensors.torch.save_file(tiny.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(EncoderError, match=r"'w.safetensors' does not fit 'test_vit'"):
        load(parse(f"test_vit@{tmp_path}/w.safetensors"))


def test_checkpoint_with_a_layer_missing_is_refused(tmp_path: Path, tiny: nn.Module) -> None:
    state = dict(tiny.state_dict())
    del state["conv1.0.weight" if "conv1.0.weight" in state else "conv1.weight"]
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(EncoderError, match="Missing key"):
        load(parse(f"{TINY}@{tmp_path}/w.safetensors"))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x02N."])
def test_damaged_checkpoints_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EncoderError, match="does not fit"):
        load(parse(f"{TINY}@{tmp_path / name}"))


class Trap:
    """Unpickling it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.mkdir, (self.folder,)


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(pickle.dumps(Trap(tmp_path / "ran"), protocol=2))
    with pytest.raises(EncoderError):
        load(parse(f"{TINY}@{tmp_path}/w.pth"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("resnet81", "resnet18"), ("efficientnet_b00", "efficientnet_b0"), ("resnet18.a9_in1k", "a1_in1k")],
)
def test_unknown_names_get_suggestions(name: str, meant: str) -> None:
    with pytest.raises(EncoderError, match=f"no model '{name}'.*{meant}"):
        load(parse(name))


def test_a_name_without_pretrained_weights() -> None:
    with pytest.raises(EncoderError, match=r"no pretrained weights for 'resnet18d\.|timm offers no|no model"):
        load(parse("resnet50_clip_gap.none"))


@pytest.fixture
def empty_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's client keeps its files here, so that nothing is on this machine yet."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def closed_hub() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.mark.usefixtures("empty_hub_cache")
def test_a_closed_hub_names_the_offline_choice_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(
        EncoderError, match=r"'resnet18'.*cannot be reached.*--encoder default.*NAME@/path/to/checkpoint"
    ):
        load(parse("resnet18"), hub=closed_hub())
    assert time.monotonic() - start < 5


@pytest.mark.usefixtures("empty_hub_cache")
def test_a_silent_hub_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_models, "HUB_PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(EncoderError, match="cannot be reached"):
            load(parse("resnet18"), hub=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 10


class Hub(BaseHTTPRequestHandler):
    """Just enough of a model hub: one file, its hash and its commit."""

    content = b""
    names: tuple[str, ...] = ()

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        found = self.path.partition("?")[0].endswith(self.names)
        self.send_response(200 if found else 404)
        if found:
            self.send_header("ETag", f'"{hashlib.sha256(self.content).hexdigest()}"')
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(self.content) if found else 0))
        self.end_headers()
        if body and found:
            self.wfile.write(self.content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the screen."""


@pytest.fixture
def hub(tmp_path: Path, tiny: nn.Module, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    safetensors.torch.save_file(tiny.state_dict(), tmp_path / "served.safetensors")
    monkeypatch.setattr(Hub, "content", (tmp_path / "served.safetensors").read_bytes())
    monkeypatch.setattr(Hub, "names", ("model.safetensors",))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("empty_hub_cache")
def test_weights_from_a_hub_once_and_then_from_its_cache(hub: str, tiny: nn.Module) -> None:
    model, facts = load(parse(TINY), hub=hub)
    assert same_features(model, tiny)
    assert facts.weights.startswith("timm/test_resnet.r160_in1k, model.safetensors, sha256 ")
    assert facts.trained_on == "ImageNet-1k (timm tag r160_in1k)"
    assert facts.licence == "apache-2.0"
    assert facts.size == 160
    assert same_features(load(parse(TINY), hub=closed_hub())[0], tiny)


@pytest.mark.usefixtures("empty_hub_cache")
def test_a_hub_without_the_file(hub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "names", ("nothing",))
    with pytest.raises(EncoderError, match=r"holds none of model\.safetensors"):
        load(parse(TINY), hub=hub)
