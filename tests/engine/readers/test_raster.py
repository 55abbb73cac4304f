"""Pictures as films, against arrays drawn by hand, real films and broken bytes."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.errors import FilmError, UnreadableFilm, UnsupportedFilm
from engine.radiograph import MAX_PIXELS
from engine.readers import read

GREY = np.random.default_rng(3).integers(0, 256, (40, 64), dtype=np.uint8)
SMOOTH = np.linspace(10, 240, 48 * 80).reshape(48, 80).astype(np.uint8)


def stored(array: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_eight_bits_come_through_as_they_are(kind: str) -> None:
    film = read(stored(GREY, kind), name="knee")
    np.testing.assert_allclose(film.pixels * 255, GREY, atol=1e-4)
    assert (film.shape, film.source, film.warnings) == (GREY.shape, "knee", ())


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("bits", "noted"), [(16, False), (12, True), (10, True), (8, False)])
def test_deep_pictures_take_the_range_that_their_pixels_use(kind: str, bits: int, noted: bool) -> None:
    deep = np.linspace(0, 2**bits - 1, 32 * 32).reshape(32, 32).astype(np.uint16)
    film = read(stored(deep, kind))
    np.testing.assert_allclose(film.pixels, deep / (2**bits - 1), atol=1e-6)
    assert bool(film.warnings) is noted and all(str(bits) in warning for warning in film.warnings)


def test_white_is_zero_is_turned_to_bone_bright() -> None:
    for array, top in ((SMOOTH, 255), (SMOOTH.astype(np.uint16) * 257, 65535)):
        film = read(stored(array, "TIFF", tiffinfo={262: 0}))
        expected = Image.open(io.BytesIO(stored(array, "TIFF", tiffinfo={262: 0})))
        # Pillow turns 8-bit pictures round by itself on both ways, so that what was saved comes back
        wanted = np.asarray(expected) / top if top == 255 else 1 - array / top
        np.testing.assert_allclose(film.pixels, wanted, atol=1e-5)


def test_floats_within_the_unit_range_stay_and_others_are_stretched() -> None:
    unit = np.linspace(0.2, 0.7, 400, dtype=np.float32).reshape(20, 20)
    np.testing.assert_array_equal(read(stored(unit, "TIFF")).pixels, unit)
    wide = read(stored(unit * 1000 - 300, "TIFF"))
    np.testing.assert_allclose(wide.pixels, (unit - 0.2) / 0.5, atol=1e-5)
    assert "-100" in wide.warnings[0] and "400" in wide.warnings[0]
    unit = unit.copy()
    unit[3, 3] = np.nan
    with pytest.raises(UnsupportedFilm, match="finite"):
        read(stored(unit, "TIFF"))


def test_colours_are_taken_by_their_luminance_and_transparency_is_ignored() -> None:
    rgb = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
    luma = rgb @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(read(stored(rgb)).pixels * 255, luma, atol=1.01)
    clear = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)])
    np.testing.assert_allclose(read(stored(clear)).pixels * 255, GREY, atol=1.01)
    palette = io.BytesIO()
    Image.fromarray(rgb).quantize(256).save(palette, "PNG")
    assert read(palette.getvalue()).pixels.shape == GREY.shape


TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_exif_rotation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    film = read(stored(SMOOTH, kind, exif=exif.tobytes(), **options))
    upright = TURNS[orientation](SMOOTH)
    assert film.shape == film.pixels.shape == upright.shape
    np.testing.assert_allclose(film.pixels * 255, upright, atol=2.5 if kind == "JPEG" else 1e-3)


@given(
    st.sampled_from([(600, 400), (901, 333), (257, 512)]),
    st.one_of(st.none(), st.integers(1, 1200)),
    st.sampled_from([1, 6]),
)
def test_property_reduced_decoding_never_goes_below_what_is_asked(
    shape: tuple[int, int], at_least: int | None, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = stored(np.full(shape, 90, np.uint8), "JPEG", exif=exif.tobytes())
    film = read(data, at_least=at_least)
    full = shape[::-1] if orientation == 6 else shape
    wanted = max(full) if at_least is None else min(at_least, max(full))
    assert film.shape == full
    assert max(film.pixels.shape) >= wanted
    scale = next(n for n in (1, 2, 4, 8) if -(-max(full) // n) == max(film.pixels.shape))
    assert film.pixels.shape == (-(-full[0] // scale), -(-full[1] // scale))
    assert scale == 8 or max(full) < 2 * scale * wanted


def test_a_reduced_film_looks_like_the_full_one_shrunk() -> None:
    film = cv2.GaussianBlur(np.random.default_rng(0).random((640, 480)).astype(np.float32), (0, 0), 9)
    film = ((film - film.min()) / np.ptp(film) * 255).astype(np.uint8)
    small = read(stored(film, "JPEG", quality=95), at_least=160).pixels
    assert small.shape == (160, 120)
    np.testing.assert_allclose(small * 255, cv2.resize(film, (120, 160), interpolation=cv2.INTER_AREA), atol=4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_pictures_are_refused(kind: str, share: float) -> None:
    data = stored(np.kron(GREY, np.ones((4, 4), np.uint8)), kind)
    with pytest.raises(UnreadableFilm, match="hand: not a whole picture"):
        read(data[: int(len(data) * share)], name="hand")


def png_header(columns: int, rows: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def test_sizes_are_refused_by_the_header_before_decoding() -> None:
    with pytest.raises(UnsupportedFilm, match=f"30000x30000.*{MAX_PIXELS // 10**6} million"):
        read(png_header(30_000, 30_000))
    with pytest.raises(UnsupportedFilm, match="1x1.*at least 16"):
        read(png_header(1, 1))


def test_several_frames_are_refused() -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1])]
    for kind in ("TIFF", "PNG"):
        out = io.BytesIO()
        frames[0].save(out, kind, save_all=True, append_images=frames[1:])
        with pytest.raises(UnsupportedFilm, match="2 frames"):
            read(out.getvalue())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"knee", "no picture that caselink knows"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"GIF89a" + bytes(40), "no picture that caselink knows"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "not a whole picture"),
        (b"\xff\xd8\xff\xe0", "not a whole picture"),
    ],
)
def test_strangers_get_one_clear_sentence(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableFilm, match=said) as caught:
        read(data, name="sent.png")
    assert str(caught.value).startswith("sent.png: ") and "\n" not in str(caught.value)
    assert "0x" not in str(caught.value)


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFilm, match=r"gone\.png: the file cannot be read \(No such file"):
        read(tmp_path / "gone.png")
    with pytest.raises(UnreadableFilm, match="directory"):
        read(tmp_path)


WHOLE = {
    "png": stored(GREY),
    "deep": stored(GREY.astype(np.uint16) * 200),
    "jpeg": stored(GREY, "JPEG", exif=Image.Exif().tobytes()),
    "tiff": stored(GREY, "TIFF", compression="tiff_lzw"),
    "bmp": stored(GREY, "BMP"),
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(
    st.sampled_from(sorted(WHOLE)),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
    st.integers(0, 4000),
    st.binary(max_size=8),
)
def test_fuzz_only_film_errors_come_out(kind: str, flips: list[tuple[int, int]], cut: int, tail: bytes) -> None:
    data = bytearray(WHOLE[kind])
    for place, value in flips:
        data[place % len(data)] = value
    if cut % 3 == 0:
        del data[cut % len(data) :]
    try:
        film = read(bytes(data) + tail)
    except FilmError:
        return
    assert np.isfinite(film.pixels).all() and film.pixels.min() >= 0 and film.pixels.max() <= 1


def test_real_films_decode_upright_and_the_truncated_ones_are_named(real_data: Callable[[str], Path]) -> None:
    root = real_data("fracatlas")
    names = {line.split()[0] for line in (root / "truncated.txt").read_text().splitlines() if line.strip()}
    files = {path.name: path for path in root.rglob("*.jpg")}
    for name in sorted(names):
        with pytest.raises(UnreadableFilm, match=name):
            read(files[name], at_least=512)
    turned = 0
    for name in sorted(files.keys() - names):
        with Image.open(files[name]) as picture:
            turned += picture.getexif().get(0x0112, 1) in {6, 8}
            if picture.getexif().get(0x0112, 1) in {6, 8}:
                assert read(files[name], at_least=512).shape == picture.size
    assert len(names) == 30 and turned > 0
