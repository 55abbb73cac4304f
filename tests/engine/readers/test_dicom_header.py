"""What is read of a DICOM header, what is left out with a word, and what must never be read or said."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from engine.errors import FilmError
from engine.radiograph import Header, Sex, Spacing
from engine.readers import read

Make = Callable[..., bytes]


def test_a_complete_header(dicom: Make) -> None:
    film = read(
        dicom(
            PatientID="P-77",
            PatientName="Doe^Jane",
            PatientBirthDate="20000101",
            PatientSex="F",
            PatientAge="013Y",
            StudyInstanceUID="1.2.3",
            ViewPosition="AP",
            ImageLaterality="L",
            Laterality="R",
            BodyPartExamined="LOWER_LEG",
            AcquisitionDate="20130708",
            StudyDate="20130701",
        )
    )
    expected = Header(
        "P-77", "1.2.3", "1.2.3.4", "frontal", "L", "lower leg", 13.0, Sex.female, date(2013, 7, 8), film.header.stage
    )
    assert film.header == expected
    assert not any("malformed" in warning for warning in film.warnings)


def test_an_empty_header_is_all_unknown(dicom: Make) -> None:
    film = read(dicom(PatientID="", PatientSex="", PatientAge="", ImageLaterality="U", SOPInstanceUID=None))
    assert film.header == Header(instance=film.header.instance)
    assert not any("malformed" in warning for warning in film.warnings)


@pytest.mark.parametrize(
    ("position", "view"),
    [("AP", "frontal"), ("pa", "frontal"), ("LL", "lateral"), ("LLO", "oblique"), ("AXIAL", None), ("", None)],
)
def test_views(dicom: Make, position: str, view: str | None) -> None:
    assert read(dicom(raw={"ViewPosition": position.encode()})).header.view == view


@pytest.mark.parametrize(
    ("code", "view"),
    [
        (codes.cid4010.AnteroPosterior, "frontal"),
        (codes.cid4010.PosteroAnterior, "frontal"),
        (codes.cid4010.Frontal, "frontal"),
        (codes.cid4010.LeftLateral, "lateral"),
        (codes.cid4010.MedioLateralProjection, "lateral"),
        (codes.cid4010.LateralProjection, "lateral"),
        (codes.cid4010.AnteroPosteriorOblique, "oblique"),
        (codes.cid4010.RightPosteriorOblique, "oblique"),
        (codes.cid4010.Tangential, None),
        (codes.cid4010.AxialProjection, None),
    ],
)
def test_coded_views(dicom: Make, code: object, view: str | None) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, "SCT", code.meaning  # type: ignore[attr-defined]
    assert read(dicom(ViewCodeSequence=[item])).header.view == view
    assert read(dicom(ViewCodeSequence=[item], ViewPosition="LL")).header.view == "lateral"


@pytest.mark.parametrize(
    ("raw", "age"),
    [
        ({"PatientAge": b"013Y"}, 13.0),
        ({"PatientAge": b"008M"}, 8 / 12),
        ({"PatientAge": b"010D"}, 10 / 365.2425),
        ({"PatientAge": b"006W"}, 42 / 365.2425),
        ({"PatientBirthDate": b"20000630", "StudyDate": b"20130629"}, 12.0),
        ({"PatientBirthDate": b"20000630", "StudyDate": b"20130630"}, 13.0),
        ({"PatientBirthDate": b"20120115", "StudyDate": b"20130629"}, 17 / 12),
        ({"PatientAge": b"040Y", "PatientBirthDate": b"20000630", "StudyDate": b"20130630"}, 40.0),
        ({"PatientAge": b"Y040", "PatientBirthDate": b"20000630", "StudyDate": b"20130630"}, 13.0),
        ({"PatientBirthDate": b"20000630"}, None),
        ({"PatientBirthDate": b"20140630", "StudyDate": b"20130630"}, None),
        ({"PatientAge": b"62"}, None),
        ({"PatientAge": b"999Y"}, None),
        ({"PatientAge": "٠١٣Y".encode()}, None),
    ],
)
def test_ages(dicom: Make, raw: dict[str, bytes], age: float | None) -> None:
    film = read(dicom(raw=raw))
    assert film.header.age == (None if age is None else pytest.approx(age))


@pytest.mark.parametrize(
    ("raw", "taken"),
    [
        ({"AcquisitionDate": b"20130708", "ContentDate": b"20130709"}, date(2013, 7, 8)),
        ({"AcquisitionDate": b"20139908", "ContentDate": b"20130709"}, date(2013, 7, 9)),
        ({"StudyDate": b"1993.02.24"}, date(1993, 2, 24)),
        ({"StudyDate": b"17000101"}, None),
        ({"StudyDate": b"2013-07-08"}, None),
    ],
)
def test_dates(dicom: Make, raw: dict[str, bytes], taken: date | None) -> None:
    film = read(dicom(raw=raw))
    assert film.header.taken == taken
    odd = (len(raw) > 1 and taken == date(2013, 7, 9)) or taken is None
    assert ("its date is malformed and was left out" in film.warnings) is odd


MALFORMED = {
    "PatientAge": b"SECRET1Y",
    "PatientSex": b"SECRET2",
    "PatientBirthDate": b"SECRET3",
    "StudyDate": b"SECRET4",
    "ImageLaterality": b"SECRET5",
    "BodyPartExamined": b"SECRET6^=",
    "StudyInstanceUID": b"SECRET7",
    "SOPInstanceUID": b"SECRET8",
    "PixelSpacing": b"SECRET9",
    "WindowCenter": b"SECRET10",
    "WindowWidth": b"SECRET11",
    "RescaleSlope": b"SECRET12",
    "NumberOfFrames": b"SECRET13",
    "VOILUTFunction": b"SECRET14",
    "PresentationLUTShape": b"SECRET15",
    "SpecificCharacterSet": b"SECRET16",
    "ViewPosition": b"SECRET17",
    "PixelSpacingCalibrationType": b"SECRET18",
}


def test_malformed_values_are_left_out_with_a_word_and_never_repeated(dicom: Make) -> None:
    film = read(dicom(raw=MALFORMED))
    assert film.header == Header()
    assert len(film.warnings) >= 9
    assert "SECRET" not in repr(film.warnings)
    for keyword in ("PhotometricInterpretation", "Rows", "SOPClassUID", "BitsAllocated"):
        try:
            told = str(read(dicom(raw={keyword: b"SECRET"})).warnings)
        except FilmError as error:
            told = str(error)
        assert "SECRET" not in told


def test_names_and_other_identifiers_are_never_read(dicom: Make) -> None:
    kept_away = {
        "PatientName": "SECRET^NAME",
        "OtherPatientNames": "SECRET",
        "PatientAddress": "SECRET",
        "ReferringPhysicianName": "SECRET",
        "PerformingPhysicianName": "SECRET",
        "OperatorsName": "SECRET",
        "InstitutionName": "SECRET",
        "AccessionNumber": "SECRET",
        "PatientComments": "SECRET",
        "PatientBirthDate": "20000630",
    }
    film = read(dicom(StudyDate="20130701", **kept_away))
    told = repr(astuple(film.header)) + repr(film.warnings) + film.source
    assert "SECRET" not in told
    assert "2000" not in told and film.header.age == 13


@pytest.mark.parametrize(
    ("charset", "raw", "patient"),
    [
        (b"ISO_IR 100", "Müller-1".encode("latin-1"), "Müller-1"),
        (b"ISO_IR 192", "Müller-1".encode(), "Müller-1"),
        (b"", "Müller-1".encode(), "Müller-1"),
        (b"ISO_IR 144", "П-7".encode("iso8859-5"), "П-7"),
        (b"ISO_IR 192", b"\xff\xfe7", "ÿþ7"),
        (b"NOT ONE", b" 7 \0", "7"),
    ],
)
def test_patient_numbers_in_other_characters(dicom: Make, charset: bytes, raw: bytes, patient: str) -> None:
    assert read(dicom(raw={"SpecificCharacterSet": charset, "PatientID": raw})).header.patient == patient


FINE, COARSE = Spacing(0.1, 0.2), Spacing(0.15, 0.3)


@pytest.mark.parametrize(
    ("told", "patient", "detector", "noted"),
    [
        ({}, None, None, ""),
        ({"PixelSpacing": [0.1, 0.2]}, FINE, None, "does not say whether"),
        ({"ImagerPixelSpacing": [0.15, 0.3]}, None, COARSE, ""),
        ({"NominalScannedPixelSpacing": [0.15, 0.3]}, None, COARSE, ""),
        ({"PixelSpacing": [0.1, 0.2], "ImagerPixelSpacing": [0.15, 0.3]}, FINE, COARSE, ""),
        ({"PixelSpacing": [0.15, 0.3], "ImagerPixelSpacing": [0.15, 0.3]}, None, COARSE, ""),
        (
            {
                "PixelSpacing": [0.15, 0.3],
                "ImagerPixelSpacing": [0.15, 0.3],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            COARSE,
            COARSE,
            "",
        ),
        ({"PixelSpacing": [0.1, 0.2], "PixelSpacingCalibrationType": "GEOMETRY"}, FINE, None, ""),
        ({"PixelSpacing": [0, 0]}, None, None, "0 x 0 mm is outside 0.02 to 2.0 mm"),
        ({"PixelSpacing": [-0.1, 0.1]}, None, None, "outside"),
        ({"PixelSpacing": [0.019, 0.1]}, None, None, "outside"),
        ({"PixelSpacing": [0.1, 2.001]}, None, None, "outside"),
        ({"PixelSpacing": 0.1}, None, None, "malformed"),
        ({"ImagerPixelSpacing": [0, 0], "PixelSpacing": [0.1, 0.2]}, FINE, None, "imager pixel spacing of 0 x 0"),
    ],
)
def test_spacings(
    dicom: Make, told: dict[str, object], patient: Spacing | None, detector: Spacing | None, noted: str
) -> None:
    film = read(dicom(WindowCenter=512, WindowWidth=1024, **told))
    assert (film.spacing, film.detector_spacing) == (patient, detector)
    assert noted in " ".join(film.warnings) and bool(film.warnings) == bool(noted)


@given(st.floats(-3, 3).map(lambda x: round(x, 4)), st.floats(-3, 3).map(lambda x: round(x, 4)))
def test_property_spacing_is_plausible_or_none(dicom: Make, row: float, column: float) -> None:
    film = read(dicom(PixelSpacing=[f"{row:.4f}", f"{column:.4f}"]))
    plausible = 0.02 <= row <= 2 and 0.02 <= column <= 2
    assert film.spacing == (Spacing(row, column) if plausible else None)


def test_real_headers(real_data: Callable[[str], Path]) -> None:
    root = real_data("dicom")
    leg = read(root / "RG3_RLE.dcm").header
    assert (leg.view, leg.side, leg.body_part, leg.age, leg.sex) == ("frontal", "R", "extremity", 13, Sex.female)
    assert leg.taken == date(1992, 12, 25) and leg.patient
    assert read(root / "gdcm-CR-MONO1-10-chest.dcm").header.taken == date(1993, 2, 24)
    zero = read(root / "RG1_J2KI.dcm")
    assert zero.spacing is None and "0 x 0 mm" in zero.warnings[0]
    assert read(root / "RG2_JLSL.dcm").spacing == Spacing(0.2, 0.2)
