"""From stored words to grey: against formulas written down again, and pydicom's array functions as slow oracles."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from engine.errors import UnreadableFilm
from engine.readers import read

Make = Callable[..., bytes]


def stored_of(data: bytes) -> np.ndarray:
    return pydicom.dcmread(BytesIO(data)).pixel_array


def oracle(data: bytes) -> np.ndarray:
    """pydicom's chain, scaled from the range that its window writes to."""
    film = pydicom.dcmread(BytesIO(data))
    rescaled = apply_modality_lut(film.pixel_array, film)
    with np.errstate(over="ignore"):  # its sigmoid overflows to the right value
        out = apply_voi_lut(rescaled, film, prefer_lut=True).astype(float)
    low, high = (-(2 ** (film.BitsStored - 1)), 2 ** (film.BitsStored - 1) - 1)
    if film.PixelRepresentation == 0:
        low, high = 0, 2**film.BitsStored - 1
    slope, intercept = float(film.get("RescaleSlope", 1)), float(film.get("RescaleIntercept", 0))
    ends = sorted((low * slope + intercept, high * slope + intercept))
    return (out - ends[0]) / (ends[1] - ends[0])


@given(
    bits=st.integers(9, 16),
    signed=st.booleans(),
    slope=st.sampled_from([1.0, 0.5, 2.0, 3.25]),
    intercept=st.sampled_from([0.0, -1024.0, 33.5]),
    centre=st.floats(-2000, 70000).map(lambda x: round(x, 1)),
    width=st.floats(2, 70000).map(lambda x: round(x, 1)),
    kind=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    seed=st.integers(0, 99),
)
def test_property_windows_agree_with_pydicom(
    dicom: Make,
    bits: int,
    signed: bool,
    slope: float,
    intercept: float,
    centre: float,
    width: float,
    kind: str,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 2**bits, (20, 24)).astype(np.uint16)
    data = dicom(
        stored,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=int(signed),
        RescaleSlope=f"{slope}",
        RescaleIntercept=f"{intercept}",
        WindowCenter=f"{centre}",
        WindowWidth=f"{width}",
        VOILUTFunction=kind,
    )
    film = read(data)
    if not film.warnings:  # a window that leaves one grey only is ignored on purpose
        np.testing.assert_allclose(film.pixels, oracle(data), atol=1e-6)


def table(values: list[int], first: int, bits: int, vr: str = "US") -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(values), first, bits])
    item.add_new("LUTData", vr, np.array(values, "<u2").tobytes() if vr == "OW" else values)
    return [item]


@given(
    first=st.integers(0, 500),
    values=st.lists(st.integers(0, 65535), min_size=2, max_size=400),
    vr=st.sampled_from(["US", "OW"]),
    voi=st.booleans(),
)
def test_property_tables_agree_with_pydicom(dicom: Make, first: int, values: list[int], vr: str, voi: bool) -> None:
    values = [0, *values, 65535]
    where = "VOILUTSequence" if voi else "ModalityLUTSequence"
    window = {} if voi else {"WindowCenter": "32768", "WindowWidth": "65536"}
    item = table(values, first, 16, vr)
    data = dicom(**{where: item}, **window, ModalityLUTType="US")
    dataset = pydicom.dcmread(BytesIO(data))
    stored = dataset.pixel_array
    wanted = (apply_voi_lut if voi else apply_modality_lut)(stored, dataset).astype(float) / 65535
    film = read(data)
    if not film.warnings:
        np.testing.assert_allclose(film.pixels, wanted, atol=1e-6)


