"""DICOM objects as films: every transfer syntax, every refusal, real files."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from imagecodecs import packbits_encode
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate

from engine.errors import UnreadableFilm, UnsupportedFilm
from engine.readers import read
from engine.readers.dicom import DicomReader

Make = Callable[..., bytes]
JPEG_12, RLE, J2K = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"
IMPLICIT, EXPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))
WINDOW = {"WindowCenter": "512", "WindowWidth": "1024"}


def shown(stored: np.ndarray) -> np.ndarray:
    """A 10-bit picture through `WINDOW`, by its formula."""
    return np.clip((stored.astype(float) - 511.5) / 1023 + 0.5, 0, 1)


def shipped(name: str) -> Path:
    """A file inside pydicom's wheel; none of those used here needs a download."""
    found = get_testdata_file(name, download=False)
    assert isinstance(found, str), name
    return Path(found)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_pixels_without_compression(dicom: Make, smooth: np.ndarray, syntax: str, depth: type) -> None:
    stored = (smooth // 5).astype(np.uint8)[:39, :17] if depth is np.uint8 else smooth
    if depth is np.uint8 and syntax == BIG:
        stored = stored[:38]  # pairs of pixels in big-endian words
        data = dicom(stored.reshape(-1, 2)[:, ::-1].tobytes(), syntax, **shape_of(stored))
        film = read(data)
    else:
        film = read(dicom(stored, syntax, **({} if depth is np.uint8 else WINDOW)))
    np.testing.assert_allclose(film.pixels, stored / 255 if depth is np.uint8 else shown(stored), atol=1e-6)
    assert film.pixels.flags.writeable is False and film.full_shape == stored.shape


def shape_of(stored: np.ndarray) -> dict[str, int]:
    return {
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "BitsAllocated": stored.dtype.itemsize * 8,
        "BitsStored": stored.dtype.itemsize * 8,
        "HighBit": stored.dtype.itemsize * 8 - 1,
    }


def test_every_compression_gives_the_picture(dicom: Make, smooth: np.ndarray, compressed: str) -> None:
    if compressed.endswith(".50"):
        stored = (smooth // 5).astype(np.uint8)
        film, wanted = read(dicom(stored, compressed)), stored / 255
    else:
        film, wanted = read(dicom(smooth, compressed, **WINDOW)), shown(smooth)
    lossy = compressed.rsplit(".", 1)[1] in {"50", "51", "81", "91"}
    np.testing.assert_allclose(film.pixels, wanted, atol=0.02 if lossy else 1e-6)


@pytest.mark.parametrize("syntax", [RLE, J2K, "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.201"])
def test_eight_bits_compressed(
    dicom: Make, frame: Callable[[str, np.ndarray], bytes], smooth: np.ndarray, syntax: str
) -> None:
    stored = (smooth // 5).astype(np.uint8)
    if syntax == RLE:
        plane = packbits_encode(stored, axis=-1)
        stream = struct.pack("<16L", 1, 64, *[0] * 14) + plane + b"\0" * (len(plane) % 2)
    else:
        stream = frame(syntax, stored)
    film = read(dicom(encapsulate([stream]), syntax, **shape_of(stored)))
    np.testing.assert_allclose(film.pixels, stored / 255, atol=1e-6)
    halves = [stream[: len(stream) // 4 * 2], stream[len(stream) // 4 * 2 :]]
    split = dicom(b"\xfe\xff\0\xe0\0\0\0\0" + encapsulate_parts(halves), syntax, **shape_of(stored))
    np.testing.assert_array_equal(read(split).pixels, film.pixels)


def encapsulate_parts(parts: list[bytes]) -> bytes:
    """One frame in several fragments."""
    padded = [part + b"\0" * (len(part) % 2) for part in parts]
    return b"".join(b"\xfe\xff\0\xe0" + struct.pack("<L", len(part)) + part for part in padded)


def test_overshoots_of_a_lossy_codec_stay_white(dicom: Make) -> None:
    """A 12-bit JPEG of a 10-bit film may decode to 1024 and more, which masking would turn black."""
    rng = np.random.default_rng(1)
    stored = np.where(rng.random((64, 64)) < 0.5, 1023, 0).astype(np.uint16)
    data = dicom(stored, JPEG_12, **WINDOW)
    assert pydicom.dcmread(BytesIO(data)).BitsStored == 10
    np.testing.assert_allclose(read(data).pixels, stored / 1023, atol=0.35)


@pytest.mark.parametrize(
    "name",
    [
        "MR_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_jpeg_ls_lossless.dcm",
    ],
)
def test_shipped_encodings_of_one_picture_are_equal(name: str) -> None:
    np.testing.assert_array_equal(read(shipped(name)).pixels, read(shipped("MR_small.dcm")).pixels)


@pytest.mark.parametrize("name", ["J2K_pixelrep_mismatch.dcm", "693_J2KI.dcm", "JPGExtended.dcm", "image_dfl.dcm"])
def test_shipped_odd_ones_decode(name: str) -> None:
    film = read(shipped(name))
    assert film.pixels.std() > 0.05 and film.pixels.max() > 0.9


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("test-SR.dcm", "no pixels.*Comprehensive SR Storage"),
        ("rtplan.dcm", "no pixels.*RT Plan"),
        ("waveform_ecg.dcm", "no pixels.*12-lead ECG"),
        ("examples_palette.dcm", "in colour"),
        ("SC_rgb_jpeg_dcmtk.dcm", "in colour"),
        ("SC_ybr_full_422_uncompressed.dcm", "in colour"),
        ("rtdose.dcm", "15 frames"),
        ("rtdose_1frame.dcm", "32 bits"),
        ("liver_1frame.dcm", "1 bits"),
    ],
)
def test_what_is_no_film_is_refused_by_name(name: str, said: str) -> None:
    with pytest.raises(UnsupportedFilm, match=said):
        read(shipped(name))


def test_more_that_is_no_film(dicom: Make) -> None:
    for data, said in [
        (dicom(NumberOfFrames=2), "2 frames"),
        (dicom(PhotometricInterpretation="PALETTE COLOR"), "in colour"),
        (dicom(SamplesPerPixel=3, PhotometricInterpretation="MONOCHROME2"), "in colour"),
        (dicom(np.zeros((8, 90), np.uint16)), "90x8.*at least 16"),
        (dicom(bytes(8), Rows=30_000, Columns=30_000, BitsAllocated=16), "30000x30000.*100 million"),
        (dicom(None), "no pixels.*Computed Radiography"),
    ]:
        with pytest.raises(UnsupportedFilm, match=said):
            read(data)


SMALL = {"Rows": 20, "Columns": 30, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def test_an_unknown_transfer_syntax_is_not_repeated(dicom: Make) -> None:
    data = dicom(bytes(600), **SMALL)
    for replacement, said in [("1.2.840.10008.1.2.4.100", "MPEG2"), ("9.9.9.7777.1", r"\(unknown\)")]:
        with pytest.raises(UnsupportedFilm, match=said) as caught:
            read(with_syntax(data, replacement))
        assert "7777" not in str(caught.value)


def with_syntax(data: bytes, uid: str | None) -> bytes:
    """The file under another transfer syntax, or none."""
    at = data.index(b"\x02\0\x10\0UI")
    length = struct.unpack_from("<H", data, at + 6)[0]
    value = b"" if uid is None else uid.encode() + b"\0" * (len(uid) % 2)
    element = b"" if uid is None else data[at : at + 6] + struct.pack("<H", len(value)) + value
    return data[:at] + element + data[at + 8 + length :]


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_without_transfer_syntax_the_bytes_tell(dicom: Make, smooth: np.ndarray, syntax: str) -> None:
    data = dicom(smooth, syntax, **WINDOW)
    wanted = read(data).pixels
    np.testing.assert_array_equal(read(with_syntax(data, None)).pixels, wanted)
    bare = data[data.index(b"\x08\0\x16\0") :]
    assert DicomReader().recognises(data[132 : 132 + 4096])
    np.testing.assert_array_equal(read(data[132:]).pixels, wanted)  # a file header, but no preamble
    np.testing.assert_array_equal(read(bare).pixels, wanted)  # no file header
    np.testing.assert_array_equal(read(with_syntax(data, IMPLICIT)).pixels, wanted)  # the wrong one of the two


def test_compressed_pixels_need_a_transfer_syntax(dicom: Make, smooth: np.ndarray) -> None:
    with pytest.raises(UnreadableFilm, match="does not say how"):
        read(with_syntax(dicom(smooth, RLE), None))
    with pytest.raises(UnreadableFilm, match="not RLE"):
        read(with_syntax(dicom(smooth), RLE))


@pytest.mark.parametrize(
    "head",
    [b"", b"\x08\0", b"\x08\0\x05\0", b"\x08\0\x05\0CS\x0a\0ISO_IR 100", b"\x89PNG\r\n\x1a\n" + bytes(50), bytes(4096)],
)
def test_other_heads_are_not_taken(head: bytes) -> None:
    assert not DicomReader().recognises(head)


def test_truncated_files_are_refused(dicom: Make, smooth: np.ndarray, compressed: str) -> None:
    wide = np.kron(smooth, np.ones((4, 4), np.uint16))
    wide += np.random.default_rng(0).integers(0, 4, wide.shape, dtype=np.uint16)
    picture = (wide // 5).astype(np.uint8) if compressed.endswith(".50") else wide
    for syntax in (compressed, EXPLICIT):
        data = dicom(picture, syntax)
        start = data.index(b"\xe0\x7f\x10\x00")
        for cut in (start + 30, (start + len(data)) // 2, len(data) - 40):
            with pytest.raises(UnreadableFilm):
                read(data[:cut])


def test_a_stream_cut_inside_a_whole_object_is_refused(
    dicom: Make, frame: Callable[[str, np.ndarray], bytes], smooth: np.ndarray, compressed: str
) -> None:
    picture = (smooth // 5).astype(np.uint8) if compressed.endswith(".50") else smooth
    whole = frame(compressed, picture)
    for part in (whole[: len(whole) // 2], whole[:3], b"\0\0"):
        with pytest.raises(UnreadableFilm):
            read(dicom(encapsulate([part]), compressed, **shape_of(picture)))


@pytest.mark.parametrize(
    "lie",
    [
        {"Rows": 41},
        {"Rows": 39},
        {"Columns": 57},
        {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7},
        {"BitsStored": 17},
        {"HighBit": 16},
        {"HighBit": 3},
        {"Rows": None},
        {"BitsAllocated": None},
        {"PhotometricInterpretation": None},
        {"PhotometricInterpretation": "GREYISH"},
    ],
)
@pytest.mark.parametrize("syntax", [EXPLICIT, RLE, J2K, "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.70"])
def test_lying_headers_are_refused(dicom: Make, lie: dict[str, object], syntax: str) -> None:
    with pytest.raises(UnreadableFilm):
        read(dicom(syntax=syntax, **lie))


def test_a_frame_that_claims_to_be_huge_is_refused_before_decoding(
    dicom: Make, frame: Callable[[str, np.ndarray], bytes], smooth: np.ndarray
) -> None:
    jpeg = bytearray(frame("1.2.840.10008.1.2.4.70", smooth))
    jpeg[jpeg.index(b"\xff\xc3") + 5 : jpeg.index(b"\xff\xc3") + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(UnreadableFilm, match="65535x65535 pixels, its header says 56x40"):
        read(dicom(encapsulate([bytes(jpeg)]), "1.2.840.10008.1.2.4.70", **shape_of(smooth)))
    colour = frame("1.2.840.10008.1.2.4.50", np.dstack([smooth // 5] * 3).astype(np.uint8))
    with pytest.raises(UnreadableFilm, match="3 channels of 8 bits"):
        read(dicom(encapsulate([colour]), "1.2.840.10008.1.2.4.50", **SMALL | {"Rows": 40, "Columns": 56}))
    two = encapsulate([frame(RLE, smooth)] * 2)
    with pytest.raises(UnreadableFilm, match="2 frames, its header one"):
        read(dicom(two, RLE, **shape_of(smooth)))


def test_a_deflated_bomb_is_refused(dicom: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.readers.dicom_elements.UNPACKED_LIMIT", 1 << 20)
    with pytest.raises(UnsupportedFilm, match="unpacks to more than 1 MiB"):
        read(dicom(np.zeros((1000, 1000), np.uint16), DEFLATED))


def test_sequences_of_any_length_are_stepped_over_or_read(dicom: Make, smooth: np.ndarray) -> None:
    def nested(depth: int) -> bytes:
        start = b"\x09\0\x10\x10SQ\0\0" + b"\xff" * 4 + b"\xfe\xff\x00\xe0" + b"\xff" * 4
        end = b"\xfe\xff\x0d\xe0" + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
        return start * depth + end * depth

    data = dicom(smooth, **WINDOW)
    at = data.index(b"\x28\0\x02\0US")
    np.testing.assert_array_equal(read(data[:at] + nested(5) + data[at:]).pixels, read(data).pixels)
    with pytest.raises(UnreadableFilm, match="over 12 deep"):
        read(data[:at] + nested(3000) + data[at:])


REAL = {
    "1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819": (1024, 1024),
    "RG1_J2KI": (1955, 1841),
    "RG2_JLSL": (2140, 1760),
    "RG2_JPLY": (2140, 1760),
    "RG3_J2KR": (1760, 1760),
    "RG3_JPLL": (1760, 1760),
    "RG3_RLE": (1760, 1760),
    "chrGerm": (32, 32),
    "gdcm-CR-MONO1-10-chest": (440, 440),
    "mlut_18": (512, 512),
    "vlut_04": (512, 512),
}


def test_real_files_decode_or_are_refused_by_name(real_data: Callable[[str], Path]) -> None:
    root = real_data("dicom")
    for name, shape in REAL.items():
        film = read(root / f"{name}.dcm")
        assert film.shape == film.pixels.shape == shape
        assert film.pixels.std() > 0.05, name
    with pytest.raises(UnsupportedFilm, match="2 frames"):
        read(root / "SC_rgb_16bit_2frame.dcm")
    with pytest.raises(UnsupportedFilm, match=r"no pixels.*Computed Radiography"):
        read(root / "chrJapMulti.dcm")


def test_real_lossless_encodings_are_equal_and_lossy_ones_near(real_data: Callable[[str], Path]) -> None:
    root = real_data("dicom")
    rle = read(root / "RG3_RLE.dcm").pixels
    for name in ("RG3_J2KR", "RG3_JPLL"):
        np.testing.assert_array_equal(read(root / f"{name}.dcm").pixels, rle)
    exact, lossy = (read(root / f"RG2_{name}.dcm").pixels for name in ("JLSL", "JPLY"))
    assert np.abs(exact - lossy).mean() < 0.006 and np.abs(exact - lossy).max() < 0.1


def test_real_bone_is_bright(real_data: Callable[[str], Path]) -> None:
    """The tibia's cortex against the air beside the leg (MONOCHROME1), the femur against the air (MONOCHROME2)."""
    root = real_data("dicom")
    leg = read(root / "RG3_RLE.dcm").pixels
    assert leg[300:900, 780:850].mean() > leg[300:900, 440:520].mean() + 0.4
    hip = read(root / "RG2_JLSL.dcm").pixels
    assert hip[700:900, 750:1000].mean() > hip[1600:2000, 400:1200].mean() + 0.3
