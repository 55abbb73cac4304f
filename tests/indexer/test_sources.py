"""Sources: what a folder holds, and tables refused with a sentence that helps."""

from datetime import date
from pathlib import Path

import pytest

from engine.errors import SourceError
from engine.radiograph import Sex, Stage
from indexer.records import Proof
from indexer.sources import SOURCES, SourceOptions, open_source
from indexer.sources.tables import read_table

HEAD = "file,patient_id,entity,age,sex"


def write(root: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def test_folder_joins_films_and_table(tmp_path: Path) -> None:
    table = f"{HEAD}\na.png,1,osteosarcoma,14,F\nsub/b.png,1,,15.5,\nlost.png,2,,,\n"
    root = write(tmp_path, {"films.csv": table, "a.png": b"x", "sub/b.png": b"x", "c.pdf": b"%PDF", ".hidden": b"x"})
    listing = open_source(root, "folder")
    by_name = {film.file: film for film in listing.films}
    assert list(by_name) == ["a.png", "c.pdf", "sub/b.png", "lost.png"]
    first = by_name["a.png"]
    assert (first.header.patient, first.header.age, first.header.sex) == ("1", 14, Sex.female)
    assert first.lesion is not None
    assert first.lesion.entity == "osteosarcoma"
    assert by_name["sub/b.png"].lesion is None
    assert by_name["lost.png"].path is None
    assert by_name["c.pdf"].header.patient is None


def test_columns_are_mapped(tmp_path: Path) -> None:
    root = write(tmp_path, {"t.csv": "Bild;PatNr;Alter\na.png;7;33\n", "a.png": b"x"})
    options = SourceOptions(columns={"file": "Bild", "patient_id": "PatNr", "age": "Alter"})
    (film,) = open_source(root, "folder", options).films
    assert (film.header.patient, film.header.age) == ("7", 33)


def test_columns_that_no_field_takes_are_told(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.png": b"x", "films.csv": "file,entitiy,PatNo,age\na.png,osteosarcoma,1,9\n"})
    assert open_source(root, "folder").unread == ("entitiy", "PatNo")
    assert open_source(root, "folder", SourceOptions(columns={"patient_id": "PatNo"})).unread == ("entitiy",)


def test_masks_stand_beside_films(tmp_path: Path) -> None:
    files = {"images/a.jpg": b"x", "masks/a.png": b"x", "deep/b.png": b"x", "masks/deep/b.png": b"x", "c.png": b"x"}
    films = {film.file: film.mask for film in open_source(write(tmp_path, dict(files)), "folder").films}
    assert films == {
        "images/a.jpg": tmp_path / "masks/a.png",
        "deep/b.png": tmp_path / "masks/deep/b.png",
        "c.png": None,
    }


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "films.csv is empty; give a CSV"),
        ("name,age\na.png,3\n", "no column 'file'"),
        ("fle,age\na.png,3\n", "did you mean 'fle'"),
        ("file,age,age\na.png,3,4\n", "'age' 2 times"),
        ("file,age\na.png\n", "row 2: 1 values under 2 columns"),
        ("file,age\na.png,old\n", "'old' is not a number"),
        ("file,age\na.png,200\n", "outside 0 to 130"),
        ("file,sex\na.png,X\n", "no sex"),
        ("file,date\na.png,31.05.2024\n", "no date"),
        ("file,stage\na.png,later\n", "none of before treatment"),
        ("file\na.png\na.png\n", "twice"),
        ("file\n\0\n", "zero bytes"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, table: str, said: str) -> None:
    root = write(tmp_path, {"films.csv": table, "a.png": b"x"})
    with pytest.raises(SourceError, match=said):
        open_source(root, "folder")


def test_latin1_and_two_tables_are_refused(tmp_path: Path) -> None:
    root = write(tmp_path, {"a.csv": "file,site\nx.png,H\xfcfte\n".encode("latin-1")})
    with pytest.raises(SourceError, match="UTF-8"):
        open_source(root, "folder")
    write(tmp_path, {"b.csv": "file\n"})
    with pytest.raises(SourceError, match="--table"):
        open_source(root, "folder")


def test_unknown_field_or_layout_or_folder(tmp_path: Path) -> None:
    write(tmp_path, {"t.csv": "file,x\n"})
    with pytest.raises(SourceError, match="no field"):
        open_source(tmp_path, "folder", SourceOptions(columns={"agee": "x"}))
    with pytest.raises(SourceError, match="no column 'y'"):
        write(tmp_path, {"t.csv": "file,x\na.png,1\n"})
        open_source(tmp_path, "folder", SourceOptions(columns={"age": "y"}))
    with pytest.raises(SourceError, match="no layout"):
        open_source(tmp_path, "pacs")
    with pytest.raises(SourceError, match="no folder"):
        open_source(tmp_path / "missing")


def test_histories_and_dicom_tables(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "films/p1/1.dcm": bytes(128) + b"DICM",
            "masks/p1/1.png": b"x",
            "source.json": '{"title": "SYNTHETIC x", "synthetic": true}',
            "films.csv": "file,stage,view\np1/1.dcm,after operation,lateral\nfilms/gone.dcm,,\n",
            "diagnoses.csv": "patient_id,entity,date,proof\np1,osteosarcoma,2020-01-02,histology\n",
            "events.csv": "patient_id,date,kind,text,source\np1,2020-01-01,presentation,pain,\n",
        },
    )
    listing = open_source(root)
    assert listing.synthetic
    assert listing.title == "SYNTHETIC x"
    film, gone = listing.films
    assert film.mask == root / "masks/p1/1.png"
    assert (film.header.stage, film.header.view) == (Stage.after_operation, "lateral")
    assert gone.path is None
    history = listing.histories["p1"]
    assert history.lesions[0].proof is Proof.histology
    assert history.lesions[0].dated == date(2020, 1, 2)
    assert history.events[0].text == "pain"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_broken_source_facts(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"a.dcm": bytes(128) + b"DICM", "source.json": text})
    with pytest.raises(SourceError, match="source.json"):
        open_source(tmp_path)


def test_unknown_event_kind(tmp_path: Path) -> None:
    write(tmp_path, {"a.png": b"", "events.csv": "patient_id,kind,text\n1,party,x\n", "t.csv": "file\n"})
    with pytest.raises(SourceError, match="none of presentation"):
        open_source(tmp_path)


def test_table_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not there"):
        read_table(tmp_path / "none.csv", [])


@pytest.mark.parametrize(("name", "films"), [("btxrd", 1834), ("fracatlas", 810)])
def test_real_layouts(real_data: object, name: str, films: int) -> None:
    root = real_data(name)  # type: ignore[operator]
    assert next(layout for layout, source in SOURCES.items() if source.recognises(root)) == name
    listing = open_source(root)
    assert len(listing.films) == films
    assert all(film.path is not None or film.problem is None for film in listing.films)


def test_fracatlas_boxes_are_film_pixels(real_data: object) -> None:
    listing = open_source(real_data("fracatlas"))  # type: ignore[operator]
    broken = [film for film in listing.films if film.lesion and film.lesion.entity == "fracture"]
    boxed = [film for film in broken if film.boxes]
    assert len(boxed) > 300
    assert all(x0 < x1 and y0 < y1 for film in boxed for x0, y0, x1, y1 in film.boxes)
