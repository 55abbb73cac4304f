import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.manifest import NAME

Run = Callable[..., Any]


@pytest.fixture
def shot(tmp_path: Path, film: bytes) -> Path:
    path = tmp_path / "shot.png"
    path.write_bytes(film)
    return path


def test_json_is_the_answer(caselink: Run, archive: Path, shot: Path) -> None:
    found = caselink("query", shot, "--archive", archive, "-k", 4, "--json").json()
    assert set(found) >= {"cases", "vote", "label", "reason", "manifest", "rule", "tally", "warnings"}
    assert [case["rank"] for case in found["cases"]] == [1, 2, 3, 4]
    assert found["label"] == "osteosarcoma"
    assert found["reason"] is None
    assert sum(found["vote"].values()) == 4
    assert found["manifest"]["k"] == 4
    assert len({case["patient"] for case in found["cases"]}) == 4


def test_says_the_same_as_the_api(caselink: Run, archive: Path, shot: Path, http: TestClient, film: bytes) -> None:
    box = "20,30,70,95"
    options = ["-k", 3, "--where", "sex = 'F'", "--roi", box, "--json"]
    here = caselink("query", shot, "--archive", archive, *options).json()
    fields = {"k": "3", "where": "sex = 'F'", "roi": box}
    there = http.post("/v1/search", files={"files": ("shot.png", film)}, data=fields).json()
    for answer in (here, there):
        answer["manifest"].pop("asked")
    assert {name: there[name] for name in here} == here


def test_the_table_fits_80_columns_and_names_what_counts(caselink: Run, archive: Path, shot: Path) -> None:
    done = caselink("query", shot, "--archive", archive)
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    text = " ".join(done.out.split())
    for said in ("osteosarcoma", "histology", "femur", "Research use only", "ties go to the larger summed similarity"):
        assert said in text
    assert "of 5 similar patients had osteosarcoma" in text


def test_what_is_unknown_is_said_and_ages_are_plain(caselink: Run, unsure: Path, shot: Path) -> None:
    done = caselink("query", shot, "--archive", unsure, "-k", 4)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    head, *rows = [line.split() for line in done.out.splitlines() if line[:2] in {"  ", "1 ", "2 ", "3 ", "4 "}][:5]
    assert head == ["alike", "entity", "proof", "site", "age", "sex", "patient", "films"]
    facts = {tuple(row[2:-2]) for row in rows}
    assert facts == {
        ("unknown", "unknown", "unknown", "12", "F"),
        ("unknown", "unknown", "unknown", "12.5", "unknown"),
        ("osteosarcoma", "unknown", "unknown", "unknown", "unknown"),
        ("unknown", "unknown", "unknown", "unknown", "unknown"),
    }


def test_a_mask_is_a_region(caselink: Run, archive: Path, shot: Path, tmp_path: Path) -> None:
    mask = np.zeros((120, 90), np.uint8)
    mask[30:95, 20:70] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    masked = caselink("query", shot, "--archive", archive, "--mask", tmp_path / "mask.png", "--json").json()
    drawn = caselink("query", shot, "--archive", archive, "--roi", "20,30,70,95", "--json").json()
    assert masked["cases"] == drawn["cases"]


def test_own_patient_stays_out_unless_asked_for(caselink: Run, archive: Path, source: Path) -> None:
    own = source / "p02-0.png"
    without = caselink("query", own, "--archive", archive, "--json").json()["cases"]
    within = caselink("query", own, "--archive", archive, "--include-self", "--json").json()["cases"]
    assert within[0]["similarity"] == pytest.approx(1, abs=1e-5)
    assert within[0]["patient"] not in {case["patient"] for case in without}


def test_several_films_make_one_query(caselink: Run, archive: Path, source: Path) -> None:
    found = caselink("query", source / "p02-0.png", source / "p02-1.png", "--archive", archive, "--json").json()
    assert len(found["cases"]) == 5
    assert found["label"] == "osteosarcoma"


