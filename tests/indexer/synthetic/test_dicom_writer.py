"""Storage: RLE frames, inversion and the window."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from indexer.synthetic.cohort import make_patient
from indexer.synthetic.dicom_writer import Encoding, age_on, rle_frame, sample_encoding


def decoded(frame: bytes, shape: tuple[int, int]) -> np.ndarray:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = RLELossless
    data.Rows, data.Columns = shape
    data.SamplesPerPixel, data.PixelRepresentation, data.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
    data.PixelData = encapsulate([frame])
    data["PixelData"].VR = "OB"
    return data.pixel_array


@pytest.mark.filterwarnings("ignore:The number of bytes of compressed")  # a frame may by chance be no shorter
@settings(max_examples=30, deadline=None)
@example(np.zeros((1, 44), np.uint16))
@given(
    arrays(
        np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 300)), elements=st.sampled_from([0, 7, 255, 256, 4095])
    )
)
def test_rle_frames_decode_to_what_went_in(stored: np.ndarray) -> None:
    np.testing.assert_array_equal(decoded(rle_frame(stored), stored.shape), stored)


@pytest.mark.parametrize("inverted", [False, True])
def test_window_brings_the_picture_back(inverted: bool) -> None:
    encoding = Encoding(inverted, False, 100, 3000, 2.0, -1024.0)
    picture = np.linspace(0, 1, 50, dtype=np.float32).reshape(5, 10)
    values = encoding.store(picture) * encoding.slope + encoding.intercept
    centre, width = encoding.window
    grey = (values - centre) / width + 0.5
    np.testing.assert_allclose(1 - grey if inverted else grey, picture, atol=3e-4)


def test_encodings_vary_but_most_are_plain() -> None:
    drawn = [sample_encoding(np.random.default_rng(k)) for k in range(400)]
    assert 0.05 < np.mean([e.inverted for e in drawn]) < 0.25
    assert 0.03 < np.mean([e.compressed for e in drawn]) < 0.25
    assert len({e.slope for e in drawn}) == 3


def test_an_impossible_range_is_refused() -> None:
    with pytest.raises(ValueError, match="0..4095"):
        Encoding(False, False, 3000, 100, 1.0, 0.0)


def test_age_is_that_of_the_films_day() -> None:
    patient = make_patient(0, 1, "SYN-X", "osteosarcoma", "femur", "M", 15)
    assert age_on(patient, patient.films[0]) == 15
