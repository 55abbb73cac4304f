"""Small generated films in folders, the default encoder, and archives of them."""

import csv
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.encoders import EncoderFiles, OnnxEmbedder, encoder_files
from indexer.ingest import IngestReport, ingest
from indexer.prepare import Roi
from indexer.sources import SourceOptions, open_source
from indexer.writer import open_writer

Draw = Callable[..., bytes]
Index = Callable[..., IngestReport]


@pytest.fixture(scope="session")
def encoder(encoder_cache: Path) -> EncoderFiles:
    """The exported default encoder."""
    return encoder_files("default", encoder_cache)


@pytest.fixture(scope="session")
def embedder(encoder: EncoderFiles) -> OnnxEmbedder:
    """The default encoder, ready to run."""
    return OnnxEmbedder.open(encoder, threads=1)


@pytest.fixture(scope="session")
def draw() -> Draw:
    """The PNG bytes of a generated film, another for every seed: a bright shaft on blurred noise."""

    def make(seed: int, side: int = 64) -> bytes:
        rng = np.random.default_rng(seed)
        grey = cv2.GaussianBlur(rng.random((side, side), np.float32), (0, 0), 1 + seed % 5)
        left = int(rng.integers(side // 4, side // 2))
        grey[:, left : left + side // 4] += 0.5
        done, data = cv2.imencode(".png", np.clip(grey * 160, 0, 255).astype(np.uint8))
        assert done
        return bytes(data)

    return make


@pytest.fixture(scope="session")
def lay() -> Callable[..., Path]:
    """Lays files and a table of them into a folder: `lay(root, {"a.png": bytes}, [{"file": "a.png", ..}])`."""

    def make(root: Path, files: Mapping[str, bytes], rows: Sequence[Mapping[str, object]] = ()) -> Path:
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        if rows:
            with (root / "films.csv").open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
                table.writeheader()
                table.writerows(rows)
        return root

    return make


@pytest.fixture(scope="session")
def index(embedder: OnnxEmbedder, encoder: EncoderFiles) -> Index:
    """Indexes a folder into an archive, as `caselink index` does."""

    def run(source: Path, root: Path, roi: Roi = Roi.whole, workers: int = 2, **options: object) -> IngestReport:
        listing = open_source(source, "folder", SourceOptions(**options))  # type: ignore[arg-type]
        with open_writer(root, embedder.card, encoder.onnx.parent) as writer:
            return ingest(listing, source, "folder", roi, embedder, writer, workers=workers)

    return run


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 40 MiB; skips where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "none", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("a real full disk needs the command `mount`")
    if done.returncode:
        pytest.skip(f"a real full disk needs the right to mount one ({done.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
