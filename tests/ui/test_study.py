"""ZIP files of studies: films come out by bare names, the rest is counted, and none can flood the page."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from api.schemas import Limits
from ui import study
from ui.study import unpacked

PNG, JPEG = b"\x89PNG\r\n\x1a\n" + bytes(40), b"\xff\xd8\xff\xe0" + bytes(40)
DICOM = bytes(128) + b"DICM" + bytes(60)
LIMITS = Limits(max_films=3, max_upload_mib=1)
Open = Callable[..., Page]


def packed(*files: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files:
            made.writestr(name, data)
    return held.getvalue()


def test_other_files_go_through_as_they_are() -> None:
    files = [("a.png", PNG), ("b.dcm", DICOM), ("c.txt", b"words"), ("d.zip", b"no archive")]
    assert unpacked(files, LIMITS) == (files, [])


def test_films_come_out_by_their_bare_names_and_the_rest_is_counted() -> None:
    data = packed(
        ("MUSTER^ERIKA/SER1/IM1", DICOM), ("DICOMDIR", DICOM), ("viewer.exe", b"MZ"), ("x/", b""), ("s/b.jpg", JPEG)
    )
    films, said = unpacked([("first.png", PNG), ("study.zip", data), ("last.png", PNG)], LIMITS)
    assert films == [("first.png", PNG), ("IM1", DICOM), ("b.jpg", JPEG), ("last.png", PNG)]
    (left,) = said
    assert left.startswith("study.zip: 2 files left aside") and "ERIKA" not in left


def test_a_study_of_many_films_is_taken_up_to_the_limit() -> None:
    films, said = unpacked([("s.zip", packed(*((f"{n}.dcm", DICOM + bytes([n])) for n in range(5))))], LIMITS)
    assert [name for name, _ in films] == ["0.dcm", "1.dcm", "2.dcm"]
    assert said == [
        "s.zip holds 5 films; the first 3 were taken. Send others one by one if they show the lesion better."
    ]


def test_what_would_be_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = packed(("a.dcm", DICOM + bytes(3 << 20)))
    assert len(bomb) < 1 << 14
    films, said = unpacked([("bomb.zip", bomb)], LIMITS)
    assert films == [] and said == [
        "bomb.zip was not added: its films have 4 MiB, over the limit of 1 MiB together; send fewer of them."
    ]
    monkeypatch.setattr(study, "MOST", 2)
    assert (
        "3 files, over the limit of 2 files" in unpacked([("n.zip", packed(*((c, b"") for c in "abc")))], LIMITS)[1][0]
    )


def test_a_file_that_lies_of_its_size_is_read_no_further_than_it_says() -> None:
    data = bytearray(packed(("a.dcm", DICOM + bytes(3 << 20))))
    for sign, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(sign) + place
        data[at : at + 4] = (200).to_bytes(4, "little")
    films, _ = unpacked([("lie.zip", bytes(data))], LIMITS)
    assert all(len(film) <= 200 for _, film in films)


def test_nothing_in_it_is_a_film() -> None:
    films, said = unpacked([("s.zip", packed(("a.txt", b"words")))], LIMITS)
    assert films == [] and said[0].startswith("s.zip was not added: 1 file in it, and none is DICOM")


@pytest.mark.parametrize("cut", [4, 60, -30])
def test_a_damaged_one_is_said(cut: int) -> None:
    films, said = unpacked([("s.zip", packed(("a.png", PNG))[:cut])], LIMITS)
    assert films == [] and said[0].startswith("s.zip was not opened: it is cut short")


def test_a_locked_one_is_said() -> None:
    data = bytearray(packed(("a.png", PNG)))
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(sign) + place] |= 1
    assert "locked with a password" in unpacked([("s.zip", bytes(data))], LIMITS)[1][0]


@given(st.binary(max_size=300), st.integers(0, 200))
@example(bytes([0, 8]) + bytes(18) + b"\n", 6)  # a name that is no UTF-8
def test_fuzz_any_bytes_give_films_or_a_sentence(noise: bytes, at: int) -> None:
    data = packed(("a.dcm", DICOM), ("b.png", PNG))
    films, said = unpacked([("s.zip", data[:4] + data[4:at] + noise + data[at + len(noise) :])], LIMITS)
    assert films or said
    assert sum(len(film) for _, film in films) <= LIMITS.max_upload_mib << 20


def test_a_study_is_uploaded_as_one_file(visit: Open, films: Path, tmp_path: Path) -> None:
    chosen = sorted((films / "query").glob("*.dcm"))[:1]
    path = tmp_path / "study.zip"
    path.write_bytes(packed(("README.TXT", b"words"), *((f"STUDY/{film.name}", film.read_bytes()) for film in chosen)))
    page = visit((1280, 900))
    page.set_input_files("input[type=file]", str(path))
    expect(page.get_by_text(f"{chosen[0].name}:").first).to_be_visible()
    expect(page.get_by_text("study.zip: 1 file left aside")).to_be_visible()
