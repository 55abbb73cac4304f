"""What a DICOM header says of a film: the little that retrieval needs. Names, addresses and physicians are not read.

No warning and no error holds a value of the header: identifiers and dates must not reach a log or a report.
"""

import re
from datetime import date
from types import MappingProxyType
from typing import Final

from engine.radiograph import SPACING_LIMITS_MM, Header, Sex, Spacing
from engine.readers.dicom_elements import Elements
from engine.said import Said

UID_FORM = re.compile(r"[0-9.]{1,64}")
DATE_FORM = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})")  # dots: ACR-NEMA, still met
AGE_FORM = re.compile(r"(\d{3})([DWMY])")
PART_FORM = re.compile(r"[A-Za-z][A-Za-z0-9 _,/()&-]{0,63}")
DAYS_PER_YEAR: Final = 365.2425
YEARS_PER: Final = MappingProxyType({"Y": 1.0, "M": 1 / 12, "W": 7 / DAYS_PER_YEAR, "D": 1 / DAYS_PER_YEAR})
OLDEST: Final = 130
FIRST_FILM: Final = 1895
VIEWS: Final = MappingProxyType(
    dict.fromkeys(("AP", "PA", "FRONTAL"), "frontal")
    | dict.fromkeys(("LL", "RL", "LAT", "LATERAL", "ML", "LM"), "lateral")
    | dict.fromkeys(("RLO", "LLO", "RAO", "LAO", "RPO", "LPO", "OBL", "OBLIQUE"), "oblique")
)
"""View Position to caselink's word; other positions, axial for one, are none of the three."""
VIEW_WORDS: Final = (
    ("oblique", ("oblique",)),
    ("lateral", ("lateral", "medial", "sagittal")),
    ("frontal", ("frontal", "antero-posterior", "anteroposterior", "postero-anterior", "posteroanterior")),
)
"""Words in the meaning of a coded view, the most telling first."""


def header_of(elements: Elements, notes: list[str]) -> Header:
    """The header of a film; what is malformed becomes None and is told in `notes`, without its value."""
    taken = _taken(elements, notes)
    return Header(
        patient=elements.text("PatientID") or None,
        study=_uid(elements, "StudyInstanceUID", "study", notes),
        instance=_uid(elements, "SOPInstanceUID", "instance", notes),
        view=_view(elements),
        side=_side(elements, notes),
        body_part=_body_part(elements, notes),
        age=_age(elements, taken, notes),
        sex=_sex(elements, notes),
        taken=taken,
    )


def spacings_of(elements: Elements, notes: list[str]) -> tuple[Spacing | None, Spacing | None]:
    """Spacing in the patient and at the detector, each None where unknown (PS3.3 10.7.1).

    Pixel Spacing that equals the detector's and names no calibration is the detector's, uncorrected. Alone it is taken
    as it stands, with a note: the standard says that its calibration cannot be determined then.
    """
    patient = _spacing(elements, "PixelSpacing", "pixel spacing", notes)
    detector = _spacing(elements, "ImagerPixelSpacing", "imager pixel spacing", notes) or _spacing(
        elements, "NominalScannedPixelSpacing", "nominal scanned pixel spacing", notes
    )
    calibrated = elements.text("PixelSpacingCalibrationType").upper() in {"GEOMETRY", "FIDUCIAL"}
    if patient is not None and not calibrated:
        if detector is None:
            notes.append(Said("uncalibrated", "it does not say whether its pixel spacing is calibrated"))
        elif patient == detector:
            patient = None
    return patient, detector


def _spacing(elements: Elements, keyword: str, name: str, notes: list[str]) -> Spacing | None:
    numbers = elements.numbers(keyword)
    if numbers == ():
        return None
    low, high = SPACING_LIMITS_MM
    if numbers is None or len(numbers) != 2:
        _malformed(name, notes)
        return None
    if not all(low <= number <= high for number in numbers):
        told = " x ".join(f"{number:g}" for number in numbers)
        said = "its {name} of {told} mm is outside {low} to {high} mm and was left out"
        notes.append(Said("spacing_range", said, name=name, told=told, low=f"{low}", high=f"{high}"))
        return None
    return Spacing(*numbers)


def _malformed(name: str, notes: list[str]) -> None:
    notes.append(Said("malformed", "its {name} is malformed and was left out", name=name))


def _uid(elements: Elements, keyword: str, name: str, notes: list[str]) -> str | None:
    text = elements.text(keyword)
    if text and not UID_FORM.fullmatch(text):
        _malformed(f"{name} identifier", notes)
        return None
    return text or None


def _view(elements: Elements) -> str | None:
    position = VIEWS.get(elements.text("ViewPosition").upper())
    if position is not None:
        return position
    for item in elements.sequences.get("ViewCodeSequence", ())[:1]:
        meaning = item.text("CodeMeaning").lower()
        return next((view for view, words in VIEW_WORDS if any(word in meaning for word in words)), None)
    return None


def _side(elements: Elements, notes: list[str]) -> str | None:
    for keyword in ("ImageLaterality", "Laterality"):
        side = elements.text(keyword).upper()
        if side in {"L", "R", "B"}:
            return side
        if side not in {"", "U"}:
            _malformed("laterality", notes)
    return None


def _body_part(elements: Elements, notes: list[str]) -> str | None:
    part = elements.text("BodyPartExamined")
    if part and not PART_FORM.fullmatch(part):
        _malformed("body part", notes)
        return None
    return " ".join(part.replace("_", " ").lower().split()) or None


def _sex(elements: Elements, notes: list[str]) -> Sex | None:
    sex = elements.text("PatientSex").upper()
    if sex in {"M", "F"}:
        return Sex(sex)
    if sex not in {"", "O"}:
        _malformed("patient's sex", notes)
    return None


def _taken(elements: Elements, notes: list[str]) -> date | None:
    """The first sound date of acquisition, content, study."""
    for keyword in ("AcquisitionDate", "ContentDate", "StudyDate"):
        text = elements.text(keyword)
        day = _date(text)
        if day is not None and day.year >= FIRST_FILM:
            return day
        if text:
            _malformed("date", notes)
    return None


def _date(text: str) -> date | None:
    form = DATE_FORM.fullmatch(text)
    if form is None or not text.isascii():
        return None
    try:
        return date(int(form[1]), int(form[3]), int(form[4]))
    except ValueError:
        return None


def _age(elements: Elements, taken: date | None, notes: list[str]) -> float | None:
    """Years at the film. From the birth date only where no age is given, and then in whole years (under two, months)
    as DICOM itself tells an age: a finer one would give the birth date away."""
    text = elements.text("PatientAge")
    if text:
        form = AGE_FORM.fullmatch(text)
        age = int(form[1]) * YEARS_PER[form[2]] if form and text.isascii() else OLDEST + 1
        if age <= OLDEST:
            return age
        _malformed("patient's age", notes)
    born = _date(elements.text("PatientBirthDate"))
    if born is None or taken is None:
        return None
    months = (taken.year - born.year) * 12 + taken.month - born.month - (taken.day < born.day)
    if not 0 <= months <= OLDEST * 12:
        _malformed("patient's birth date", notes)
        return None
    return months / 12 if months < 24 else float(months // 12)
