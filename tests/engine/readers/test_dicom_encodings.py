"""Encodings of one picture land on one place in the default encoder's space."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from engine.encoders import OnnxEmbedder, open_encoder
from engine.readers import read
from engine.region import Region

NEAR = 0.99


@pytest.fixture(scope="module")
def embed(encoder_cache: Path) -> Callable[[list[bytes]], np.ndarray]:
    """Unit vectors of films."""
    torch.set_num_threads(1)
    embedder: OnnxEmbedder = open_encoder("default", encoder_cache, threads=1)

    def run(files: list[bytes]) -> np.ndarray:
        films = [read(data) for data in files]
        return embedder.embed([embedder.prepare(film, Region.whole(film.shape)) for film in films])

    return run


def test_real_encodings_of_one_picture_are_near(
    real_data: Callable[[str], Path], embed: Callable[[list[bytes]], np.ndarray]
) -> None:
    root = real_data("dicom")
    names = ["RG2_JLSL", "RG2_JPLY", "RG3_J2KR", "RG3_JPLL", "RG3_RLE"]
    vectors = embed([(root / f"{name}.dcm").read_bytes() for name in names])
    for a, b in combinations(range(len(names)), 2):
        cosine = float(vectors[a] @ vectors[b])
        if names[a][:3] == names[b][:3]:
            assert cosine > NEAR, (names[a], names[b], cosine)
        else:
            assert cosine < NEAR, (names[a], names[b], cosine)


def test_generated_encodings_of_one_picture_are_near(
    dicom: Callable[..., bytes], embed: Callable[[list[bytes]], np.ndarray]
) -> None:
    """Every way to store one film: compressed, inverted, shifted, rescaled, by table, swapped, deflated."""
    noise = np.random.default_rng(5).random((24, 18)).astype(np.float32)
    grey = cv2.GaussianBlur(cv2.resize(noise, (288, 384), interpolation=cv2.INTER_CUBIC), (0, 0), 2)
    film = (cv2.normalize(grey, None, 0, 1, cv2.NORM_MINMAX) * 1023).astype(np.uint16)
    window = {"WindowCenter": "512", "WindowWidth": "1024"}
    base = "1.2.840.10008.1.2"
    syntaxes = [f"{base}{end}" for end in ("", ".1", ".2", ".1.99", ".5")]
    syntaxes += [f"{base}.4.{end}" for end in ("51", "57", "70", "80", "81", "90", "91", "201")]
    files = [dicom(film, syntax, **window) for syntax in syntaxes]
    files += [
        dicom((film // 4).astype(np.uint8), f"{base}.4.50"),
        dicom(1023 - film, PhotometricInterpretation="MONOCHROME1", **window),
        dicom((film << 6).astype(np.uint16), HighBit=15, **window),
        dicom(film, RescaleSlope="2", RescaleIntercept="-100", WindowCenter="924", WindowWidth="2048"),
        dicom(1023 - film, RescaleSlope="-1", RescaleIntercept="1023", **window),
        dicom((film ^ 512), PixelRepresentation=1, WindowCenter="0", WindowWidth="1024"),
    ]
    vectors = embed(files)
    cosines = vectors @ vectors[0]
    assert cosines.min() > NEAR, dict(enumerate(cosines.round(4)))
    inverted = embed([dicom(1023 - film, **window)])
    assert float(inverted[0] @ vectors[0]) < NEAR