def test_a_table_may_start_below_zero_and_hold_bytes(dicom: Make, smooth: np.ndarray) -> None:
    signed = (smooth.astype(int) - 512).astype(np.int16).view(np.uint16) & 0x3FF
    rising = list(range(1024))
    below = dicom(signed, PixelRepresentation=1, VOILUTSequence=table(rising, -512, 10))
    np.testing.assert_allclose(read(below).pixels, smooth / 1023, atol=1e-6)
    item = Dataset()
    item.LUTDescriptor = [256, 0, 8]
    item.add_new("LUTData", "OW", bytes(range(255, -1, -1)))
    small = (smooth // 5).astype(np.uint8)
    np.testing.assert_allclose(read(dicom(small, VOILUTSequence=[item])).pixels, 1 - small / 255, atol=1e-6)


def test_tables_of_undefined_length_are_read(dicom: Make, smooth: np.ndarray) -> None:
    items = table(list(range(1023, -1, -1)), 0, 10)
    plain = dicom(smooth, VOILUTSequence=items)
    dataset = pydicom.dcmread(BytesIO(plain))
    dataset["VOILUTSequence"].is_undefined_length = True
    dataset.VOILUTSequence[0].is_undefined_length_sequence_item = True
    out = BytesIO()
    dataset.save_as(out)
    assert out.getvalue() != plain
    np.testing.assert_array_equal(read(out.getvalue()).pixels, read(plain).pixels)
    np.testing.assert_allclose(read(plain).pixels, 1 - smooth / 1023, atol=1e-6)


def test_tables_that_lie(dicom: Make, smooth: np.ndarray) -> None:
    window = {"WindowCenter": "512", "WindowWidth": "1024"}
    short = table([1, 2, 3], 0, 16)
    short[0].LUTDescriptor = [900, 0, 16]
    film = read(dicom(smooth, VOILUTSequence=short, **window))
    np.testing.assert_array_equal(film.pixels, read(dicom(smooth, **window)).pixels)
    assert "VOI table is not whole" in film.warnings[0]
    with pytest.raises(UnreadableFilm, match="modality lookup table"):
        read(dicom(smooth, ModalityLUTSequence=short, **window))
    deep = read(dicom(smooth, VOILUTSequence=table(list(range(1024)), 0, 16)))
    np.testing.assert_allclose(deep.pixels, smooth / 1023, atol=1e-6)
    assert "uses 10 bits where it says 16" in deep.warnings[0]


@pytest.mark.parametrize(("bits", "high"), [(10, 9), (12, 11), (10, 13), (12, 15), (15, 14), (16, 15)])
@pytest.mark.parametrize("signed", [False, True])
def test_only_the_stored_bits_count(dicom: Make, bits: int, high: int, signed: bool) -> None:
    """Bits outside hold overlays of old; here they are noise."""
    rng = np.random.default_rng(bits)
    values = rng.integers(0, 2**bits, (30, 20))
    noise = rng.integers(0, 2**16, values.shape)
    shift = high + 1 - bits
    mask = ((1 << bits) - 1) << shift
    words = (noise & ~mask & 0xFFFF | (values << shift)).astype(np.uint16)
    meant = np.where(signed & (values >= 2 ** (bits - 1)), values - 2**bits, values)
    window = {"WindowCenter": "0" if signed else str(2 ** (bits - 1)), "WindowWidth": str(2**bits)}
    data = dicom(words, BitsStored=bits, HighBit=high, PixelRepresentation=int(signed), **window)
    wanted = (meant - float(window["WindowCenter"]) + 0.5) / (2**bits - 1) + 0.5
    np.testing.assert_allclose(read(data).pixels, np.clip(wanted, 0, 1), atol=1e-6)


def test_overlays_stay_outside_the_pixels(dicom: Make, smooth: np.ndarray) -> None:
    plain = dicom(smooth)
    dataset = pydicom.dcmread(BytesIO(plain))
    dataset.add_new(0x60000010, "US", 40)
    dataset.add_new(0x60000011, "US", 56)
    dataset.add_new(0x60000100, "US", 1)
    dataset.add_new(0x60003000, "OW", b"\xff" * 280)
    out = BytesIO()
    dataset.save_as(out)
    np.testing.assert_array_equal(read(out.getvalue()).pixels, read(plain).pixels)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted", "noted"),
    [
        ("MONOCHROME2", None, False, False),
        ("MONOCHROME2", "IDENTITY", False, False),
        ("MONOCHROME1", None, True, False),
        ("MONOCHROME1", "INVERSE", True, False),
        ("MONOCHROME2", "INVERSE", True, True),
        ("MONOCHROME1", "IDENTITY", True, True),
    ],
)
def test_polarity(
    dicom: Make, smooth: np.ndarray, photometric: str, shape: str | None, inverted: bool, noted: bool
) -> None:
    window = {"WindowCenter": "512", "WindowWidth": "1024"}
    film = read(dicom(smooth, PhotometricInterpretation=photometric, PresentationLUTShape=shape, **window))
    wanted = smooth / 1023
    np.testing.assert_allclose(film.pixels, 1 - wanted if inverted else wanted, atol=1e-6)
    assert any("disagree" in warning for warning in film.warnings) is noted


