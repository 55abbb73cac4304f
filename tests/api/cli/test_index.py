import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.settings import keep_ray_here

HEAD = "file,patient_id,entity\n"
Run = Callable[..., Any]


@pytest.fixture
def few(source: Path, tmp_path: Path) -> Path:
    """Four films of the source, with its table cut to them."""
    root = tmp_path / "few"
    root.mkdir()
    lines = (source / "films.csv").read_text(encoding="utf-8").splitlines()
    (root / "films.csv").write_text("\n".join(lines[:5]), encoding="utf-8")
    for line in lines[1:5]:
        name = line.split(",")[0]
        shutil.copy(source / name, root / name)
    return root


def test_json_accounts_for_every_file(caselink: Run, few: Path, bad_films: dict[str, Any], tmp_path: Path) -> None:
    for name, data, _ in bad_films.values():
        (few / name).write_bytes(data)
    shutil.copy(few / "p00-0.png", few / "zz.png")
    found = caselink("index", few, "--archive", tmp_path / "a", "--layout", "folder", "--json").json()
    assert set(found) >= {"found", "indexed", "duplicate", "left_out", "embedded"}
    assert (found["found"], found["indexed"], found["duplicate"]) == (4 + len(bad_films) + 1, 4, 1)
    assert found["found"] == found["indexed"] + found["duplicate"] + len(found["left_out"])
    assert {each["file"] for each in found["left_out"]} == {name for name, _, _ in bad_films.values()}
    assert all(each["reason"] and "\n" not in each["reason"] for each in found["left_out"])
    again = caselink("index", few, "--archive", tmp_path / "a", "--layout", "folder", "--json").json()
    assert again["embedded"] == 0
    assert {key: again[key] for key in ("found", "indexed", "duplicate", "left_out")} == {
        key: found[key] for key in ("found", "indexed", "duplicate", "left_out")
    }


def test_report_lists_what_the_archive_left_out(caselink: Run, few: Path, tmp_path: Path) -> None:
    (few / "notes.pdf").write_bytes(b"%PDF-1.7")
    done = caselink("index", few, "--archive", tmp_path / "a")
    assert done.code == 0
    assert "5 films found: 4 indexed (4 embedded now), 0 duplicates, 1 left out" in done.out
    assert "left out: notes.pdf: the file is a PDF" in done.out
    told = caselink("report", "--archive", tmp_path / "a")
    assert "5 films found: 4 indexed, 0 duplicates, 1 left out" in told.out
    assert "notes.pdf: the file is a PDF" in told.out
    (ledger,) = caselink("report", "--archive", tmp_path / "a", "--json").json()
    assert ledger["found"] == ledger["indexed"] + len(ledger["duplicates"]) + len(ledger["left_out"])
    assert ledger["left_out"][0][0] == "notes.pdf"


def test_a_second_run_adds_only_what_is_new(caselink: Run, few: Path, source: Path, tmp_path: Path) -> None:
    caselink("index", few, "--archive", tmp_path / "a")
    shutil.copy(source / "p09-0.png", few)
    more = caselink("index", few, "--archive", tmp_path / "a", "--json").json()
    assert (more["found"], more["indexed"], more["embedded"]) == (5, 5, 1)


def test_columns_of_another_name_are_mapped(caselink: Run, few: Path, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text("Bild;PatNo;Dx\np00-0.png;7;giant cell tumour\n", encoding="utf-8")
    options = ["--table", table, "--map", "file=Bild", "--map", "patient_id=PatNo", "--map", "entity=Dx"]
    (few / "films.csv").unlink()
    assert caselink("index", few, "--archive", tmp_path / "a", *options).code == 0
    columns = caselink("archive", "--archive", tmp_path / "a", "--json").json()["columns"]
    entities = next(column["values"] for column in columns if column["name"] == "entity")
    assert {"value": "giant cell tumour", "films": 1} in entities


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ("name,entity\nx,y\n", [], "films.csv has no column 'file', only name, entity; name yours with --map"),
        ("file,entity,entity\np00-0.png,a,b\n", [], "films.csv has the column 'entity' 2 times"),
        ("", [], "films.csv is empty; give a CSV whose first line names its columns"),
        ("fiel,entity\nx,y\n", [], "no column 'file', only fiel, entity (did you mean 'fiel'?); name yours with --map"),
        (HEAD + "p00-0.png,1\n", [], "row 2: 2 values under 3 columns"),
        (HEAD + "p00-0.png,1,a\np00-0.png,1,a\n", [], "names the film p00-0.png twice"),
        ("file,age\np00-0.png,old\n", [], "'old' is not a number"),
        ("file,sex\np00-0.png,x\n", [], "'x' is no sex"),
        (HEAD, ["--map", "colour=x"], "'colour' is no field of a film"),
        (HEAD + "p00-0.png,1,a\n", ["--map", "age=Alter"], "no column 'Alter' for 'age'"),
        (HEAD, ["--map", "age"], "--map 'age' is not FIELD=COLUMN"),
        (HEAD, ["--map", "age=a", "--map", "age=b"], "--map gives 'age' two columns"),
        (HEAD, ["--layout", "dicom", "--map", "age=a"], "not the layout dicom"),
        (HEAD, ["--layout", "btx"], "there is no layout 'btx'"),
        (HEAD, ["--table", "nowhere.csv"], "nowhere.csv is not there"),
        (HEAD, ["--encoder", "no/such"], "'no/such' is not an encoder"),
    ],
)
def test_a_wrong_table_or_option_is_one_sentence_and_makes_no_archive(
    caselink: Run, few: Path, tmp_path: Path, table: str, options: list[str], said: str
) -> None:
    (few / "films.csv").write_text(table, encoding="utf-8")
    assert said in caselink("index", few, "--archive", tmp_path / "a", *options).refusal()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("table", ["name\nx\n", "file,file\na,b\n"])
