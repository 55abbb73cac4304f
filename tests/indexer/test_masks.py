"""Masks given as files: the region they show, or a refusal that names the mask, the limit and the cure."""

import re
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine.errors import RegionError
from engine.region import Origin
from indexer.masks import read_mask

SHAPE = (120, 90)
BOX = (20, 30, 70, 95)


Picture = npt.NDArray[np.integer]


def drawn(value: int = 255, depth: type[np.integer] = np.uint8) -> Picture:
    mask = np.zeros(SHAPE, depth)
    mask[30:95, 20:70] = value
    return mask


def save(path: Path, pixels: Picture) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


@pytest.mark.parametrize("ending", [".png", ".tiff", ".bmp"])
@pytest.mark.parametrize("value", [1, 255])
def test_any_nonzero_value_is_lesion(tmp_path: Path, ending: str, value: int) -> None:
    region = read_mask(save(tmp_path / f"m{ending}", drawn(value)), SHAPE)
    assert (region.box, region.origin) == (BOX, Origin.mask)


def test_faint_values_of_deep_coloured_and_indexed_pictures_count(tmp_path: Path) -> None:
    deep = save(tmp_path / "deep.png", drawn(1, np.uint16))
    blue = save(tmp_path / "blue.png", np.dstack([drawn(1), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)]))
    palette = Image.fromarray(np.asarray(drawn(1), np.uint8)).convert("P")
    palette.putpalette([0, 0, 0, 0, 0, 2])
    palette.save(tmp_path / "palette.png")
    Image.fromarray(np.asarray(drawn(), np.uint8)).convert("1").save(tmp_path / "bits.png")
    for path in (deep, blue, tmp_path / "palette.png", tmp_path / "bits.png"):
        assert read_mask(path, SHAPE).box == BOX, path.name


def test_transparency_is_not_lesion(tmp_path: Path) -> None:
    grey = np.asarray(drawn(), np.uint8)
    opaque = np.full(SHAPE, 255, np.uint8)
    assert read_mask(save(tmp_path / "a.png", np.dstack([grey, grey, grey, opaque])), SHAPE).box == BOX


def test_a_mask_of_another_scale_is_brought_to_the_films(tmp_path: Path) -> None:
    half = np.asarray(drawn(), np.uint8)[::2, ::2]
    x0, y0, x1, y1 = read_mask(save(tmp_path / "half.png", half), SHAPE).box
    assert (x0, y0, x1, y1) == (20, 30, 70, 96)


def test_one_pixel_of_lesion_is_kept_as_it_is(tmp_path: Path) -> None:
    dot = np.zeros(SHAPE, np.uint8)
    dot[7, 9] = 1
    assert read_mask(save(tmp_path / "dot.png", dot), SHAPE).box == (9, 7, 10, 8)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("ending", [".png", ".jpg", ".tiff", ".bmp"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.95])
def test_a_mask_cut_off_is_no_lesion_cut_off(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], ending: str, share: float
) -> None:
    noise = np.random.default_rng(0).integers(1, 255, SHAPE, dtype=np.uint8)
    path = save(tmp_path / f"m{ending}", np.where(drawn() > 0, noise, 0).astype(np.uint8))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(RegionError, match=rf"the mask m\{ending} is not a whole picture; give a PNG"):
        read_mask(path, SHAPE)
    assert capfd.readouterr() == ("", "")  # no decoder speaks past the one sentence


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"x,y\n1,2\n"])
def test_what_is_no_picture(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.png").write_bytes(content)
    with pytest.raises(RegionError, match=r"the mask m\.png is not a whole picture; give a PNG where nonzero"):
        read_mask(tmp_path / "m.png", SHAPE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_flipped_byte_gives_a_region_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(save(tmp_path / "m.png", drawn()).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "m.png").write_bytes(content)
    try:
        region = read_mask(tmp_path / "m.png", SHAPE)
    except RegionError:
        return
    region.check(SHAPE)


def test_a_monster_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (30_000, 30_000)).save(path, compress_level=1)
    tracemalloc.start()
    said = re.escape("the mask huge.png has 30000x30000 pixels, over the limit of 100 million; send it at a smaller")
    with pytest.raises(RegionError, match=said):
        read_mask(path, SHAPE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20


def test_masks_of_another_film_and_empty_ones(tmp_path: Path) -> None:
    with pytest.raises(RegionError, match="the mask m.png has 90x30 pixels, the film 90x120; draw it on the same film"):
        read_mask(save(tmp_path / "m.png", np.ones((30, 90), np.uint8)), SHAPE)
    with pytest.raises(RegionError, match=r"the mask m\.png is black all over; draw the lesion, or leave the mask out"):
        read_mask(save(tmp_path / "m.png", np.zeros(SHAPE, np.uint8)), SHAPE)
    with pytest.raises(RegionError, match=r"the mask none\.png cannot be read \(No such file or directory\); check"):
        read_mask(tmp_path / "none.png", SHAPE)
