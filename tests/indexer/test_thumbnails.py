"""Thumbnails: small, whole, and nothing in them but the picture."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.radiograph import Pixels, Radiograph
from engine.readers import read
from indexer.thumbnails import DRAFTS, THUMBNAIL_SIDE, is_plain_jpeg, save_thumbnail, shrink, thumbnail_path


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
    ("shape", "expected"), [((1000, 700), (512, 358)), ((20, 4000), (3, 512)), ((300, 200), (300, 200))]
)
def test_long_side_is_at_most_512(tmp_path: Path, shape: tuple[int, int], expected: tuple[int, int]) -> None:
    film = Radiograph(picture(*shape), "ab" * 32, "film")
    assert shrink(film).shape == expected
    save_thumbnail(tmp_path, film, b"")
    data = thumbnail_path(tmp_path, film.sha256).read_bytes()
    kept = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert kept.shape == expected
    shown = cv2.resize(film.pixels * 255, expected[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(kept.astype(float) - shown).mean() < 5


def test_one_already_there_stays_and_an_empty_one_does_not(tmp_path: Path) -> None:
    film = Radiograph(picture(40, 30), "ab" * 32, "film")
    path = thumbnail_path(tmp_path, film.sha256)
    save_thumbnail(tmp_path, film, b"")
    first = path.read_bytes()
    save_thumbnail(tmp_path, Radiograph(picture(40, 30, 1), "ab" * 32, "film"), b"")
    assert path.read_bytes() == first
    path.write_bytes(b"")  # what a power cut may leave
    save_thumbnail(tmp_path, film, b"")
    assert path.read_bytes() == first
    assert list((tmp_path / DRAFTS).iterdir()) == []


def test_a_small_plain_jpeg_is_kept_as_it_is(tmp_path: Path) -> None:
    for number, side in enumerate((100, THUMBNAIL_SIDE + 1)):
        data = jpeg(picture(side, 60))
        film = read(data, at_least=THUMBNAIL_SIDE)
        save_thumbnail(tmp_path, film, data)
        assert (thumbnail_path(tmp_path, film.sha256).read_bytes() == data) == (number == 0)


@pytest.mark.parametrize(
    "data", [with_comment(jpeg(picture(40, 30))), with_exif(), jpeg(picture(40, 30)) + b"Rosalinde"]
)
def test_what_else_a_file_holds_is_left_behind(tmp_path: Path, data: bytes) -> None:
    film = read(data, name="film.jpg")
    save_thumbnail(tmp_path, film, data)
    kept = thumbnail_path(tmp_path, film.sha256).read_bytes()
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