def test_a_wrong_table_leaves_a_full_archive_as_it_was(
    caselink: Run, few: Path, tmp_path: Path, tree_hash: Callable[[Path], dict[str, str]], table: str
) -> None:
    caselink("index", few, "--archive", tmp_path / "a")
    before = tree_hash(tmp_path / "a")
    (few / "films.csv").write_text(table, encoding="utf-8")
    caselink("index", few, "--archive", tmp_path / "a").refusal()
    assert tree_hash(tmp_path / "a") == before


def test_places_that_hold_no_films_or_no_archive(caselink: Run, few: Path, tmp_path: Path) -> None:
    assert "is no folder" in caselink("index", tmp_path / "none", "--archive", tmp_path / "a").refusal()
    assert "is no folder" in caselink("index", few / "p00-0.png", "--archive", tmp_path / "a").refusal()
    assert "is a file" in caselink("index", few, "--archive", few / "p00-0.png").refusal()
    before = sorted(few.iterdir())
    assert "no archive and not empty" in caselink("index", few, "--archive", few).refusal()
    assert sorted(few.iterdir()) == before


def test_a_folder_without_films_makes_no_archive(caselink: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = caselink("index", tmp_path / "empty", "--archive", tmp_path / "a").refusal()
    assert said == f"{tmp_path / 'empty'} holds no files; give the folder with the films (DICOM, PNG, JPEG or TIFF)"
    assert not (tmp_path / "a").exists()


def test_films_of_which_none_can_be_indexed(caselink: Run, bad_film: tuple[str, bytes, int], tmp_path: Path) -> None:
    name, data, _ = bad_film
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / name).write_bytes(data)
    command = ["index", tmp_path / "bad", "--archive", tmp_path / "a"]
    done, told = caselink(*command), caselink(*command, "--json")
    said = f"caselink: no film of {tmp_path / 'bad'} could be indexed; mend its files as their reasons say"
    for ran in (done, told):
        assert ran.code == 1
        assert ran.err.splitlines()[-1] == said
        assert "Traceback" not in ran.err
        assert "SECRET" not in ran.out
    assert f"left out: {name}: " in done.out
    (left_out,) = json.loads(told.out)["left_out"]
    assert left_out["file"] == name
    assert "; " in left_out["reason"]  # the cure


def test_a_table_that_is_a_folder_is_one_sentence(caselink: Run, few: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    caselink("index", few, "--archive", tmp_path / "a", "--table", tmp_path / "folder.csv").refusal()


def test_brackets_in_names_are_not_markup(caselink: Run, few: Path, tmp_path: Path) -> None:
    (few / "[bold]x.pdf").write_bytes(b"%PDF")
    done = caselink("index", few, "--archive", tmp_path / "a")
    assert done.code == 0
    assert "[bold]x.pdf" in done.out
    assert "[bold]x.pdf" in caselink("report", "--archive", tmp_path / "a").out


def test_the_installed_command_prints_one_line_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "api.cli", "index", str(tmp_path / "none"), "--archive", str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"caselink: {tmp_path / 'none'} is no folder; give the folder that holds the films\n"


def test_a_usage_error_says_what_is_known(caselink: Run) -> None:
    done = caselink("index", "--colour")
    assert done.code == 2
    assert "--colour" in done.err


def test_threads_and_processes_are_not_both_asked_for(caselink: Run, few: Path, tmp_path: Path) -> None:
    said = caselink("index", few, "--archive", tmp_path / "a", "--ray", 2, "--workers", 3).refusal()
    assert said == "--workers 3 are threads and --ray 2 are processes; give one or the other"
    assert not (tmp_path / "a").exists()


def test_without_ray_the_cure_is_told(
    caselink: Run, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.bulk.find_spec", lambda name: None)
    monkeypatch.setattr("api.cli.index.keep_ray_here", lambda: None)
    said = caselink("index", few, "--archive", tmp_path / "a", "--ray", 2).refusal()
    assert "install caselink[scale], or leave out --ray" in said


def test_ray_is_kept_to_this_machine_unless_the_user_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", raising=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    keep_ray_here()
    assert (os.environ.pop("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"), os.environ["RAY_AUTH_MODE"]) == ("0", "disabled")


def test_films_of_an_object_store_are_indexed(caselink: Run, few: Path, tmp_path: Path) -> None:
    store = pytest.importorskip("fsspec").filesystem("memory")
    for path in few.iterdir():
        store.pipe(f"/shelf/few/{path.name}", path.read_bytes())
    there = caselink("index", "memory://shelf/few", "--archive", tmp_path / "there", "--json").json()
    here = caselink("index", few, "--archive", tmp_path / "here", "--json").json()
    assert (there["indexed"], there["left_out"]) == (here["indexed"], here["left_out"]) == (4, [])
    assert caselink("index", "memory://shelf/few", "--archive", tmp_path / "there", "--json").json()["embedded"] == 0