def test_the_first_sound_window_counts(dicom: Make, smooth: np.ndarray) -> None:
    one = read(dicom(smooth, WindowCenter="400", WindowWidth="600")).pixels
    np.testing.assert_array_equal(read(dicom(smooth, WindowCenter=[400, 90], WindowWidth=[600, 20])).pixels, one)
    np.testing.assert_array_equal(read(dicom(smooth, WindowCenter=[90, 400], WindowWidth=[0, 600])).pixels, one)
    for raw in ({"WindowCenter": b"many", "WindowWidth": b"10"}, {"WindowCenter": b"1e999 ", "WindowWidth": b"10"}):
        film = read(dicom(smooth, raw=raw))
        assert "window is malformed" in film.warnings[0] and film.pixels.max() == 1
    assert "unknown" in read(dicom(smooth, WindowCenter=400, WindowWidth=600, VOILUTFunction="ODD")).warnings[0]


def test_a_window_beside_the_film_is_ignored(dicom: Make, smooth: np.ndarray) -> None:
    film = read(dicom(smooth, WindowCenter="30000", WindowWidth="10"))
    np.testing.assert_array_equal(film.pixels, read(dicom(smooth)).pixels)
    assert "nothing to see" in film.warnings[0]


def test_without_a_window_deep_films_take_their_own_range(dicom: Make) -> None:
    stored = np.tile(np.arange(300, 700, 2, dtype=np.uint16), (200, 1))
    stored[0, :40] = 1023  # a burnt letter
    film = read(dicom(stored))
    assert film.pixels[5, 0] == 0 and film.pixels[5, -1] == 1
    assert abs(float(film.pixels[5, 100]) - 0.5) < 0.01
    assert "no window" in film.warnings[0]
    flat = read(dicom(np.full((20, 20), 7, np.uint16)))
    assert not flat.pixels.any()


def test_without_a_window_eight_bits_keep_their_range(dicom: Make, smooth: np.ndarray) -> None:
    stored = (smooth // 8 + 20).astype(np.uint8)
    film = read(dicom(stored))
    np.testing.assert_allclose(film.pixels, stored / 255, atol=1e-6)
    assert film.warnings == ()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_sets_no_range(dicom: Make, smooth: np.ndarray, photometric: str) -> None:
    padded = smooth.clip(100, 900)
    padded[:, :30] = 0
    padded[:, 30] = 1020
    film = read(dicom(padded, PhotometricInterpretation=photometric, PixelPaddingValue=0, PixelPaddingRangeLimit=3))
    assert not film.pixels[:, :30].any()
    bare = read(dicom(padded[:, 30:], PhotometricInterpretation=photometric))
    np.testing.assert_allclose(film.pixels[:, 30:], bare.pixels, atol=0.01)


@pytest.mark.parametrize(
    "raw",
    [{"RescaleSlope": b"0 "}, {"RescaleSlope": b"two "}, {"RescaleIntercept": b"1e400 "}, {"RescaleSlope": b"1e-300"}],
)
def test_a_malformed_rescale_is_left_out(dicom: Make, smooth: np.ndarray, raw: dict[str, bytes]) -> None:
    window = {"WindowCenter": "512", "WindowWidth": "1024"}
    film = read(dicom(smooth, raw=raw, **window))
    np.testing.assert_array_equal(film.pixels, read(dicom(smooth, **window)).pixels)
    assert "rescale" in film.warnings[0]


@pytest.mark.parametrize("name", ["mlut_18", "vlut_04"])
def test_real_tables_agree_with_pydicom(real_data: Callable[[str], Path], name: str) -> None:
    path = real_data("dicom") / f"{name}.dcm"
    dataset = pydicom.dcmread(path)
    out = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset).astype(float)
    film = read(path).pixels
    np.testing.assert_allclose(film, (out - out.min()) / np.ptp(out), atol=0.01)
    assert np.corrcoef(film.ravel(), out.ravel())[0, 1] > 0.9999
