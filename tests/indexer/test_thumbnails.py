"""Thumbnails: small, whole, and nothing in them but the picture."""

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.radiograph import Pixels, Radiograph
from engine.readers import read
from indexer.thumbnails import THUMBNAIL_SIDE, is_plain_jpeg, shrink, thumbnail


def picture(rows: int, columns: int, seed: int = 0) -> Pixels:
    grey = cv2.GaussianBlur(np.random.default_rng(seed).random((rows, columns), np.float32), (0, 0), 3)
    return np.asarray((grey - grey.min()) / np.ptp(grey), np.float32)


def jpeg(pixels: Pixels, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


def with_comment(data: bytes) -> bytes:
    return data[:2] + b"\xff\xfe\x00\x10Rosalinde 4711" + data[2:]


def with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Rosalinde"
    return jpeg(picture(40, 30), exif=exif)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1000, 700), (512, 358)), ((1100, 600), (512, 279)), ((20, 4000), (3, 512)), ((300, 200), (300, 200))],
)
def test_long_side_is_at_most_512(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    film = Radiograph(picture(*shape), "ab" * 32, "film")
    assert shrink(film).shape == expected
    kept = cv2.imdecode(np.frombuffer(thumbnail(film, b""), np.uint8), cv2.IMREAD_UNCHANGED)
    assert kept.shape == expected
    shown = cv2.resize(film.pixels * 255, expected[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(kept.astype(float) - shown).mean() < 5


def test_a_small_plain_jpeg_is_kept_as_it_is() -> None:
    for number, side in enumerate((100, THUMBNAIL_SIDE, THUMBNAIL_SIDE + 1)):
        data = jpeg(picture(side, 60))
        film = read(data, at_least=THUMBNAIL_SIDE)
        assert (thumbnail(film, data) == data) == (number < 2)


@pytest.mark.parametrize(
    "data", [with_comment(jpeg(picture(40, 30))), with_exif(), jpeg(picture(40, 30)) + b"Rosalinde"]
)
def test_what_else_a_file_holds_is_left_behind(data: bytes) -> None:
    film = read(data, name="film.jpg")
    kept = thumbnail(film, data)
    assert b"Rosalinde" in data
    assert b"Rosalinde" not in kept
    assert np.abs(read(kept).pixels - film.pixels).mean() < 0.02


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"subsampling": 0}, {"restart_marker_rows": 1}])
def test_plain_jpegs(options: dict[str, object]) -> None:
    data = jpeg(picture(64, 48), **options)
    assert is_plain_jpeg(data)
    assert not is_plain_jpeg(data[:-2])
    assert not is_plain_jpeg(data + b"\0")
    assert not is_plain_jpeg(jpeg(picture(64, 48), progressive=True))


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: b"\xff\xd8\xff\xe0" + tail))
def test_no_bytes_confuse_the_look_at_a_jpeg(data: bytes) -> None:
    assert not is_plain_jpeg(data) or data.endswith(b"\xff\xd9")


def test_an_embedded_preview_is_not_plain() -> None:
    data = jpeg(picture(64, 48))
    header = b"\xff\xe0" + (16 + 3).to_bytes(2) + data[6:18] + b"\x01\x01" + b"\0\0\0"
    assert not is_plain_jpeg(data[:2] + header + data[20:])
