"""The embedder that serves: unit rows, the same bits in any company, no torch."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.embeddings import Embedder, Embeddings, Patch
from engine.encoders import OnnxEmbedder, encoder_files, load_exported, open_encoder
from engine.encoders.files import EncoderFiles, copy
from engine.encoders.runtime import usable_cores
from engine.errors import EncoderError
from engine.radiograph import Radiograph
from engine.region import Origin, Region

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def patches(embedder: OnnxEmbedder, film: Callable[..., Radiograph]) -> list[Patch]:
    films = [film((240 + 10 * n, 300), seed=n) for n in range(9)]
    return [embedder.prepare(f, Region(20, 30, 90 + 5 * n, 170, Origin.drawn)) for n, f in enumerate(films)]


@pytest.fixture
def copied(tmp_path: Path, encoder_cache: Path) -> EncoderFiles:
    return copy(encoder_files("default", encoder_cache), tmp_path / "encoder")


def test_prepare_and_embed_keep_the_protocol(embedder: OnnxEmbedder, patches: list[Patch]) -> None:
    whole: Embedder = embedder
    assert {(p.shape, p.dtype.name) for p in patches} == {((3, 224, 224), "float32")}
    vectors = whole.embed(patches)
    assert Embeddings(vectors, np.arange(9), whole.card).vectors.shape == (9, 1280)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-6


def test_no_films_no_rows(embedder: OnnxEmbedder) -> None:
    assert embedder.embed([]).shape == (0, 1280)
    assert embedder.embed([]).dtype == np.float32


def test_company_and_order_change_no_bit(embedder: OnnxEmbedder, patches: list[Patch]) -> None:
    together = embedder.embed(patches)
    assert np.array_equal(together, np.concatenate([embedder.embed([patch]) for patch in patches]))
    assert np.array_equal(together[::-1], embedder.embed(patches[::-1]))
    assert np.array_equal(np.tile(together, (4, 1)), embedder.embed(patches * 4))
    assert len(np.unique(together.round(4), axis=0)) == 9  # different films, different vectors


def test_any_number_of_threads_gives_the_same_bits(
    encoder_cache: Path, embedder: OnnxEmbedder, patches: list[Patch]
) -> None:
    single = open_encoder("default", encoder_cache, threads=1)
    assert single.threads == 1
    assert np.array_equal(single.embed(patches), embedder.embed(patches))
    assert open_encoder("default", encoder_cache).threads == usable_cores()


def test_many_callers_at_once(embedder: OnnxEmbedder, patches: list[Patch]) -> None:
    expected = embedder.embed(patches)
    start = threading.Barrier(6)

    def caller(seed: int) -> bool:
        order = np.random.default_rng(seed).permutation(len(patches))
        start.wait()
        return bool(np.array_equal(embedder.embed([patches[i] for i in order]), expected[order]))

    with ThreadPoolExecutor(6) as callers:
        assert all(callers.map(caller, range(6)))


def test_patches_are_not_changed_and_may_be_strided(embedder: OnnxEmbedder, patches: list[Patch]) -> None:
    before = patches[0].copy()
    strided = np.ascontiguousarray(before.transpose(1, 2, 0)).transpose(2, 0, 1)
    strided.setflags(write=False)
    assert np.array_equal(embedder.embed([strided]), embedder.embed([patches[0]]))
    assert np.array_equal(before, patches[0])


@pytest.mark.parametrize(("shape", "dtype"), [((3, 200, 224), "f4"), ((224, 224), "f4"), ((3, 224, 224), "f8")])
def test_foreign_patches_are_refused(embedder: OnnxEmbedder, shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(EncoderError, match=r"takes float32 \(3, 224, 224\) patches"):
        embedder.embed([np.zeros(shape, dtype)])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_refused(embedder: OnnxEmbedder, patches: list[Patch], value: float) -> None:
    broken = patches[0].copy()
    broken[0, 5, 5] = value
    with pytest.raises(EncoderError, match="no finite numbers"):
        embedder.embed([patches[0], broken])
    assert embedder.embed(patches[:1]).shape == (1, 1280)  # and it still works


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads(encoder_cache: Path, threads: int) -> None:
    with pytest.raises(EncoderError, match="give 1 or more"):
        open_encoder("default", encoder_cache, threads=threads)


def test_a_changed_network_is_refused_before_it_is_parsed(copied: EncoderFiles) -> None:
    data = bytearray(copied.onnx.read_bytes())
    data[len(data) // 2] ^= 1
    copied.onnx.write_bytes(data)
    with pytest.raises(EncoderError, match=r"its card says [0-9a-f]{12}; the file was damaged or exchanged"):
        load_exported(copied.onnx.parent)


def test_a_file_that_is_no_network(copied: EncoderFiles) -> None:
    copied.onnx.write_bytes(b"no network")
    card = replace(copied.card, sha256="9ae9ed9c9ae9")
    with pytest.raises(EncoderError, match="damaged or exchanged"):
        OnnxEmbedder(copied.onnx, card)
    matching = replace(card, sha256=hashlib.sha256(b"no network").hexdigest())
    with pytest.raises(EncoderError, match="OpenVINO cannot run default"):
        OnnxEmbedder(copied.onnx, matching)


@pytest.mark.parametrize("name", ["encoder.onnx", "card.json"])
def test_a_missing_file_is_named(copied: EncoderFiles, name: str) -> None:
    (copied.onnx.parent / name).unlink()
    with pytest.raises(EncoderError, match=f"holds no {name}"):
        load_exported(copied.onnx.parent)


def test_a_card_of_another_network(copied: EncoderFiles) -> None:
    with pytest.raises(EncoderError, match=r"its card says \[1, 7\]"):
        OnnxEmbedder(copied.onnx, replace(copied.card, dimension=7))
    with pytest.raises(EncoderError, match=r"runtime 'tpu'; this caselink has openvino-f32"):
        OnnxEmbedder(copied.onnx, replace(copied.card, runtime="tpu"))


def test_precision_is_part_of_the_identity(copied: EncoderFiles) -> None:
    assert copied.card.runtime == "openvino-f32"
    assert replace(copied.card, runtime="openvino-bf16").fingerprint != copied.card.fingerprint


def test_a_damaged_cache_is_exported_anew(tmp_path: Path, encoder_cache: Path) -> None:
    files = encoder_files("default", encoder_cache)
    cache = tmp_path / "cache"
    mine = copy(files, cache / files.onnx.parent.name)
    assert encoder_files("default", cache) == mine  # found by its key, not exported
    mine.onnx.write_bytes(b"damaged")
    assert encoder_files("default", cache).card.sha256 == files.card.sha256
    assert mine.intact


def test_a_cached_encoder_needs_no_torch(encoder_cache: Path, embedder: OnnxEmbedder, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
import numpy as np
from engine.encoders import open_encoder
from engine.radiograph import Radiograph
from engine.region import Region
encoder = open_encoder("default", Path({str(encoder_cache)!r}), threads=1)
film = Radiograph(np.random.default_rng(0).random((100, 120), np.float32), "", "")
vector = encoder.embed([encoder.prepare(film, Region.whole(film.shape))])
np.save({str(tmp_path / "vector.npy")!r}, vector)
print([name for name in ("torch", "timm", "onnx", "torchvision", "huggingface_hub") if name in sys.modules])
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
    film = Radiograph(np.random.default_rng(0).random((100, 120), np.float32), "", "")
    expected = embedder.embed([embedder.prepare(film, Region.whole(film.shape))])
    assert np.array_equal(np.load(tmp_path / "vector.npy"), expected)


FIRST_USE = """
import sys, threading
from pathlib import Path
import numpy as np
from engine.encoders import OnnxEmbedder, encoder_files
sys.setswitchinterval(1e-6)
embedder = OnnxEmbedder.open(encoder_files("default", Path(sys.argv[1])), threads=2)
busy = threading.Event()
def spin():
    while not busy.is_set():
        np.multiply(np.ones((3, 99)), 2.0)
noise = threading.Thread(target=spin)
noise.start()
patches = [np.random.default_rng(n).random((3, 224, 224), np.float32) for n in range(4)]
vectors = embedder.embed(patches)
busy.set()
noise.join()
print(vectors.shape)
"""


def test_the_first_films_may_come_on_several_threads(encoder_cache: Path) -> None:
    # the binding sets itself up at the first inference and locked itself out where two threads came first
    for _ in range(3):
        command = [sys.executable, "-c", FIRST_USE, str(encoder_cache)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=True)
        assert done.stdout.strip() == "(4, 1280)"
