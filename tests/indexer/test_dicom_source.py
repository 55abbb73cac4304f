"""DICOM folders into archives: every file accounted for, and no identifier gets through the door."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from shutil import copyfile

import duckdb
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian

from indexer.sources import SOURCES, SourceOptions

NAMES = ("PatientName", "OtherPatientNames", "ReferringPhysicianName", "OperatorsName", "PatientMotherBirthName")
TEXTS = ("PatientID", "PatientAddress", "AccessionNumber", "InstitutionName", "PatientComments", "IssuerOfPatientID")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
BIRTH = "PatientBirthDate"
SHORTEST = 6
"""Characters of an identifier that cannot turn up in binary data by chance."""


@pytest.fixture(scope="module")
def caselink(
    encoder_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line with the tests' encoder."""
    cache = tmp_path_factory.mktemp("cache")
    encoder_cache.mkdir(parents=True, exist_ok=True)
    (cache / "encoders").symlink_to(encoder_cache, target_is_directory=True)
    environment = os.environ | {"CASELINK_CACHE": str(cache), "OMP_NUM_THREADS": "1"}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "api.cli", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    return run


def film(number: int, pixels: np.ndarray, path: Path, **more: object) -> Dataset:
    """A film full of identifiers, each one its own."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = ComputedRadiographyImageStorage
    for keyword in NAMES:
        setattr(data, keyword, f"Zz{keyword[:9]}{number}^Qx{number}Jane")
    for keyword in TEXTS:
        setattr(data, keyword, f"Zz{keyword[:8]}{number:04d}")
    for place, keyword in enumerate(UIDS):
        setattr(data, keyword, f"1.2.826.0.1.{place + 1}.7777{number}.4321")
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.PatientBirthDate = (date(1977, 3, 5) + timedelta(days=37 * number)).strftime("%Y%m%d")
    data.StudyDate, data.PatientSex, data.BodyPartExamined = "20130708", "F", "KNEE"
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    for keyword, value in more.items():
        setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return data


def identifiers(data: Dataset) -> Iterator[str]:
    """Every identifier in a header, names also by their parts; too short ones cannot be told from chance."""
    for keyword in (*NAMES, *TEXTS, *UIDS, BIRTH):
        text = str(data.get(keyword, ""))
        words = {text, *text.split("^")} if keyword in NAMES else {text}
        if keyword == BIRTH and len(text) == 8:
            words.add(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        yield from (word for word in words if len(word) >= SHORTEST)


def texts(archive: Path) -> str:
    """All values of all tables of all catalogues of an archive."""
    told = []
    for path in archive.rglob("*.duckdb"):
        with duckdb.connect(str(path), read_only=True) as database:
            tables = [row[0] for row in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            assert "films" in tables
            for table in tables:
                told += [repr(row) for row in database.execute(f'SELECT * FROM "{table}"').fetchall()]
    return "\n".join(told)


def assert_holds_none(archive: Path, needles: set[str], said: str) -> None:
    """No identifier in any byte of any file, in any file's name, in any table, or in what was said."""
    everything = texts(archive) + said + "\n".join(str(path.relative_to(archive)) for path in archive.rglob("*"))
    for needle in needles:
        assert needle not in everything, needle
    for path in archive.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for needle in needles:
                assert needle.encode() not in data, (needle, path.name)
                assert needle.encode("utf-16-le") not in data, (needle, path.name)


def test_the_search_for_identifiers_finds_them(tmp_path: Path) -> None:
    """The tests below can fail: by name, by byte, by table."""
    (tmp_path / "a.bin").write_bytes(b"\0\0Zz12345\0")
    with duckdb.connect(str(tmp_path / "c.duckdb")) as database:
        database.execute("CREATE TABLE films AS SELECT 'Qq98765' AS patient FROM range(5000)")
    for needle in ("Zz12345", "Qq98765", "a.bin"):
        with pytest.raises(AssertionError):
            assert_holds_none(tmp_path, {needle}, "")
    assert_holds_none(tmp_path, {"Rr55555"}, "")