def test_a_bad_film_is_one_sentence_and_changes_nothing(
    caselink: Run, archive: Path, tmp_path: Path, bad_film: tuple[str, bytes, int], tree_hash: Run
) -> None:
    name, data, _ = bad_film
    (tmp_path / name).write_bytes(data)
    before = tree_hash(archive)
    said = caselink("query", tmp_path / name, "--archive", archive).refusal()
    assert said.startswith(f"{name}: ")
    assert "SECRET" not in said
    assert tree_hash(archive) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-k", 0], "k = 0 is outside 1 to 15"),
        (["-k", -3], "k = -3 is outside 1 to 15"),
        (["-k", 16], "k = 16 is outside 1 to 15 (the archive has 15 patients)"),
        (["--where", "colour = 'red'"], "unknown column 'colour' at character 1"),
        (["--where", "age < 20; drop table films"], "unexpected ';' at character 9"),
        (["--where", "age in (select age from films)"], "at character 9"),
        (["--where", ""], "the filter at character 1 is empty"),
        (["--roi", "10,10,500,500"], "region (10, 10, 500, 500) leaves the film, which has 90x120 pixels"),
        (["--roi", "10,10,11,11"], "region (10, 10, 11, 11) has 1x1 pixels; a drawn region needs at least 8 on"),
        (["--roi", "10,10,17,90"], "has 7x80 pixels"),
        (["--roi", "50,50,50,60"], "is empty or negative"),
        (["--roi", "-5,0,50,60"], "is empty or negative"),
        (["--roi", "10,10,50"], "region '10,10,50' is not x0,y0,x1,y1"),
        (["--roi", ""], "region '' is not x0,y0,x1,y1"),
        (["--roi", "1e3,0,2,2"], "is not x0,y0,x1,y1"),
        (["--mask", "nowhere.png"], "the mask nowhere.png cannot be read"),
        (["--roi", "1,1,9,9", "--mask", "x.png"], "either --roi or --mask"),
    ],
)
def test_a_bad_question_is_one_sentence(
    caselink: Run, archive: Path, shot: Path, options: list[object], said: str
) -> None:
    assert said in caselink("query", shot, "--archive", archive, *options).refusal()


def test_a_region_cannot_serve_two_films(caselink: Run, archive: Path, source: Path) -> None:
    films = [source / "p02-0.png", source / "p02-1.png"]
    said = caselink("query", *films, "--archive", archive, "--roi", "1,1,40,40").refusal()
    assert said.startswith("one region cannot serve 2 films")


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        (np.zeros((120, 90), np.uint8), "black all over"),
        (np.ones((30, 90), np.uint8), "the mask mask.png has 90x30 pixels, the film 90x120"),
        (None, "the mask mask.png is not a whole picture"),
    ],
)
def test_a_mask_that_fits_no_film(
    caselink: Run, archive: Path, shot: Path, tmp_path: Path, drawn: np.ndarray | None, said: str
) -> None:
    path = tmp_path / "mask.png"
    if drawn is None:
        path.write_bytes(b"no picture")
    else:
        cv2.imwrite(str(path), drawn)
    assert said in caselink("query", shot, "--archive", archive, "--mask", path).refusal()


def test_places_without_a_film_or_an_archive(caselink: Run, archive: Path, shot: Path, tmp_path: Path) -> None:
    assert "nowhere.png: the file cannot be read" in caselink("query", "nowhere.png", "--archive", archive).refusal()
    said = caselink("query", shot, "--archive", tmp_path / "none").refusal()
    assert said.startswith(f"{tmp_path / 'none'} holds no archive; make one with")
    assert not (tmp_path / "none").exists()
    assert "is a file, not an archive" in caselink("query", shot, "--archive", shot).refusal()


def test_an_encoder_of_another_model(caselink: Run, shot: Path, of_another_model: Run) -> None:
    said = caselink("query", shot, "--archive", of_another_model(mean=[0.4, 0.4, 0.4])).refusal()
    assert "the archive was made with default (" in said
    assert "use the archive's encoder, or index its films anew" in said


@pytest.mark.parametrize(
    "file", [NAME, "versions/*/catalogue.duckdb", "vectors/*/*.safetensors", "encoder/encoder.onnx"]
)
def test_a_damaged_archive_is_named(caselink: Run, shot: Path, copied: Run, file: str) -> None:
    damaged = copied()
    path = sorted(damaged.glob(file))[-1]  # of the newest version
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    said = caselink("query", shot, "--archive", damaged).refusal()
    assert path.name in said
    assert "anew" in said


def test_a_refusal_of_the_installed_command_is_one_line(archive: Path, shot: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "query", str(shot), "--archive", str(archive), "-k", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    said = "k = 0 is outside 1 to 15 (the archive has 15 patients); ask for a number within"
    assert done.stderr == f"caselink: {said}\n"


@pytest.mark.parametrize("door", ["film", "mask"])
def test_no_library_speaks_beside_a_refusal(archive: Path, shot: Path, tmp_path: Path, door: str) -> None:
    """Pillow warns of a TIFF that ends early; a reader of the one sentence must not see it."""
    whole = cv2.imencode(".tiff", np.ones((120, 90), np.uint8))[1].tobytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 2])
    asked = [tmp_path / "cut.tif"] if door == "film" else [shot, "--mask", tmp_path / "cut.tif"]
    command = [sys.executable, "-m", "api.cli", "query", *map(str, asked), "--archive", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "cut.tif" in done.stderr


def test_brackets_of_an_entity_are_not_markup(caselink: Run, source: Path, tmp_path: Path, shot: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("file,patient_id,entity\np00-0.png,1,[/b] odd\np03-0.png,2,[red]\n", encoding="utf-8")
    assert caselink("index", source, "--archive", tmp_path / "a", "--table", table).code == 0
    where = ["--where", "entity is not null", "-k", 2]
    shown = caselink("query", shot, "--archive", tmp_path / "a", *where)
    assert shown.code == 0, shown.err
    assert "[/b] odd" in shown.out
    assert "[red]" in shown.out
