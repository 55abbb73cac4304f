"""Small DICOM objects for the reader's tests."""

import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.tag import Tag
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from indexer.synthetic.dicom_writer import rle_frame

SMOOTH = (np.linspace(0, 900, 40)[:, None] + np.linspace(0, 120, 56)[None]).astype(np.uint16)
"""A 10-bit ramp, 40 rows, 56 columns."""
ENCODERS: Mapping[str, Callable[[np.ndarray], bytes]] = {
    "1.2.840.10008.1.2.4.50": lambda p: imagecodecs.jpeg8_encode(p, level=95),
    "1.2.840.10008.1.2.4.51": lambda p: imagecodecs.jpeg8_encode(p, level=95, bitspersample=12),
    "1.2.840.10008.1.2.4.57": lambda p: imagecodecs.ljpeg_encode(p, bitspersample=16),
    "1.2.840.10008.1.2.4.70": lambda p: imagecodecs.jpeg8_encode(p, lossless=True, bitspersample=16),
    "1.2.840.10008.1.2.4.80": lambda p: imagecodecs.jpegls_encode(p),
    "1.2.840.10008.1.2.4.81": lambda p: imagecodecs.jpegls_encode(p, level=2),
    "1.2.840.10008.1.2.4.90": lambda p: imagecodecs.jpeg2k_encode(p, level=0, reversible=True, codecformat="j2k"),
    "1.2.840.10008.1.2.4.91": lambda p: imagecodecs.jpeg2k_encode(p, level=90, codecformat="j2k"),
    "1.2.840.10008.1.2.4.201": lambda p: imagecodecs.htj2k_encode(p),
    "1.2.840.10008.1.2.5": rle_frame,
}
"""One frame of a picture in each compression that can be made here."""
LOSSLESS = ("57", "70", "80", "90", "201")
Make = Callable[..., bytes]


def make(
    pixels: np.ndarray | bytes | None = SMOOTH,
    syntax: str = ExplicitVRLittleEndian,
    raw: Mapping[str, bytes] | None = None,
    **elements: Any,
) -> bytes:
    """A DICOM file. pixels: the picture, its stored bytes, or None; raw: values as bytes; elements: None = left out."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = ComputedRadiographyImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = "1.2.3.4"
    told: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME2", "SamplesPerPixel": 1, "PixelRepresentation": 0}
    if isinstance(pixels, np.ndarray):
        bits = pixels.dtype.itemsize * 8
        stored = 8 if bits == 8 else 10
        told |= {"Rows": pixels.shape[0], "Columns": pixels.shape[1]}
        told |= {"BitsAllocated": bits, "BitsStored": stored, "HighBit": stored - 1}
    for keyword, value in (told | elements).items():
        if value is not None:
            setattr(data, keyword, value)
    if pixels is not None:
        data.PixelData = pixels if isinstance(pixels, bytes) else _stored(pixels, syntax)
        data["PixelData"].VR = "OW" if syntax.startswith("1.2.840.10008.1.2") and syntax not in ENCODERS else "OB"
        data["PixelData"].is_undefined_length = syntax in ENCODERS
    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    whole = out.getvalue()
    for keyword, value in (raw or {}).items():
        whole = _put(whole, Tag(keyword), value)
    return whole


def _put(data: bytes, tag: int, value: bytes) -> bytes:
    """A little-endian file with an element of any bytes, which pydicom would not write."""
    element = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, b"LO", len(value)) + value
    for start, _, end in _spans(data, implicit=False, little=True):
        group, number = struct.unpack_from("<HH", data, start)
        if (group, number) >= (tag >> 16, tag & 0xFFFF) and group > 2:
            same = group << 16 | number == tag
            return data[:start] + element + data[end if same else start :]
    return data + element


def _spans(data: bytes, *, implicit: bool, little: bool) -> list[tuple[int, int, int]]:
    """Where each top-level element of known length starts, where its value does, and where it ends."""
    end_mark = "<" if little else ">"
    spans, at = [], 132
    while at + 12 <= len(data):
        group = struct.unpack_from("<H", data, at)[0]
        mark = "<" if group == 2 else end_mark
        vr = data[at + 4 : at + 6]
        if implicit and group != 2:
            head, length = 8, struct.unpack_from("<L", data, at + 4)[0]
        elif vr in {b"OB", b"OW", b"SQ", b"UN"}:
            head, length = 12, struct.unpack_from(f"{mark}L", data, at + 8)[0]
        else:
            head, length = 8, struct.unpack_from(f"{mark}H", data, at + 6)[0]
        if length == 0xFFFFFFFF:
            break
        spans.append((at, at + head, at + head + length))
        at += head + length
    return spans


def _stored(pixels: np.ndarray, syntax: str) -> bytes:
    if syntax in ENCODERS:
        return encapsulate([ENCODERS[syntax](pixels)])
    swapped = pixels.astype(">u2") if syntax == "1.2.840.10008.1.2.2" and pixels.dtype.itemsize == 2 else pixels
    return bytes(swapped.tobytes())


@pytest.fixture(scope="session")
def dicom() -> Make:
    """Makes DICOM files; see `make`."""
    return make


@pytest.fixture(scope="session")
def elements_of() -> Callable[..., list[tuple[int, int, int]]]:
    """Gives where the elements of a file lie; see `_spans`."""
    return _spans


@pytest.fixture(scope="session")
def frame() -> Callable[[str, np.ndarray], bytes]:
    """Compresses a picture for a transfer syntax."""
    return lambda syntax, pixels: ENCODERS[syntax](pixels)


@pytest.fixture(params=sorted(ENCODERS))
def compressed(request: pytest.FixtureRequest) -> str:
    """Each compressed transfer syntax that can be made here."""
    return str(request.param)


@pytest.fixture(scope="session")
def smooth() -> np.ndarray:
    """A 10-bit ramp of 40 rows and 56 columns."""
    return SMOOTH.copy()