def test_no_identifier_gets_through_the_door(
    tmp_path: Path, caselink: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Sound films, twins, and films left out for every reason, under names that tell nothing."""
    rng = np.random.default_rng(0)
    source, archive = tmp_path / "films", tmp_path / "archive"
    source.mkdir()
    headers = []
    for number in range(6):
        pixels = rng.integers(0, 4096, (64, 48)).astype(np.uint16)
        headers.append(film(number, pixels, source / f"film{number}.dcm"))
    copyfile(source / "film0.dcm", source / "twin.dcm")
    pixels = rng.integers(0, 4096, (64, 48)).astype(np.uint16)
    for number, (name, lie) in enumerate(
        {
            "frames": {"NumberOfFrames": 3},
            "colour": {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3},
            "lying": {"Rows": 65},
            "odd": {"StudyDate": "", "WindowCenter": "9", "WindowWidth": "0"},
        }.items(),
        start=10,
    ):
        headers.append(film(number, pixels, source / f"{name}.dcm", **lie))
    whole = (source / "film1.dcm").read_bytes()
    (source / "cut.dcm").write_bytes(whole[:-500])
    (source / "scrambled.dcm").write_bytes(broken_dates(whole))

    done = caselink("index", source, "--archive", archive, "--layout", "dicom", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    reasons = {item["file"]: item["reason"] for item in report["left_out"]}
    assert reasons.keys() == {"frames.dcm", "colour.dcm", "lying.dcm", "cut.dcm"}
    assert (report["found"], report["duplicate"], report["indexed"]) == (13, 1, 8)
    more = [caselink("report", "--archive", archive), caselink("archive", "--archive", archive)]
    more.append(caselink("query", source / "film2.dcm", "--archive", archive, "--json", "--include-self"))
    assert all(one.returncode == 0 for one in more), [one.stderr for one in more]
    said = "".join(one.stdout + one.stderr for one in (done, *more))
    needles = {word for header in headers for word in identifiers(header)}
    assert len(needles) > 100
    assert_holds_none(archive, needles, said)


def broken_dates(data: bytes) -> bytes:
    """A film whose birth date no longer parses, so that a careless reader would complain of it by value."""
    at = data.index(b"\x10\0\x30\0DA") + 8
    assert struct.unpack_from("<H", data, at - 2) == (8,)
    return data[:at] + b"X" + data[at + 1 :]


def test_real_films_are_all_accounted_for_and_anonymous(
    tmp_path: Path, real_data: Callable[[str], Path], caselink: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    source, archive = tmp_path / "films", tmp_path / "archive"
    source.mkdir()
    needles: set[str] = set()
    paths = sorted(real_data("dicom").glob("*.dcm"))
    for number, path in enumerate(paths):
        copyfile(path, source / f"{number:02d}.dcm")
        needles |= set(identifiers(pydicom.dcmread(path, stop_before_pixels=True)))
    done = caselink("index", source, "--archive", archive, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    left_out = {paths[int(Path(item["file"]).stem)].stem: item["reason"] for item in report["left_out"]}
    assert left_out.keys() == {"SC_rgb_16bit_2frame", "chrJapMulti"}
    assert "2 frames" in left_out["SC_rgb_16bit_2frame"] and "no pixels" in left_out["chrJapMulti"]
    assert report["found"] == len(paths) == report["indexed"] + report["duplicate"] + len(report["left_out"])
    assert report["embedded"] == report["indexed"] == 11
    assert len(needles) > 20
    assert_holds_none(archive, needles, done.stdout + done.stderr)


def test_a_dicom_folder_is_recognised_and_listed(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20), np.uint16)
    (tmp_path / "deep").mkdir()
    film(1, pixels, tmp_path / "deep" / "no_suffix")
    (tmp_path / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7")
    source = SOURCES["dicom"]
    assert source.recognises(tmp_path)
    listing = source.list(tmp_path, SourceOptions(issuer="north"))
    assert [record.file for record in listing.films] == ["deep/no_suffix", "letter.pdf"]
    assert listing.issuer == "north" and not listing.synthetic
    assert not source.recognises(tmp_path / "nothing")
