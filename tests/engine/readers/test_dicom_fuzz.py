"""Broken DICOM in: only a FilmError or a sound film comes out, in silence, from many threads at once."""

import logging
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.errors import FilmError
from engine.readers import READERS, read

Make = Callable[..., bytes]
Spans = Callable[..., list[tuple[int, int, int]]]
IMPLICIT, EXPLICIT, BIG, DEFLATED = (f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))
CODECS = tuple(f"1.2.840.10008.1.2.{end}" for end in ("5", "4.50", "4.51", "4.70", "4.80", "4.90", "4.201"))


def whole(dicom: Make, smooth: np.ndarray, syntax: str) -> bytes:
    """A small film with everything that the reader looks at."""
    table, view = Dataset(), Dataset()
    table.LUTDescriptor = [1024, 0, 16]
    table.add_new("LUTData", "US", list(range(0, 65536, 64)))
    view.CodeMeaning = "antero-posterior"
    picture = (smooth // 5).astype(np.uint8) if syntax.endswith(".50") else smooth
    data = dicom(
        picture,
        syntax,
        SpecificCharacterSet="ISO_IR 100",
        PatientID="SECRET",
        PatientBirthDate="20000101",
        PatientAge="013Y",
        StudyDate="20130701",
        ViewCodeSequence=[view],
        VOILUTSequence=[table],
        RescaleSlope="1",
        RescaleIntercept="0",
        WindowCenter=["500", "90"],
        WindowWidth=["1000", "80"],
        PixelSpacing=["0.1", "0.1"],
        PixelPaddingValue=3,
        OtherPatientIDsSequence=[view],
    )
    if syntax != EXPLICIT:
        return data
    dataset = pydicom.dcmread(BytesIO(data))
    for name in ("VOILUTSequence", "OtherPatientIDsSequence"):
        dataset[name].is_undefined_length = True
        dataset[name].value[0].is_undefined_length_sequence_item = True
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def films(dicom: Make, smooth: np.ndarray) -> dict[str, bytes]:
    """A whole film in each transfer syntax."""
    return {syntax: whole(dicom, smooth, syntax) for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED, *CODECS)}


def check(data: bytes) -> None:
    """Only a FilmError or a sound film, without identifiers in what it says; straight at the reader, past the door."""
    told = ""
    try:
        film = READERS["dicom"].read(data, "film", "0" * 64, None)
    except FilmError as error:
        told = str(error)
    if told:
        assert "SECRET" not in told and "\n" not in told and len(told) < 300
        return
    assert np.isfinite(film.pixels).all() and film.pixels.min() >= 0 and film.pixels.max() <= 1
    assert "SECRET" not in repr(film.warnings)


def test_whole_films_are_read(films: dict[str, bytes]) -> None:
    for data in films.values():
        film = read(data)
        assert film.header.patient == "SECRET" and film.header.view == "frontal"


@given(
    st.sampled_from([IMPLICIT, EXPLICIT, BIG, DEFLATED, *CODECS]),
    st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), max_size=8),
    st.integers(0, 20000),
    st.binary(max_size=12),
)
def test_fuzz_flipped_and_cut_bytes(
    films: dict[str, bytes], syntax: str, flips: list[tuple[int, int]], cut: int, tail: bytes
) -> None:
    data = bytearray(films[syntax])
    for place, value in flips:
        data[132 + place % (len(data) - 132)] = value
    if cut % 4 == 0:
        del data[cut % len(data) :]
    check(bytes(data) + tail)


@given(
    st.sampled_from([IMPLICIT, EXPLICIT, BIG, *CODECS]),
    st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=20), st.booleans()), min_size=1, max_size=4),
)
def test_fuzz_elements_changed_or_taken_away(
    films: dict[str, bytes], elements_of: Spans, syntax: str, changes: list[tuple[int, bytes, bool]]
) -> None:
    """Whole elements replaced by other bytes of a true length, so that the walk goes on and values are what is odd."""
    data = films[syntax]
    little = syntax != BIG
    spans = elements_of(data, implicit=syntax == IMPLICIT, little=little)
    for number, value, gone in changes:
        start, at, end = spans[number % len(spans)]
        size = end - at
        patched = b"" if gone else data[start:at] + (value * size)[:size] if value else data[start:end]
        data = data[:start] + patched + data[end:] if not gone else data
        if gone:
            check(data[:start] + data[end:])
    check(data)


@given(st.binary(max_size=400), st.booleans())
def test_fuzz_bytes_from_nowhere(noise: bytes, with_preamble: bool) -> None:
    check((bytes(128) + b"DICM" if with_preamble else b"\x08\0") + noise)


@pytest.mark.slow
def test_fuzz_each_byte_of_a_header_flipped(films: dict[str, bytes]) -> None:
    for data in (films[EXPLICIT], films["1.2.840.10008.1.2.4.90"]):
        for place in range(132, min(len(data), 1400)):
            for value in (0, 255, data[place] ^ 1, data[place] ^ 0x80):
                check(data[:place] + bytes([value]) + data[place + 1 :])


def test_nothing_is_said_beside_the_answer(
    films: dict[str, bytes], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """No warning, log line or print, whatever is odd, with many readers at once; pydicom would tell values."""
    rng = np.random.default_rng(0)
    broken = []
    for data in films.values():
        for _ in range(30):
            some = bytearray(data)
            for place in rng.integers(132, min(len(data), 1500), 4):
                some[place] = int(rng.integers(256))
            broken.append(bytes(some))
    caplog.set_level(logging.DEBUG)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(check, broken):  # warnings are errors in tests, in every thread
            pass
    assert warnings.filters == before
    said = capfd.readouterr()
    assert (said.out, said.err, caplog.records) == ("", "", [])


def test_threads_agree(films: dict[str, bytes]) -> None:
    alone = {syntax: read(data).pixels for syntax, data in films.items()}
    with ThreadPoolExecutor(8) as pool:
        for syntax, film in pool.map(lambda item: (item[0], read(item[1])), list(films.items()) * 6):
            np.testing.assert_array_equal(film.pixels, alone[syntax])
